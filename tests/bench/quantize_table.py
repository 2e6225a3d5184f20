"""The table of docs/quantize.md: every float model of ../shared/models and the package's two through `export quantize`.

Beside it, judged by the same judge and timed in turn with the float ONNX model in one run: plain onnxruntime static
quantization as its defaults have it, and litert-quantizer on its own (its calibration, its full-integer recipe) on the
converted float model.

    python -m tests.bench.quantize_table OUT [NAME...]
    python -m tests.bench.quantize_table OUT --table
"""

from __future__ import annotations

import csv
import json
import shutil
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path
from typing import Any

import onnx
from onnx import version_converter
from onnxruntime.quantization import CalibrationDataReader, quantize_static

from edge.defaults import default_bundle
from edge.errors import TagletError
from edge.preprocessing import Preprocessing
from export.bundles.reading import read_model
from export.quantize.asking import Request, ask
from export.quantize.feeding import CalibrationFeeds, calibration_views
from export.quantize.job import Job
from export.quantize.judging import open_judge
from export.quantize.litert import open_litert
from export.quantize.litert.sidecars import write_sidecar
from export.quantize.preparing import prepare
from export.quantize.ranges import Feeds
from export.quantize.run import quantize
from export.quantize.timing import time_in_turn
from tests.conftest import shared_folder

DATA = shared_folder() / "data"
MODELS = shared_folder() / "models"
CALIBRATED, JUDGED = 64, 96
MIXED = ("bottles_cups_det", "fork_scissors_det", "grocery_store/query", "clothing")


@dataclass(frozen=True)
class Row:
    """A model of the table: its file, and what it is judged by: "coco", "queries" or agreement on "mixed" pictures."""

    model: Path
    judged_by: str


ROWS = {
    "yolox_nano": Row(MODELS / "detectors/yolox_nano_416.onnx", "mixed"),
    "nanodet_m": Row(MODELS / "detectors/nanodet_m_320.onnx", "mixed"),
    "fastestdet": Row(MODELS / "detectors/fastestdet_352.onnx", "mixed"),
    "ultraface": Row(MODELS / "detectors/ultraface_rfb320.onnx", "mixed"),
    "mobilenet_v1_100": Row(MODELS / "embedders/mobilenet_v1_100_embedder.onnx", "queries"),
    "mobilenet_v1_025": Row(MODELS / "embedders/mobilenet_v1_025_embedder.onnx", "queries"),
    "bundle's detector": Row(default_bundle() / "detector.onnx", "coco"),
    "bundle's embedder": Row(default_bundle() / "embedder.onnx", "queries"),
}


class Reader(CalibrationDataReader):  # type: ignore[misc]
    """Feeds as onnxruntime asks for them."""

    def __init__(self, feeds: Iterator[Feeds]) -> None:
        self._feeds = feeds

    def get_next(self) -> Feeds | None:
        return next(self._feeds, None)


def main(out: Path, names: list[str]) -> None:
    """Write one JSON file for each row into a folder."""
    out.mkdir(parents=True, exist_ok=True)
    for name in names or list(ROWS):
        row, scratch = ROWS[name], out / _folder(name)
        job, remarks = ask(row.model, _request(row, scratch))
        told: list[dict[str, Any]] = []
        try:
            quantize(job, scratch / "quantized", remarks, tell=told.append)
            broken = ""
        except TagletError as e:
            broken = str(e)
        plain, alone = plain_onnx(job, scratch / "plain.onnx"), plain_litert(job, scratch)
        row = {"name": name, "ours": told, "broken": broken, "plain": plain, "plain_litert": alone}
        (out / f"{scratch.name}.json").write_text(json.dumps(row, indent=2))
        print(name, broken or told[0]["verdict"], plain, alone, flush=True)


def table(out: Path) -> str:
    """Return the rows that lie in a folder as Markdown."""
    lines = [
        "| model | float MB | file | size | points lost | time | int8 | verdict | plain: size | lost | time |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name in ROWS:
        path = out / f"{_folder(name)}.json"
        if path.is_file():
            lines += _lines(name, json.loads(path.read_text()))
    return "\n".join(lines)


def _lines(name: str, row: dict[str, Any]) -> list[str]:
    [ours], plain = row["ours"], row["plain"]
    base = ours["baseline"]
    files = {v["file"]: v for v in ours["variants"] if v["scheme"] != "float"}
    chosen = {file: [t for t, f in ours["recommended"].items() if f == file] for file in files}
    rows = []
    for file, v in files.items():
        if v["scheme"] in ("fp16",) and not chosen[file]:
            continue
        held = "held" if v["passed"] else "refused"
        verdict = f"{held}, {', '.join(chosen[file])}" if chosen[file] and not row["broken"] else held
        form = f"{v['scheme'].replace('_', '-')} {'LiteRT' if file.endswith('.tflite') else 'ONNX'}"
        time = v["latency_ms"]["p50"] / base["latency_ms"]["p50"]
        cells = [
            form,
            f"{v['size_ratio']:.3f}",
            _lost(v["metric"]),
            f"{time:.2f}",
            f"{v['int8_macs_share']:.0%}",
            verdict,
        ]
        rows.append(cells)
    beside = [f"{plain['size_ratio']:.3f}", _lost(plain), f"{plain['time_ratio']:.2f}"]
    first = [f"{name} ({ours['variants'][0]['metric']['name']})", f"{base['bytes'] / 1e6:.2f}", *rows[0], *beside]
    rest = [["", "", *cells, "", "", ""] for cells in rows[1:]]
    at = next(i for i, cells in enumerate(rows) if "LiteRT" in cells[0])
    rest[at - 1][-3:] = _cells(row["plain_litert"])
    return [f"| {' | '.join(cells)} |" for cells in (first, *rest)]


def _cells(alone: dict[str, Any]) -> list[str]:
    if "raised" in alone:
        return ["raises", "-", "-"]
    return [f"{alone['size_ratio']:.3f}", _lost(alone), f"{alone['time_ratio']:.2f}"]


def _lost(metric: dict[str, Any]) -> str:
    interval = metric["drop_ci95"]
    shown = f" [{interval[0]:.1f}, {interval[1]:.1f}]" if interval else ""
    return f"{metric['drop_points']:.1f}{shown}" + (", refused" if metric["reason"] else "")


def _folder(name: str) -> str:
    return name.replace(" ", "_").replace("'", "")


def plain_onnx(job: Job, target: Path) -> dict[str, Any]:
    """Quantize as onnxruntime's defaults do: signed activations, one scale for each weight tensor."""
    prepared = prepare(job.reading)
    model = prepared.model if prepared.note else onnx.load(job.reading.path)
    if not prepared.note and (job.reading.facts.opset or 0) < 13:
        model = version_converter.convert_version(model, 13)
    onnx.save(model, target.with_suffix(".float.onnx"))
    feeds = iter(CalibrationFeeds(job.reading, job.calibration, job.chain))
    quantize_static(target.with_suffix(".float.onnx"), target, Reader(feeds))
    rule = job.reading.preprocessing
    assert rule is not None
    return _judged_and_timed(job, target, rule, target.with_suffix(".float.onnx"), prepared.float_bytes)


def plain_litert(job: Job, scratch: Path) -> dict[str, Any]:
    """Quantize the converted float model as litert-quantizer does by itself; "raised" says where it does not."""
    from ai_edge_litert.interpreter import Interpreter
    from litert_quantizer import quantizer, recipe

    prepared, folder = prepare(job.reading), scratch / "plain_litert"
    folder.mkdir(exist_ok=True)
    onnx.save(prepared.model, folder / "float.onnx")
    source = open_litert(job, folder, lambda: calibration_views(job))
    target = folder / "plain.tflite"
    signature, described = next(iter(Interpreter(str(source.floating)).get_signature_list().items()))
    alone = quantizer.Quantizer(str(source.floating))
    alone.load_quantization_recipe(recipe.static_wi8_ai8())
    try:
        with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
            seen = alone.calibrate({signature: [{described["inputs"][0]: feed} for feed in source.feeds()]})
            alone.quantize(seen).export_model(str(target), overwrite=True)
        names = {spec.name: spec.name for spec in job.reading.outputs}
        write_sidecar(job.reading, target, source.rule.layout, names)
        return _judged_and_timed(job, target, source.rule, folder / "float.onnx", prepared.float_bytes)
    except Exception as e:  # whatever it raises is what the table shows
        return {"raised": f"{type(e).__name__}: {e}".splitlines()[0]}


def _judged_and_timed(job: Job, target: Path, rule: Preprocessing, floating: Path, float_bytes: int) -> dict[str, Any]:
    judged = open_judge(job).judge(replace(read_model(target), kind=job.reading.kind))
    float_rule = job.reading.preprocessing
    assert float_rule is not None
    times = time_in_turn({"float": (floating, float_rule), "plain": (target, rule)})
    return {
        "size_ratio": target.stat().st_size / float_bytes,
        "drop_points": judged.drop_points,
        "drop_ci95": judged.drop_ci95,
        "metric": judged.metric,
        "reason": judged.reason,
        "time_ratio": times["plain"].p50 / times["float"].p50,
    }


def _request(row: Row, scratch: Path) -> Request:
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    grocery = DATA / "grocery_store"
    if row.judged_by == "queries":
        rows = [r for r in csv.DictReader((grocery / "manifest.csv").open()) if r["split"] != "catalog"]
        _link([grocery / r["path"] for r in _evenly(rows[::2], CALIBRATED)], scratch / "calibration")
        with (scratch / "queries.csv").open("w") as file:
            file.write("path,product_id\n")
            file.writelines(f"{r['path']},{r['product_id']}\n" for r in _evenly(rows[1::2], 2 * JUDGED))
        return Request(scratch / "calibration", scratch / "queries.csv", grocery, bundle=default_bundle())
    if row.judged_by == "coco":
        queries = sorted((grocery / "query").rglob("*.jpg"))
        cards = sorted((DATA / "cards_det/images").rglob("*.jpg"))
        _link([*_evenly(queries, CALIBRATED // 2), *_evenly(cards, CALIBRATED // 2)], scratch / "calibration")
        labels = DATA / "bottles_cups_det"
        return Request(scratch / "calibration", labels / "annotations.json", labels)
    pictures = [p for name in MIXED for p in _evenly(sorted((DATA / name).rglob("*.jpg")), (CALIBRATED + JUDGED) // 4)]
    _link(pictures[::2], scratch / "calibration")
    _link(pictures[1::2], scratch / "evaluation")
    return Request(scratch / "calibration", images=scratch / "evaluation")


def _evenly(items: list[Any], most: int) -> list[Any]:
    return [items[i * len(items) // most] for i in range(most)] if len(items) > most else items


def _link(files: list[Path], folder: Path) -> None:
    folder.mkdir(parents=True)
    for number, path in enumerate(files):
        (folder / f"{number:03}-{path.name}").symlink_to(path)


if __name__ == "__main__":
    if sys.argv[2:] == ["--table"]:
        print(table(Path(sys.argv[1])))
    else:
        main(Path(sys.argv[1]), sys.argv[2:])
