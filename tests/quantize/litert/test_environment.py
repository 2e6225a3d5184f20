"""The converter's environment: found, made, refused in a sentence."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from edge.errors import NetworkError, OutputError, TagletError, UsageError
from export.quantize.litert.converter import environment
from export.quantize.litert.converter.environment import (
    READY,
    VERSIONS,
    converter_python,
    environment_folder,
    python_in,
)


def test_no_fitting_python_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "_candidates", lambda: iter([tmp_path / "missing", Path("/bin/false")]))
    with pytest.raises(UsageError, match=r"needs Python 3\.12 or 3\.13 .*give the \.tflite"):
        converter_python(tmp_path / "cache")


def test_whole_environment_is_used_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "_candidates", lambda: iter(()))
    folder = environment_folder(tmp_path, VERSIONS[0])
    python_in(folder).parent.mkdir(parents=True)
    python_in(folder).write_text("")
    with pytest.raises(UsageError):
        converter_python(tmp_path)
    (folder / READY).write_text("")
    assert converter_python(tmp_path) == python_in(folder)


def test_environment_without_its_marker_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Path] = []
    monkeypatch.setattr(environment, "find_python", lambda: (VERSIONS[0], Path(sys.executable)))
    monkeypatch.setattr(environment, "_make", lambda folder, base: made.append(folder))
    folder = environment_folder(tmp_path, VERSIONS[0])
    folder.mkdir(parents=True)
    assert converter_python(tmp_path) == python_in(folder) and made == [folder]


def test_other_pins_are_another_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = environment_folder(tmp_path, VERSIONS[0])
    pins = tmp_path / "pins.txt"
    pins.write_text("onnx2tf==0\n")
    monkeypatch.setattr(environment, "PINS", pins)
    assert environment_folder(tmp_path, VERSIONS[0]) != before


def test_no_packages_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setattr(environment, "find_python", lambda: (VERSIONS[0], Path(sys.executable)))
    with pytest.raises(NetworkError, match="index does not offer"):
        converter_python(tmp_path)
    assert [path.suffix for path in tmp_path.iterdir()] == [".lock"]


@pytest.mark.parametrize(
    ("said", "error", "sentence"),
    [
        ("", OutputError, "no reason given"),
        ("x\nNewConnectionError: failed to reach", NetworkError, "connect to a network"),
        ("Temporary failure in name resolution", NetworkError, "connect to a network"),
        ("ERROR: Could not install: [Errno 28] No space left on device", OutputError, "no space"),
        ("ERROR: No matching distribution found for onnx2tf", NetworkError, "does not offer"),
        ("ERROR: something else", OutputError, "something else"),
    ],
)
def test_reasons_become_sentences(tmp_path: Path, said: str, error: type[TagletError], sentence: str) -> None:
    (tmp_path / "half").mkdir()
    with pytest.raises(error, match=sentence):
        environment._refuse(tmp_path / "half", said)
    assert not (tmp_path / "half").exists()


def test_pins_are_exact_and_name_no_index() -> None:
    lines = environment.PINS.read_text().splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert all(line.count("==") == 1 for line in pins) and any(line.startswith("onnx2tf==") for line in pins)
    assert not any("://" in line or line.startswith("-") for line in lines)
