"""`edge doctor`: a good machine is called good, and whatever is wrong is said in a sentence, never a traceback."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from edge import checkup, cli, machine
from edge.defaults import default_bundle
from edge.golden import GOLDEN, golden_folder, read_golden
from edge.inference.hardware import Hardware
from export import cli as export_cli
from tests.conftest import REPOSITORY

X86 = "processor\t: 0\nflags\t\t: fpu vme sse4_1 sse4_2 avx2 avx512_vnni ssse3 fma\nbugs\t\t: none\n"
ARM = "processor\t: 0\nFeatures\t: fp asimd evtstrm aes asimddp sve i8mm bf16 cpuid\n"


@pytest.mark.parametrize(
    "text, expected",
    [
        ("", ()),
        ("processor : 0\n", ()),
        (X86, ("avx2", "avx512_vnni", "fma", "sse4_1", "sse4_2")),
        (ARM, ("asimd", "asimddp", "bf16", "i8mm", "sve")),
    ],
)
def test_instruction_sets_of_both_worlds(text: str, expected: tuple[str, ...]) -> None:
    assert machine.instruction_sets(text) == expected


def test_a_machine_without_cpuinfo_asks_the_search_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "read_text", lambda _: (_ for _ in ()).throw(FileNotFoundError()))
    assert "serial" not in machine.instruction_sets()


def test_runtimes_that_are_not_installed_name_their_extra() -> None:
    found = {runtime.name: runtime for runtime in machine.runtimes()}
    assert set(found) == {"onnxruntime", "ai-edge-litert", "tflite-runtime"}
    assert found["onnxruntime"].version and "cpu" in found["onnxruntime"].providers
    assert found["tflite-runtime"].extra == "tflite"


def test_a_slow_machine_is_told_how_often_to_look() -> None:
    golden = {"runtime": "onnxruntime 1", "passed": True, "ms": {"total": 1500.0}}
    said = checkup._verdict([machine.Runtime("onnxruntime", ".onnx", "", "1")], golden)
    assert said == "This machine gives the right answers, slowly: 1500 ms a picture; use --every 2."


def test_a_runtime_that_does_not_import_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(name: str) -> object:
        raise OSError("illegal instruction")

    monkeypatch.setattr("importlib.import_module", fails)
    found = machine.runtimes()[0]
    assert (found.version, "illegal instruction" in found.problem) == (None, True)


def test_a_good_machine_is_good(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["doctor", "--threads", "1", "--json", "-"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["good"] and report["verdict"].startswith("This machine")
    assert [(g["passed"], g["failed"]) for g in report["golden"]] == [(True, [])]
    assert report["golden"][0]["steps"] >= 28 and report["golden"][0]["ms"]["total"] > 0
    assert {"machine", "runtimes", "threads"} <= set(report)


def test_a_runtime_that_the_models_do_not_run_on_is_said_not_to_be_tried(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    there = [
        machine.Runtime("onnxruntime", ".onnx", "", "1"),
        machine.Runtime("ai-edge-litert", ".tflite", "litert", "2"),
    ]
    for found, expected in ((there[:1], []), (there, ["ai-edge-litert 2"])):
        monkeypatch.setattr(checkup, "runtimes", lambda found=found: tuple(found))
        report = checkup.check_up(checkup.Subject(default_bundle()), Hardware(1))
        assert [sentence.split(":")[0] for sentence in report["unchecked"]] == expected
        assert all("edge doctor --bundle DIR" in sentence and ".tflite" in sentence for sentence in report["unchecked"])
        tried, rest = report["verdict"].partition(" ms a picture")[::2]
        assert tried.startswith("This machine is good: every golden step agrees on onnxruntime ")
        assert rest == ("; ai-edge-litert 2 was not tried." if expected else ".")
    assert cli.main(["doctor", "--threads", "1"]) == 0
    assert "not tried    ai-edge-litert 2: no model of this bundle ran on it" in capsys.readouterr().out


def test_wrong_answers_are_not_good(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = Path(shutil.copytree(golden_folder(), tmp_path / "golden"))
    value = read_golden(folder)
    crop = value["pictures"]["one"]["crops"][0]
    crop["embedding"] = [-v for v in crop["embedding"]]
    (folder / GOLDEN).write_text(json.dumps(value))
    assert cli.main(["doctor", "--golden", str(folder)]) == 3
    said = capsys.readouterr().out
    assert "one, embeddings: cosine -1.0" in said and "This machine is not good" in said


def test_a_bundle_that_cannot_be_used_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["doctor", "--bundle", str(tmp_path)]) == 3
    assert "This machine is not good" in capsys.readouterr().out


def test_a_missing_provider_is_noted() -> None:
    report = checkup.check_up(checkup.Subject(default_bundle()), Hardware(1, ("nowhere",)))
    assert report["good"] and "'nowhere'" in report["golden"][0]["notes"][0]


@pytest.mark.full
def test_one_tflite_bundle_gives_the_same_tags_on_both_runtimes(
    shared: Path, tflite_python: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same files, golden on LiteRT here, checked on tflite-runtime there: boxes, vectors, products."""
    pytest.importorskip("ai_edge_litert", reason="ai-edge-litert is not installed: pip install 'taglet[litert]'")
    models, bundle, shard = shared / "models", str(tmp_path / "bundle"), str(tmp_path / "shard")
    parts = ["--detector", str(models / "detectors" / "yolox_nano_416_f16.tflite")]
    parts += ["--embedder", str(models / "embedders" / "mobilenet_v1_025_float_embedder.tflite")]
    assert export_cli.main(["bundle", *parts, "--out", bundle]) == 0
    items = tmp_path / "items.csv"
    pictures = sorted((models / "images").glob("*.jpg"))[:6]
    items.write_text("product_id,title,image\n" + "".join(f"p{i},P {i},{p.name}\n" for i, p in enumerate(pictures)))
    images = ["--images", str(models / "images")]
    assert export_cli.main(["catalog", str(items), *images, "--bundle", bundle, "--out", shard]) == 0
    golden = ["--golden", str(tmp_path / "golden")]
    chosen = ["--bundle", bundle, "--shard", shard]
    assert export_cli.main(["golden", *chosen, *images, "--out", golden[1]]) == 0
    command = [
        str(tflite_python),
        "-W",
        "error",
        "-m",
        "edge",
        "doctor",
        *chosen,
        *golden,
        "--threads",
        "1",
        "--json",
        "-",
    ]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)["golden"][0]
    assert told["runtime"] == "tflite-runtime 2.14.0" and told["passed"] and told["steps"] >= 28
    made = json.loads((tmp_path / "golden" / GOLDEN).read_text())
    assert made["made_with"][0].startswith("ai-edge-litert")
    assert sum(len(picture["crops"]) for picture in made["pictures"].values()) >= 2


@pytest.mark.full
def test_the_golden_pictures_come_out_right_with_numpy_1(tflite_python: Path) -> None:
    command = [str(tflite_python), "-W", "error", "-m", "edge", "doctor", "--threads", "1", "--json", "-"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["good"] and report["machine"]["libraries"]["numpy"].startswith("1.")
    assert "tflite-runtime" in {runtime["name"] for runtime in report["runtimes"] if runtime["version"]}
