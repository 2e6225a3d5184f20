"""Names that scripts and other packages hold on to, and what the device side may import."""

from __future__ import annotations

import pkgutil
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import edge
from edge import errors
from tests.docs.code_blocks import REPOSITORY

PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
LOCKS = ("constraints.txt", "constraints-tflite.txt")
INSTALLED_EXTRAS = ("export", "train", "dev", "tflite")
NO_NETWORK = ("NewConnectionError", "Temporary failure in name resolution", "timed out")
NOT_ON_THE_DEVICE = ("cv2", "onnx", "matplotlib", "scipy", "torch", "pandas", "export", "server")


def test_error_names_and_exit_codes_are_locked() -> None:
    codes = {
        name: value.exit_code
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, errors.TagletError)
    }
    assert codes == {
        "TagletError": 3,
        "UsageError": 2,
        "MissingExtra": 2,
        "InputError": 3,
        "MediaError": 3,
        "ModelError": 3,
        "OutputError": 3,
        "ArtefactRefused": 4,
        "SpaceMismatch": 4,
        "BudgetNotMet": 5,
        "NetworkError": 6,
    }


def test_pipeline_and_formats_keep_their_names() -> None:
    from edge import bundle, pipeline, shard

    assert {"Kit", "Selection", "tag_source", "look"} <= set(vars(pipeline))
    assert {"Bundle", "Matching", "load_bundle"} <= set(bundle.__all__)
    assert {"ProductRecord", "Shard", "open_shard", "write_shard"} <= set(shard.__all__)


def test_every_module_of_edge_imports_with_the_base_install_alone() -> None:
    modules = [module.name for module in pkgutil.walk_packages(edge.__path__, "edge.") if "__main__" not in module.name]
    assert len(modules) > 20
    program = f"import sys; sys.modules.update(dict.fromkeys({NOT_ON_THE_DEVICE!r}))\n"
    program += "\n".join(f"import {module}" for module in modules)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=REPOSITORY, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("file", [*LOCKS, "pyproject.toml", "Makefile", ".ci/run"])
def test_no_index_is_named(file: str) -> None:
    text = (REPOSITORY / file).read_text()
    assert not any(word in text for word in ("://", "--index", "--extra-index", "--find-links", "--trusted-host"))


def test_makefile_installs_the_extras_that_the_lock_is_for() -> None:
    named = re.findall(r"--editable '\.\[([a-z,]+)\]'", (REPOSITORY / "Makefile").read_text())
    assert {extra for extras in named for extra in extras.split(",")} == set(INSTALLED_EXTRAS)


def test_lock_pins_every_requirement_exactly() -> None:
    text = "".join((REPOSITORY / name).read_text() for name in LOCKS)
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    pinned = {line.split("==")[0].lower().replace("_", "-") for line in lines}
    assert all("==" in line for line in lines)
    assert len(pinned) == len(lines) - 1, "numpy alone is pinned twice: tflite-runtime wants numpy 1"
    extras = [PROJECT["project"]["optional-dependencies"][name] for name in INSTALLED_EXTRAS]
    wanted = {*PROJECT["project"]["dependencies"], *PROJECT["build-system"]["requires"]}.union(*extras)
    names = {Requirement(requirement).name.lower() for requirement in wanted} - {"taglet"}
    assert sorted(names - pinned) == []


@pytest.mark.full
def test_base_install_has_wheels_for_a_raspberry_pi(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    platform = ["--platform", "manylinux_2_28_aarch64", "--only-binary=:all:", "--python-version", "3.11"]
    base = PROJECT["project"]["dependencies"]
    lock = ["--constraint", str(REPOSITORY / "constraints.txt"), "--dest", str(tmp_path)]
    done = subprocess.run([*command, *platform, *lock, *base], capture_output=True, text=True, check=False)
    if done.returncode and any(
        word in done.stderr for word in ("NewConnectionError", "Temporary failure", "timed out")
    ):
        pytest.skip("no network: wheels for aarch64 cannot be looked up")
    assert done.returncode == 0, done.stderr
