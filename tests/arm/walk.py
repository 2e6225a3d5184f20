"""The walk that is taken on either architecture: the same code, the same inputs, and all that comes of it on disk.

Run as `python -m tests.arm.walk IN OUT`. IN holds `ITEMS.csv` and `images/` (a catalogue), `shard/` (the same, built
on x86-64), `many/` (a shard of random vectors) with `queries.npy`, `newer/` (another state of it) and `delta` (from one
to the other), `unsigned.onnx` and `signed.onnx` (int8 embedders) with `inputs.npy`, and `jobs.json` (TFLite models with
a picture each). OUT gets `golden.json` (what each step makes of each golden picture), `shard/` (the catalogue, embedded
here), `carried/` (the same, vectors carried over from IN/shard), `delta` (as it is made here), `updated/` (what
IN/delta leads to), `matches.npz`, `tags.json` (the tag document), `quantized.npz` and `litert.npz` (what these models
answer) and `machine.json`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from edge.bundle import load_bundle
from edge.cli import main as edge
from edge.defaults import default_bundle, demo_shard
from edge.gallery import Gallery
from edge.golden import golden_folder, observe, read_golden, read_pixels
from edge.inference.hardware import Hardware
from edge.inference.onnx_session import OnnxSession
from edge.machine import machine, runtimes
from edge.pipeline import CANDIDATES, Kit
from edge.shard import open_shard, write_shard
from edge.shard.delta import apply_delta, difference
from edge.shard.travel import packed, unpacked
from export.cli import main as export
from tests.inference.model_answers import answers

DELTA_LEVEL = 9
TAGGED = ("one", "none")


def walk(given: Path, out: Path) -> None:
    """Take every step and write what came of it."""
    found = {"machine": machine(), "runtimes": {runtime.name: runtime.version for runtime in runtimes()}}
    (out / "machine.json").write_text(json.dumps(found))
    (out / "golden.json").write_text(json.dumps(golden()))
    build(given, out)
    update(given, out)
    np.savez(out / "matches.npz", **searches(given))
    pictures = [str(golden_folder() / f"{name}.png") for name in TAGGED]
    require_done(edge(["tag", *pictures, "--json", str(out / "tags.json"), "--threads", "1"]))
    np.savez(out / "quantized.npz", **quantized(given))
    np.savez(out / "litert.npz", **answers(json.loads((given / "jobs.json").read_text()), "litert"))


def golden() -> dict[str, object]:
    """Return what each step makes of each golden picture."""
    kit = Kit.open(load_bundle(default_bundle()), [open_shard(demo_shard())], hardware=Hardware(1, ("cpu",)))
    return {
        name: observe(kit, read_pixels(golden_folder() / f"{name}.png"), boxes(entry["detections"]))
        for name, entry in read_golden(golden_folder())["pictures"].items()
    }


def boxes(detections: list[dict[str, list[float]]]) -> np.ndarray:
    """Return (n, 4) float32: the golden boxes, so that a crop does not depend on the step before it."""
    return np.array([detection["xyxy"] for detection in detections], np.float32).reshape(-1, 4)


def build(given: Path, out: Path) -> None:
    """Build the catalogue's shard twice: from its pictures, and from the vectors of the shard of x86-64."""
    catalog = ["catalog", str(given / "ITEMS.csv"), "--images", str(given / "images"), "--threads", "1"]
    require_done(export([*catalog, "--out", str(out / "shard")]))
    update = ["--update", str(given / "shard"), "--json", str(out / "carried.json")]
    require_done(export([*catalog, *update, "--out", str(out / "carried")]))


def update(given: Path, out: Path) -> None:
    """Apply the delta that x86-64 made, and make the same one here."""
    many, newer = (open_shard(given / name) for name in ("many", "newer"))
    here = packed(difference(many, newer), DELTA_LEVEL)
    (out / "delta").write_bytes(here.data)
    delta = unpacked((given / "delta").read_bytes(), here.unpacked_bytes, "delta")
    write_shard(out / "updated", newer.catalog, newer.version, newer.space_id, apply_delta(many.columns, delta))


def searches(given: Path) -> dict[str, np.ndarray]:
    """Search the built catalogue and the random one with the same queries."""
    queries = np.load(given / "queries.npy")
    found = {}
    for name in ("shard", "many"):
        shard = open_shard(given / name)
        matches = Gallery([shard], shard.space_id).search(queries, CANDIDATES)
        found |= {f"{name}/product": matches.product, f"{name}/similarity": matches.similarity}
    return found


def quantized(given: Path) -> dict[str, np.ndarray]:
    """Return the vectors of the int8 embedders, one row for each input."""
    found = {}
    for name in ("unsigned", "signed"):
        session = OnnxSession(given / f"{name}.onnx", Hardware(1, ("cpu",)))
        runs = [session.run({session.inputs[0].name: tensor[None]}) for tensor in np.load(given / "inputs.npy")]
        found[name] = np.concatenate([next(iter(outputs.values())).reshape(1, -1) for outputs in runs])
    return found


def require_done(code: int) -> None:
    """Stop the walk if a command did not do all that it was asked."""
    if code:
        sys.exit(code)


if __name__ == "__main__":
    walk(Path(sys.argv[1]), Path(sys.argv[2]))
