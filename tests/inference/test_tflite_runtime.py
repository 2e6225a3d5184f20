"""tflite-runtime 2.14 in its own environment (Python 3.11, numpy 1) answers as LiteRT does, through the same code."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from edge.preprocessing import Preprocessing
from export.bundles.reading import read_model
from tests.conftest import REPOSITORY
from tests.inference.model_answers import Arrays, answers

pytestmark = pytest.mark.full
PICTURES = ("cat_720p.jpg", "hot_dog.jpg")


@dataclass(frozen=True)
class Agreement:
    """What two runtimes must agree in, and the kernels for which that is promised."""

    provider: str
    cosine: float
    pixels: float


AGREEMENT = {
    "float": Agreement("xnnpack", 0.999999, 0.1),
    "fp16": Agreement("xnnpack", 0.999999, 0.1),
    # XNNPACK of 2026 and of 2023 round integers differently (cosine down to .978 for class scores): see runtimes.md.
    # A class score of one or two steps more weighs much in a vector of zeros.
    "static": Agreement("cpu", 0.99, 2),
    # Each runtime chooses the steps of the activations by itself while it runs.
    "dynamic": Agreement("xnnpack", 0.995, 4),
}


@dataclass(frozen=True)
class Case:
    """A model with a picture."""

    model: Path
    picture: Path
    rule: Preprocessing
    agreement: Agreement
    kind: str

    def job(self) -> dict[str, object]:
        rule, provider = self.rule.to_json(), self.agreement.provider
        return {"model": str(self.model), "picture": str(self.picture), "preprocessing": rule, "provider": provider}


@pytest.fixture(scope="module")
def cases(shared: Path) -> list[Case]:
    """Return every TFLite model of ../shared with every picture."""
    readings = [read_model(path) for path in sorted((shared / "models").rglob("*.tflite"))]
    assert len(readings) >= 10
    assert {reading.facts.quantization for reading in readings} == set(AGREEMENT)
    return [
        Case(
            reading.path,
            shared / "models" / "images" / name,
            reading.preprocessing,
            AGREEMENT[quantization],
            reading.kind,
        )
        for reading in readings
        if reading.preprocessing is not None
        for quantization in [reading.facts.quantization]
        for name in PICTURES
    ]


@pytest.fixture(scope="module")
def here(cases: list[Case]) -> Arrays:
    pytest.importorskip("ai_edge_litert", reason="ai-edge-litert is not installed: pip install 'taglet[litert]'")
    return answers([case.job() for case in cases], "litert")


@pytest.fixture(scope="module")
def other(tflite_python: Path, cases: list[Case], tmp_path_factory: pytest.TempPathFactory) -> Arrays:
    folder = tmp_path_factory.mktemp("tflite")
    (folder / "jobs.json").write_text(json.dumps([case.job() for case in cases]))
    command = [str(tflite_python), "-W", "error", "-m", "tests.inference.model_answers"]
    command += [str(folder / "jobs.json"), str(folder / "out.npz")]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["numpy"].startswith("1.") and said["heavy"] == []
    with np.load(folder / "out.npz") as arrays:
        return dict(arrays)


def test_the_other_environment_runs_tflite_runtime(other: Arrays) -> None:
    assert str(other["runtime"]) == "tflite-runtime 2.14.0"


def test_every_model_gives_the_same_outputs_by_the_same_names(here: Arrays, other: Arrays, cases: list[Case]) -> None:
    assert str(here["runtime"]).startswith("ai-edge-litert")
    assert here.keys() == other.keys()
    for key in (key for key in here if "/output/" in key):
        case = cases[int(key.split("/")[0])]
        assert here[key].shape == other[key].shape, key
        assert cosine(here[key], other[key]) >= case.agreement.cosine, (key, case.model.name)


def test_every_embedding_points_the_same_way(here: Arrays, other: Arrays, cases: list[Case]) -> None:
    vectors = [key for key in here if "/output/" in key and cases[int(key.split("/")[0])].kind == "embedder"]
    assert len(vectors) == 4
    assert min(cosine(here[key], other[key]) for key in vectors) >= 0.999


def test_every_box_is_where_litert_has_it(here: Arrays, other: Arrays, cases: list[Case]) -> None:
    keys = [key for key in here if key.endswith("/xyxy") and len(here[key])]
    assert len(keys) >= 4
    for key in keys:
        case = cases[int(key.split("/")[0])]
        assert here[key].shape == other[key].shape, (key, case.model.name)
        assert np.abs(here[key] - other[key]).max() <= case.agreement.pixels, (key, case.model.name)


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    a, b = a.astype(np.float64).ravel(), b.astype(np.float64).ravel()
    return float(a @ b / max(np.linalg.norm(a) * np.linalg.norm(b), 1e-12)) if a.any() or b.any() else 1.0
