"""Threads and providers: what is there is used, what is not is said and gone on without."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest

from edge.errors import ModelError
from edge.inference import open_session
from edge.inference.hardware import Hardware, add_hardware_arguments, choose, hardware_of
from edge.inference.onnx_session import OnnxSession
from tests.small_models import mean_embedder

PICTURE = {"picture": np.ones((1, 3, 16, 16), np.float32)}


def arguments(*words: str) -> Hardware:
    parser = argparse.ArgumentParser(exit_on_error=False)
    add_hardware_arguments(parser)
    return hardware_of(parser.parse_args(words))


@pytest.mark.parametrize(
    "wanted, usable, missing",
    [
        ((), (), 0),
        (("cpu",), ("CPUExecutionProvider",), 0),
        (("coreml", "cpu", "coreml"), ("CPUExecutionProvider",), 1),
        (("cuda", "cpu"), ("CUDAExecutionProvider", "CPUExecutionProvider"), 0),
        (("nnapi", "openvino"), (), 2),
    ],
)
def test_wanted_providers_are_those_that_are_there(
    wanted: tuple[str, ...], usable: tuple[str, ...], missing: int
) -> None:
    found, notes = choose(wanted, ["CPUExecutionProvider", "CUDAExecutionProvider"], "onnxruntime")
    assert (found, len(notes)) == (usable, missing)
    assert all("it has cpu, cuda" in note and "without it" in note for note in notes)


def test_the_command_line_takes_short_and_long_names() -> None:
    assert arguments() == Hardware()
    assert arguments("--threads", "2", "--provider", "CoreMLExecutionProvider, CUDA") == Hardware(2, ("coreml", "cuda"))


@pytest.mark.parametrize("threads", ["-1", "two", "1.5"])
def test_rejects_a_number_of_threads_that_is_none(threads: str) -> None:
    with pytest.raises(argparse.ArgumentError, match="threads"):
        arguments("--threads", threads)


def test_missing_provider_is_said_and_the_cpu_answers(tmp_path: Path) -> None:
    session = open_session(mean_embedder(tmp_path / "m.onnx"), Hardware(providers=("nowhere",)))
    assert len(session.notes) == 1 and "'nowhere'" in session.notes[0]
    assert session.run(PICTURE)["vector"].tolist() == [[1, 1, 1]]


def test_every_provider_of_this_machine_is_passed_through(tmp_path: Path) -> None:
    for name in ort.get_available_providers():
        session = OnnxSession(mean_embedder(tmp_path / "m.onnx"), Hardware(providers=(name,)))
        assert session.notes == ()
        assert session.providers[0] == name


def test_a_provider_that_does_not_start_is_gone_on_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package built for a device lists its provider also where the device is missing."""
    listed = [*ort.get_available_providers(), "NowhereExecutionProvider"]
    monkeypatch.setattr(ort, "get_available_providers", lambda: listed)
    session = open_session(mean_embedder(tmp_path / "m.onnx"), Hardware(providers=("nowhere",)))
    assert ["could not start" in note for note in session.notes] == [True]
    assert session.run(PICTURE)["vector"].tolist() == [[1, 1, 1]]


def test_a_broken_model_is_the_models_fault_whatever_the_provider(tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(b"no model")
    with pytest.raises(ModelError, match=r"m\.onnx: onnxruntime cannot load"):
        open_session(tmp_path / "m.onnx", Hardware(providers=tuple(ort.get_available_providers())))


def test_tflite_kernels_with_and_without_xnnpack_agree(shared: Path) -> None:
    pytest.importorskip("ai_edge_litert", reason="ai-edge-litert is not installed: pip install 'taglet[litert]'")
    model = shared / "models" / "embedders" / "mobilenet_v1_025_float_embedder.tflite"
    ramp = np.linspace(-1, 1, 224 * 224 * 3, dtype=np.float32).reshape(1, 224, 224, 3)
    answers = []
    for provider in ("xnnpack", "cpu"):
        session = open_session(model, Hardware(1, (provider,)))
        assert session.notes == ()
        answers.append(next(iter(session.run({session.inputs[0].name: ramp}).values())))
    assert not np.array_equal(*answers), "the same kernels ran twice"
    assert np.abs(answers[0] - answers[1]).max() < 1e-4
    assert "no provider 'cuda'" in open_session(model, Hardware(providers=("cuda",))).notes[0]
