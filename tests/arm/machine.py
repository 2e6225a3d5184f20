"""An aarch64 machine in a folder: emulator, Python of the distribution, wheels. No root, no chroot, no binfmt.

`python -m tests.arm.machine` sets it up in .venv-arm. apt gets arm64 packages into lists and a cache of its own there,
from the sources that this machine has, and dpkg-deb unpacks them; nothing on the system itself is changed.

    >>> machine = ArmMachine(FOLDER, CPUS[0])
    >>> subprocess.run(machine.command("-c", "import platform; print(platform.machine())"), env=machine.environment())
    aarch64
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.arm.cpus import CPUS, Cpu

REPOSITORY = Path(__file__).resolve().parents[2]
FOLDER = REPOSITORY / ".venv-arm"
STAMP = ".installed"
GUEST_PACKAGES = ("python3", "libgomp1", "libstdc++6")
EMULATOR_PACKAGE = "qemu-user-static"
EMULATORS = ("qemu-aarch64-static", "qemu-aarch64")
PLATFORMS = ("manylinux_2_28_aarch64", "manylinux_2_27_aarch64", "manylinux_2_17_aarch64", "manylinux2014_aarch64")
TOOLS = {"apt-get", "dpkg-deb"}
EXTRAS = ("litert",)
OLDEST_PYTHON = (3, 11)


class Unavailable(Exception):
    """The machine cannot be set up here; the message is one sentence."""


@dataclass(frozen=True)
class ArmMachine:
    """A machine that has been set up in a folder, with one of the processors."""

    folder: Path
    cpu: Cpu

    def command(self, *arguments: str) -> list[str]:
        """Return the words that run its Python with these arguments."""
        emulator, python = emulator_of(self.folder), python_of(self.folder)
        return [str(emulator), "-cpu", self.cpu.name, "-L", str(self._root()), str(python), *arguments]

    def environment(self) -> dict[str, str]:
        """Return the variables of its processes: those of this machine stay outside."""
        return {
            "PYTHONPATH": f"{self.folder / 'site'}:{REPOSITORY}",
            "PYTHONPYCACHEPREFIX": str(self.folder / "pycache"),
            "LC_ALL": "C.UTF-8",
            "HOME": str(self.folder),
            "PATH": "/usr/bin:/bin",
        }

    def _root(self) -> Path:
        """Return the folder that its processes see first: the common files, and this processor's /proc/cpuinfo."""
        root = self.folder / self.cpu.name
        (root / "proc").mkdir(parents=True, exist_ok=True)
        (root / "proc" / "cpuinfo").write_text(self.cpu.cpuinfo())
        for name in ("lib", "usr", "etc"):
            if not (root / name).is_symlink():
                (root / name).symlink_to(self.folder / "root" / name)
        return root


def emulator_of(folder: Path) -> Path:
    """Return the emulator, under whichever name the distribution has it."""
    found = [path for name in EMULATORS for path in (folder / "emulator").rglob(name)]
    if not found:
        raise Unavailable(f"the package {EMULATOR_PACKAGE} of this distribution holds no {' or '.join(EMULATORS)}")
    return found[0]


def python_of(folder: Path) -> Path:
    """Return the aarch64 Python of the distribution."""
    found = sorted((folder / "root" / "usr" / "bin").glob("python3.[0-9]*[0-9]"))
    if not found:
        raise Unavailable("apt unpacked no python3 for arm64: see what `apt-get update` says of this machine's sources")
    return found[0]


def set_up(folder: Path) -> None:
    """Make the machine from nothing.

    Raises:
        Unavailable: this system is not one that can, or apt or pip could not get what is needed.
    """
    require_able(platform.system(), platform.machine(), {tool for tool in TOOLS if shutil.which(tool)})
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    say("asking apt for the arm64 Python of this distribution and an emulator (some 80 MB)")
    packages = download(folder / "apt")
    say(f"unpacking {len(packages)} packages")
    unpack(packages, folder)
    version = python_version(folder)
    say(f"installing aarch64 wheels for Python {version} (some 120 MB)")
    install_wheels(folder / "site", version)
    shutil.rmtree(folder / "apt")
    for cpu in CPUS:
        machine = ArmMachine(folder, cpu)
        call(machine.command("-c", "import numpy, onnxruntime, numkong"), f"{cpu.name}", machine.environment())


def require_able(system: str, architecture: str, tools: set[str]) -> None:
    """Raise `Unavailable` unless this is an x86-64 Linux with apt and dpkg."""
    if (system, architecture) == ("Linux", "aarch64"):
        raise Unavailable("this machine is aarch64 itself: `make test` says all that an emulator could")
    if (system, architecture) != ("Linux", "x86_64"):
        raise Unavailable(f"emulating aarch64 is set up on x86-64 Linux only, this is {system} on {architecture}")
    if missing := sorted(TOOLS - tools):
        raise Unavailable(f"{' and '.join(missing)} not found: the arm64 system comes from Debian or a relative of it")


def download(state: Path) -> list[Path]:
    """Let apt work out and fetch the packages, with lists, cache and status of its own, and return them."""
    for name in ("lists/partial", "archives/partial"):
        (state / name).mkdir(parents=True)
    (state / "status").touch()
    apt = ["apt-get", "-qq", "--yes", *(word for option in apt_options(state) for word in ("-o", option))]
    call([*apt, "update"], "apt-get update")
    wanted = [*GUEST_PACKAGES, f"{EMULATOR_PACKAGE}:amd64"]
    call([*apt, "install", "--download-only", "--no-install-recommends", *wanted], "apt-get install --download-only")
    return sorted((state / "archives").glob("*.deb"))


def apt_options(state: Path) -> list[str]:
    """Return what makes apt work as an arm64 machine in a folder of its own; the sources stay those of this machine."""
    return [
        "APT::Architecture=arm64",
        "APT::Architectures::=arm64",
        "APT::Architectures::=amd64",
        f"Dir::State::lists={state / 'lists'}",
        f"Dir::State::status={state / 'status'}",
        f"Dir::Cache::archives={state / 'archives'}",
        "Dir::Cache::pkgcache=",
        "Dir::Cache::srcpkgcache=",
        "Acquire::Languages=none",
        "APT::Sandbox::User=",
        "Debug::NoLocking=1",
    ]


def unpack(packages: Sequence[Path], folder: Path) -> None:
    """Unpack the guest's packages into root/, and of this machine's own ones the emulator into emulator/."""
    for package in packages:
        own = package.stem.endswith("_amd64")
        call(["dpkg-deb", "-x", str(package), str(folder / ("unpacked" if own else "root"))], package.name)
    (folder / "emulator").mkdir()
    for name in EMULATORS:
        for path in (folder / "unpacked").rglob(name):
            if path.parent.name == "bin" and path.is_file():
                shutil.copy2(path, folder / "emulator" / name)
    shutil.rmtree(folder / "unpacked", ignore_errors=True)
    for name in ("lib", "etc"):  # where /lib is a link to /usr/lib, no package holds the link
        if not (folder / "root" / name).exists():
            (folder / "root" / name).symlink_to(f"usr/{name}")
    emulator_of(folder)


def python_version(folder: Path) -> str:
    """Return "3.11" or newer, the version of the distribution's Python."""
    version = python_of(folder).name.removeprefix("python")
    if tuple(int(part) for part in version.split(".")) < OLDEST_PYTHON:
        raise Unavailable(f"this distribution has Python {version}, the kit needs 3.11 or newer")
    return version


def install_wheels(site: Path, version: str) -> None:
    """Let pip unpack aarch64 wheels of the base install and LiteRT, of the versions that are tested everywhere."""
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "--quiet"]
    machine = ["--only-binary=:all:", "--implementation", "cp", "--python-version", version]
    machine += [word for name in PLATFORMS for word in ("--platform", name)]
    pins = ["--constraint", str(REPOSITORY / "constraints.txt")]
    call([*pip, "--target", str(site), *machine, *pins, *requirements()], "pip install")


def requirements() -> list[str]:
    """Return what the base install and the extras ask for, and what opens a delta."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    deltas = [word for word in project["optional-dependencies"]["sync"] if word.startswith("zstandard")]
    return [
        *project["dependencies"],
        *deltas,
        *(word for name in EXTRAS for word in project["optional-dependencies"][name]),
    ]


def call(words: Sequence[str], doing: str, environment: dict[str, str] | None = None) -> None:
    """Run a program; its last line of complaint is the reason if it fails."""
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=environment or dict(os.environ))
    if done.returncode:
        lines = [line for line in (done.stderr + done.stdout).splitlines() if line.strip()]
        raise Unavailable(f"{doing} failed ({done.returncode}): {lines[-1] if lines else 'it said nothing'}")


def say(sentence: str) -> None:
    """Print what is done now, as make's other set-up lines do."""
    print(f"set-up: {sentence}", flush=True)


def main() -> int:
    """Set up the machine; print one sentence and return 2 where that cannot be."""
    try:
        set_up(FOLDER)
    except (Unavailable, OSError) as e:
        print(f"test-arm: {e}", file=sys.stderr)
        return 2
    (FOLDER / STAMP).touch()
    return 0


if __name__ == "__main__":
    sys.exit(main())
