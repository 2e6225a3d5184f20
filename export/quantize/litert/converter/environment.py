"""The Python environment that conversion runs in: made on demand, kept in the platform's cache folder.

Its folder is named by the pins and the Python that it was made with. A marker, written last, says that it is whole; an
environment without one is made anew (what pip has fetched is in pip's own cache, so a second try is quick).

    >>> python = converter_python()
    PosixPath('/home/ada/.cache/taglet/litert-converter-3f9c2a7b11d0-py3.12/bin/python')
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import platformdirs

from edge.command_line import progress
from edge.errors import NetworkError, OutputError, UsageError

PINS = Path(__file__).with_name("requirements.txt")
CACHE_VARIABLE = "TAGLET_CONVERTER_CACHE"
"""Names another folder to keep environments in."""
VERSIONS = ((3, 12), (3, 13))
READY = "taglet-ready"
SIZE = "some 250 MB to fetch, 660 MB installed"
NO_NETWORK = ("NewConnectionError", "NameResolutionError", "Temporary failure", "timed out", "Network is unreachable")
NOT_OFFERED = ("No matching distribution", "Could not find a version")
DISK_FULL = ("No space left", "Errno 28", "Disk quota")


def converter_python(cache: Path | None = None) -> Path:
    """Return the Python of the converter's environment, making the environment where there is none yet.

    Args:
        cache: folder for environments; None takes TAGLET_CONVERTER_CACHE or the platform's cache folder.

    Raises:
        UsageError: no Python that the converter runs on is installed.
        NetworkError: its packages cannot be fetched.
        OutputError: the environment cannot be written, for lack of space for example.
    """
    cache = cache or Path(os.environ.get(CACHE_VARIABLE) or platformdirs.user_cache_dir("taglet", appauthor=False))
    for version in VERSIONS:
        folder = environment_folder(cache, version)
        if (folder / READY).is_file() and python_in(folder).is_file():
            return python_in(folder)
    version, base = find_python()
    folder = environment_folder(cache, version)
    with _alone(folder):
        if not (folder / READY).is_file():
            _make(folder, base)
    return python_in(folder)


def environment_folder(cache: Path, version: tuple[int, int]) -> Path:
    """Return the folder of the environment for the present pins and a version of Python."""
    key = hashlib.sha256(PINS.read_bytes()).hexdigest()[:12]
    return cache / f"litert-converter-{key}-py{version[0]}.{version[1]}"


def python_in(folder: Path) -> Path:
    """Return where an environment has its Python."""
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def find_python() -> tuple[tuple[int, int], Path]:
    """Return version and path of a Python that the converter's packages are built for.

    Raises:
        UsageError: there is none.
    """
    for candidate in _candidates():
        with suppress(OSError, subprocess.SubprocessError, ValueError):
            command = [str(candidate), "-c", "import ensurepip, venv, sys; print(*sys.version_info[:2])"]
            done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
            major, minor = (int(part) for part in done.stdout.split())
            if (major, minor) in VERSIONS:
                return (major, minor), candidate
    raise UsageError(
        "turning ONNX into LiteRT needs Python 3.12 or 3.13 on this machine (the kit itself may keep its own): "
        "install one with its venv module, or convert elsewhere and give the .tflite file to this command"
    )


def _candidates() -> Iterator[Path]:
    """Yield Pythons to try: this one, those on the PATH, those that pyenv and uv keep."""
    yield Path(sys.executable)
    for major, minor in VERSIONS:
        if found := shutil.which(f"python{major}.{minor}"):
            yield Path(found)
    homes = [Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"]
    homes.append(Path(os.environ.get("UV_PYTHON_INSTALL_DIR") or platformdirs.user_data_dir("uv") + "/python"))
    for home in homes:
        for major, minor in VERSIONS:
            yield from sorted(home.glob(f"*{major}.{minor}.*/bin/python"))


def _make(folder: Path, base: Path) -> None:
    print(f"making the environment that converts ONNX to LiteRT, once ({SIZE})", file=sys.stderr, flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run([str(base), "-m", "venv", str(folder)], capture_output=True, text=True, check=True)
        _install(folder)
        (folder / READY).write_text("")
    except subprocess.CalledProcessError as e:
        _refuse(folder, str(e.stderr or e.stdout))
    except OSError as e:
        _refuse(folder, str(e))
    except KeyboardInterrupt:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _install(folder: Path) -> None:
    """Install the pins one line of pip's report at a time, so that progress can be seen."""
    options = ["--disable-pip-version-check", "--no-input", "--progress-bar", "off", "--only-binary", ":all:"]
    command = [str(python_in(folder)), "-m", "pip", "install", *options, "--requirement", str(PINS)]
    log = folder / "pip.log"
    with (
        log.open("w") as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True) as pip,
    ):
        assert pip.stdout is not None, "stdout is a pipe"
        pins = sum(not line.startswith("#") for line in PINS.read_text().splitlines())
        steps = (line for line in pip.stdout if line.startswith("Collecting "))
        try:
            for _ in progress(steps, "fetching the converter", total=pins, unit="package"):
                pass
        except KeyboardInterrupt:
            pip.terminate()
            raise
    if pip.returncode:
        raise subprocess.CalledProcessError(pip.returncode, command, stderr=log.read_text())


def _refuse(folder: Path, said: str) -> None:
    """Remove what was made and say why in one sentence.

    Raises:
        NetworkError, OutputError, UsageError: always one of them.
    """
    shutil.rmtree(folder, ignore_errors=True)
    if any(word in said for word in DISK_FULL):
        raise OutputError(f"{folder}: no space for the converter's environment ({SIZE}); {CACHE_VARIABLE} moves it")
    if any(word in said for word in NO_NETWORK):
        raise NetworkError(
            f"turning ONNX into LiteRT needs packages that cannot be fetched now ({SIZE}, once): connect to a network, "
            "or convert elsewhere and give the .tflite file to this command"
        )
    if any(word in said for word in NOT_OFFERED):
        raise NetworkError(f"your package index does not offer what the converter needs ({_last_line(said)})")
    raise OutputError(f"{folder}: the converter's environment cannot be made ({_last_line(said)})")


def _last_line(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip() and not line.startswith("WARNING")]
    return lines[-1][:200] if lines else "no reason given"


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep two commands from making the same environment at once, where the platform can lock files."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(folder.name + ".lock").open("w") as lock:
        with suppress(ImportError):
            import fcntl

            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
