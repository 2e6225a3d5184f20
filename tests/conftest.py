"""What tests may need from outside, and when its absence is a failure instead of a skip.

Real pictures, videos and models lie in ../shared beside the repository, or where TAGLET_SHARED points; torch comes
with the [train] extra; `make test-full` makes .venv-tflite, where tflite-runtime lives; `make postgres` and
`make chromium` install PostgreSQL and Chromium where they may, `make web` what builds the upload page. A test without
them is skipped, visibly. Where CI=true, all but torch are required, and TAGLET_REQUIRE=torch,shared requires what it
names: then the same absence fails.
"""

from __future__ import annotations

import importlib.util
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

REPOSITORY = Path(__file__).resolve().parent.parent


def pytest_configure() -> None:
    """Refuse to start where torch is required and missing, before whole modules skip themselves for want of it."""
    if "torch" in _required() and not _has_torch():
        raise pytest.UsageError("TAGLET_REQUIRE names torch, which is not installed: make test-full installs it")
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a shell's background job, which commands would inherit
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def data_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep what commands without --home leave behind out of the data folder of whoever runs the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("data")))
        yield


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder of real data and models that tests read, or skip (in CI: fail)."""
    folder = shared_folder()
    if not (folder / "data").is_dir():
        absent("shared", f"{folder} is missing: real data and models are not on this machine")
    return folder


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Return a Chromium, or skip (in CI: fail). There is one for all tests: Playwright runs once in a process."""
    from tests.service.chromium import browser_path, browsing

    path = browser_path()
    if path is None:
        absent("chromium", "Chromium is not on this machine: `make chromium` installs it where it may")
    assert path is not None
    with browsing(path) as browser:
        yield browser


@pytest.fixture(scope="session")
def tflite_python() -> Path:
    """Return the Python of the environment where tflite-runtime is installed, or skip (in CI: fail)."""
    python = REPOSITORY / ".venv-tflite" / "bin" / "python"
    if not (python.parent.parent / ".installed").is_file():
        absent("tflite", f"{python.parent.parent} is missing: make test-full makes it where there is a Python 3.11")
    return python


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test marked `torch` where torch is not installed, or fail it where torch is required."""
    if item.get_closest_marker("torch") and not _has_torch():
        absent("torch", "torch is not installed: make test-full installs it")


def shared_folder() -> Path:
    """Return where real data and models lie, if they are there."""
    return Path(os.environ.get("TAGLET_SHARED", REPOSITORY.parent / "shared")).resolve()


def absent(name: str, reason: str) -> None:
    """Skip a test for want of something, or fail it where that is required."""
    if name in _required():
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def _has_torch() -> bool:
    return importlib.util.find_spec("torch") is not None


def _required() -> set[str]:
    required = set(os.environ.get("TAGLET_REQUIRE", "").split(","))
    return (
        required | {"shared", "tflite", "postgres", "chromium", "web"} if os.environ.get("CI") == "true" else required
    )
