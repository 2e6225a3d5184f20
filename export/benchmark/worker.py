"""Measure one bundle on one runtime, in a process of its own, so that memory and cold start are those of the whole.

Run as `python -m export.benchmark.worker ORDER`, with ORDER the JSON of `Order`; prints JSON. With `runs` 0 it does
what a user does who looks at one picture: start, load, look, end.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.bundle import Bundle, load_bundle
from edge.crops import cut_crops
from edge.inference.hardware import Hardware
from edge.media.sources import open_source
from edge.preprocessing import ImageArray

MODULES = {"ai-edge-litert": "ai_edge_litert", "tflite-runtime": "tflite_runtime"}
WARM_UP = 2
LAPS = ("detect", "embed", "picture")


@dataclass(frozen=True)
class Order:
    """What a worker is to do.

    Attributes:
        bundle: folder of the bundle.
        runtimes: packages that may be used, of those that read `.tflite` files.
        pictures: files to look at.
        runs: how often each picture is looked at; 0: the first picture once, without measuring.
        hardware: what the models may use, the fields of `Hardware`.
        accuracy: labels and images: `{"coco", "images"}` or `{"queries", "shard", "images"}`; empty: none.
    """

    bundle: str
    runtimes: tuple[str, ...]
    pictures: tuple[str, ...]
    runs: int
    hardware: dict[str, Any]
    accuracy: dict[str, str]


def work(order: Order) -> dict[str, Any]:
    """Do what is ordered; see `Order`."""
    hide_other_runtimes(order.runtimes)
    hardware = Hardware(**order.hardware)
    bundle = load_bundle(Path(order.bundle))
    if order.accuracy:
        return _accuracy(bundle, hardware, order.accuracy)
    laps = _laps(bundle, hardware, [_picture(path) for path in order.pictures], order.runs)
    return {**laps, "peak_memory_mb": peak_memory_mb()}


def peak_memory_mb() -> float | None:
    """Return the largest resident memory of this process so far, None where the system does not say (Windows).

    Linux: what getrusage(2) says counts the process that started this one as well; /proc/self/status does not.
    """
    status = Path("/proc/self/status")
    if status.is_file():
        lines = (line.split() for line in status.read_text().splitlines())
        return next((int(words[1]) / 1024 for words in lines if words[0] == "VmHWM:"), None)
    try:
        import resource
    except ImportError:
        return None
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def hide_other_runtimes(wanted: tuple[str, ...]) -> None:
    """Let a process import only the wanted ones of the runtimes that read `.tflite` files."""
    for name, module in MODULES.items():
        if name not in wanted:
            sys.modules[module] = None  # type: ignore[assignment]


def _laps(bundle: Bundle, hardware: Hardware, pictures: list[ImageArray], runs: int) -> dict[str, Any]:
    """Return milliseconds of every run: detection, one crop's embedding, and a picture with all of its crops."""
    detector, embedder = bundle.open_detector(hardware), bundle.open_embedder(hardware)
    margin = bundle.embedder.crop_margin
    laps: dict[str, list[float]] = {name: [] for name in LAPS}
    for number in range(-WARM_UP if runs else -1, runs):
        for image in pictures if runs else pictures[:1]:
            start = time.perf_counter()
            found = detector.detect(image)
            detected = time.perf_counter()
            embedder.embed(cut_crops(image, found.xyxy, margin))
            done = time.perf_counter()
            embedder.embed([_middle(image)])
            if number >= 0:
                laps["detect"].append(1e3 * (detected - start))
                laps["picture"].append(1e3 * (done - start))
                laps["embed"].append(1e3 * (time.perf_counter() - done))
    sessions = (detector.session, embedder.session)
    notes = (note for session in sessions for note in session.notes)
    runtimes = (session.runtime for session in sessions)
    return {"laps": laps, "runtimes": list(dict.fromkeys(runtimes)), "notes": list(dict.fromkeys(notes))}


def _accuracy(bundle: Bundle, hardware: Hardware, given: dict[str, str]) -> dict[str, Any]:
    images = Path(given["images"])
    if "coco" in given:
        from export.evaluation.detection import evaluate_detections, read_coco

        evaluated = evaluate_detections(bundle.open_detector(hardware), read_coco(Path(given["coco"])), images)
        document = evaluated.document()
        return {"ap50": document["ap50"], "ap50_ci95": document["ci95"]["ap50"], "skipped": len(evaluated.problems)}
    from edge.pipeline import Kit
    from edge.shard import open_shard
    from export.evaluation.photos import ask
    from export.evaluation.queries import read_queries
    from export.evaluation.retrieval import measure

    kit = Kit.open(bundle, [open_shard(Path(given["shard"]))], hardware=hardware)
    file = read_queries(Path(given["queries"]))
    answered = ask(kit, file.queries, images, "detector")
    figures = measure(answered.answers, kit.matchings[0])
    named = {name: figures.value[name] for name in ("recall_at_1", "tag_precision", "tag_recall")}
    skipped = len(file.problems) + len(answered.problems)
    return {**named, "recall_at_1_ci95": figures.ci95["recall_at_1"], "skipped": skipped}


def _picture(path: str) -> ImageArray:
    with open_source(path) as source:
        return next(iter(source.frames(0))).image


def _middle(image: ImageArray) -> ImageArray:
    """Return the middle half of each side: the same crop for every bundle, whatever it detects."""
    height, width = image.shape[:2]
    return image[height // 4 : max(height // 4 + 1, 3 * height // 4), width // 4 : max(width // 4 + 1, 3 * width // 4)]


if __name__ == "__main__":
    print(json.dumps(work(Order(**json.loads(sys.argv[1])))))
