"""aarch64, emulated, against x86-64 in the same run: golden pictures, shard, search, tags, TFLite models.

`make test-arm` sets the emulated machine up and runs these; what they measured is written down in docs/arm.md.
"""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge.bundle import load_bundle
from edge.defaults import default_bundle
from edge.golden import Step, compare_picture, golden_folder, read_golden
from edge.shard import Shard, open_shard
from edge.shard.delta import difference
from edge.shard.travel import packed
from export.bundles.reading import read_model
from export.cli import main as export
from export.render.demo_media import write_catalogue
from export.render.products import demo_products
from tests.arm.cpus import CPUS, Cpu
from tests.arm.machine import FOLDER, STAMP, ArmMachine
from tests.arm.quantized import write_quantized
from tests.arm.walk import DELTA_LEVEL
from tests.conftest import REPOSITORY, absent, shared_folder
from tests.small_shards import random_shard

pytestmark = pytest.mark.arm
PRODUCTS, MANY_VIEWS, QUERIES = 12, 5000, 32
MODELS = ("mobilenet_v1_025_float_embedder", "mobilenet_v1_100_quant_embedder", "yolox_nano_416_f16")
WITHIN = {
    "input": 0.0,
    "outputs": 1e-4,
    "box_pixels": 0.5,
    "confidence": 1e-3,
    "cosine": 0.9999,
    "similarity": 1e-3,
}
"""How far aarch64 may be from x86-64, step by step, with the same inputs: far less than a port may be."""
STEP = 1
"""How far a component of an int8 vector may be from that of the other architecture."""
QUANTIZED_COSINE = {"unsigned": 0.9999, "signed": 0.995}
"""int8 embedders: the ARM kernels of onnxruntime round signed activations otherwise, see docs/arm.md."""
LITERT_COSINE = 0.999
LITERT_PIXELS = 0.5


@dataclass(frozen=True)
class Walk:
    """What a walk has left in its folder."""

    folder: Path

    def json(self, name: str) -> Any:
        return json.loads((self.folder / f"{name}.json").read_text())

    def arrays(self, name: str) -> dict[str, np.ndarray]:
        with np.load(self.folder / f"{name}.npz") as found:
            return dict(found)

    @cached_property
    def shard(self) -> Shard:
        return open_shard(self.folder / "shard")


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make on x86-64 what both walks are given."""
    folder = tmp_path_factory.mktemp("given")
    (folder / "images").mkdir()
    write_catalogue(folder / "ITEMS.csv", folder / "images", demo_products(PRODUCTS))
    items, images = str(folder / "ITEMS.csv"), str(folder / "images")
    assert export(["catalog", items, "--images", images, "--threads", "1", "--out", str(folder / "shard")]) == 0
    ndim = open_shard(folder / "shard").ndim
    many = random_shard(folder / "many", MANY_VIEWS // 2, MANY_VIEWS, ndim)
    newer = random_shard(folder / "newer", MANY_VIEWS // 2 + 50, MANY_VIEWS, ndim, seed=1, version=2)
    (folder / "delta").write_bytes(packed(difference(many, newer), DELTA_LEVEL).data)
    write_quantized(folder)
    np.save(folder / "queries.npy", np.random.default_rng(1).standard_normal((QUERIES, ndim)).astype(np.float32))
    (folder / "jobs.json").write_text(json.dumps(list(jobs(shared_folder() / "models"))))
    return folder


def jobs(models: Path) -> Iterator[dict[str, object]]:
    """Name the TFLite models and a picture; none where there are none, and then only their own test is skipped."""
    picture = models / "images" / "cat_720p.jpg"
    for model in (path for name in MODELS for path in models.rglob(f"{name}.tflite")):
        rule = read_model(model).preprocessing
        assert rule is not None
        yield {"model": str(model), "picture": str(picture), "preprocessing": rule.to_json(), "provider": "xnnpack"}


@pytest.fixture(scope="module")
def here(given: Path, tmp_path_factory: pytest.TempPathFactory) -> Walk:
    return take_walk([sys.executable], None, given, tmp_path_factory.mktemp("x86"))


@pytest.fixture(scope="module", params=CPUS, ids=lambda cpu: cpu.name)
def there(request: pytest.FixtureRequest, given: Path, tmp_path_factory: pytest.TempPathFactory) -> Walk:
    if not (FOLDER / STAMP).is_file():
        absent("arm", f"{FOLDER} is missing: make test-arm makes it on x86-64 Debian and its relatives")
    cpu: Cpu = request.param
    machine = ArmMachine(FOLDER, cpu)
    return take_walk(machine.command(), machine.environment(), given, tmp_path_factory.mktemp(cpu.name))


def take_walk(python: list[str], environment: dict[str, str] | None, given: Path, out: Path) -> Walk:
    command = [*python, "-W", "error", "-m", "tests.arm.walk", str(given), str(out)]
    done = subprocess.run(
        command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False, timeout=1200
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return Walk(out)


def test_the_walks_ran_on_two_architectures_with_equal_packages(here: Walk, there: Walk) -> None:
    x86, arm = here.json("machine"), there.json("machine")
    assert (x86["machine"]["architecture"], arm["machine"]["architecture"]) == (platform.machine(), "aarch64")
    assert "asimd" in arm["machine"]["instruction_sets"]
    assert x86["machine"]["libraries"] == arm["machine"]["libraries"]
    assert {name: arm["runtimes"][name] for name in ("onnxruntime", "ai-edge-litert")} == {
        name: x86["runtimes"][name] for name in ("onnxruntime", "ai-edge-litert")
    }


def golden_steps(expected: dict[str, Any], found: dict[str, Any], within: dict[str, float]) -> list[Step]:
    least = load_bundle(default_bundle()).detector.decoding.score_threshold
    assert expected.keys() == found.keys()
    return [step for name in expected for step in compare_picture(name, expected[name], found[name], within, least)]


def test_golden_kit_passes_on_aarch64(there: Walk) -> None:
    golden = read_golden(golden_folder())
    steps = golden_steps(golden["pictures"], there.json("golden"), golden["tolerance"])
    assert [step.sentence for step in steps if not step.passed] == []


def test_golden_steps_are_those_of_x86(here: Walk, there: Walk) -> None:
    steps = golden_steps(here.json("golden"), there.json("golden"), WITHIN)
    print(*(step.sentence for step in steps), sep="\n")
    assert len(steps) >= 28
    assert [step.sentence for step in steps if not step.passed] == []


def test_top_five_are_those_of_x86(here: Walk, there: Walk) -> None:
    both = [walk.json("golden") for walk in (here, there)]
    tops = [[[p["product_id"] for p in c["top"]] for e in g.values() for c in e["crops"]] for g in both]
    assert len(tops[0]) >= 3 and {len(top) for top in tops[0]} == {5}
    assert tops[0] == tops[1]


def test_shard_has_the_keys_and_records_of_x86_and_its_vectors_within_a_step(here: Walk, there: Walk) -> None:
    x86, arm = here.shard, there.shard
    assert len(arm) == PRODUCTS
    same = [name for name in x86.columns if np.array_equal(x86.columns[name], arm.columns[name])]
    assert set(x86.columns) - set(same) <= {"vectors"}
    apart = np.abs(x86.vectors.astype(int) - arm.vectors)
    print(f"vectors: {np.count_nonzero(apart)} of {apart.size} components differ, by {apart.max()} at most")
    assert apart.max() <= STEP


def test_carried_vectors_give_a_shard_of_the_same_bytes(here: Walk, there: Walk) -> None:
    assert there.json("carried")["embedded"] == 0
    sides = [walk.folder / "carried" for walk in (here, there)]
    names = sorted(path.name for path in sides[0].iterdir())
    assert len(names) > 10 and names == sorted(path.name for path in sides[1].iterdir())
    assert [name for name in names if (sides[0] / name).read_bytes() != (sides[1] / name).read_bytes()] == []


def test_a_delta_is_made_and_applied_to_the_same_bytes(given: Path, here: Walk, there: Walk) -> None:
    assert (
        (there.folder / "delta").read_bytes() == (here.folder / "delta").read_bytes() == (given / "delta").read_bytes()
    )
    assert open_shard(there.folder / "updated").sha256 == open_shard(given / "newer").sha256


def test_search_of_one_shard_finds_the_same_bits(here: Walk, there: Walk) -> None:
    x86, arm = here.arrays("matches"), there.arrays("matches")
    assert x86["many/product"].shape == (QUERIES, 5)
    assert [name for name in x86 if not np.array_equal(x86[name], arm[name])] == []


def test_tags_are_those_of_x86(here: Walk, there: Walk) -> None:
    sources = list(zip(here.json("tags")["sources"], there.json("tags")["sources"], strict=True))
    assert [len(x86["tags"]) + len(x86["unmatched"]) for x86, _ in sources] == [1, 0]
    for x86, arm in sources:
        assert arm["error"] is None
        for a, b in zip(x86["tags"], arm["tags"], strict=True):
            names = ("tag_id", "status", "product_id", "start_s", "end_s")
            assert {name: a[name] for name in names} == {name: b[name] for name in names}
            assert a["similarity"] == pytest.approx(b["similarity"], abs=WITHIN["similarity"])
            assert a["best"]["xyxy"] == pytest.approx(b["best"]["xyxy"], abs=WITHIN["box_pixels"])


@pytest.mark.parametrize("activations", QUANTIZED_COSINE)
def test_int8_embedder_answers_as_on_x86(activations: str, here: Walk, there: Walk) -> None:
    x86, arm = (walk.arrays("quantized")[activations] for walk in (here, there))
    assert x86.shape == arm.shape and len(x86) >= 4
    cosines = [cosine(a, b) for a, b in zip(x86, arm, strict=True)]
    print(f"{activations}: equal {np.array_equal(x86, arm)}, cosine {min(cosines):.7f} to {max(cosines):.7f}")
    assert min(cosines) >= QUANTIZED_COSINE[activations]


def test_tflite_models_answer_as_on_x86(shared: Path, here: Walk, there: Walk) -> None:
    x86, arm = here.arrays("litert"), there.arrays("litert")
    assert {name[0] for name in x86 if "/output/" in name} == set("012")
    assert x86.keys() == arm.keys() and x86["runtime"] == arm["runtime"]
    for name in (name for name in x86 if "/output/" in name):
        least = cosine(x86[name], arm[name])
        print(f"{MODELS[int(name[0])]} {name}: cosine {least:.7f}, equal {np.array_equal(x86[name], arm[name])}")
        assert least >= LITERT_COSINE, name
    boxes = [name for name in x86 if name.endswith("/xyxy")]
    assert sum(len(x86[name]) for name in boxes) >= 1
    for name in boxes:
        assert x86[name].shape == arm[name].shape
        assert np.abs(x86[name] - arm[name]).max(initial=0) <= LITERT_PIXELS


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    a, b = a.astype(np.float64).ravel(), b.astype(np.float64).ravel()
    return float(a @ b / max(np.linalg.norm(a) * np.linalg.norm(b), 1e-12)) if a.any() or b.any() else 1.0
