"""What Python makes of small inputs, step by step: `web_demo/tests/steps.json`, which the browser's units are held to.

    python -m tests.web.engine.steps        # after a change of one of these steps in edge

Pictures and bytes are not in the file: both sides compute them by `value_at`.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt

from edge.crops import cut_crops
from edge.decoders import FAMILIES, Decoding
from edge.detections import Detections
from edge.gallery import Gallery
from edge.geometry import nms
from edge.kit import candidates_of
from edge.media.content import content_id
from edge.media.sampling import Sampling
from edge.media.showing import small_grey
from edge.preprocessing import Preprocessing
from edge.prominence import by_prominence, is_aimed_at, parts
from edge.resizing import resize
from edge.shard import Shard
from edge.shard.vectors import quantize
from edge.tagging import tag_id
from edge.tracks.seen import measure
from tests.small_shards import SPACE, random_shard

STEPS = Path(__file__).resolve().parents[3] / "web_demo" / "tests" / "steps.json"
SEARCHED = ("vectors", "view_offsets", "product_id", "product_id_offsets", "title", "title_offsets")
SIZES = ((1, 1), (7, 5), (31, 44), (64, 64), (91, 186), (186, 91), (120, 33))
INTO = ((1, 1), (16, 16), (60, 44), (31, 44), (160, 90))
RULES: tuple[dict[str, Any], ...] = (
    {"size_wh": [32, 32], "std": [255, 255, 255]},
    {
        "size_wh": [48, 32],
        "anchor": "top_left",
        "colour": "BGR",
        "mean": [103.5, 116.3, 123.7],
        "std": [57.4, 57.1, 58.4],
    },
    {
        "size_wh": [24, 40],
        "resize": "stretch",
        "layout": "NHWC",
        "mean": [127.5, 127.5, 127.5],
        "std": [127.5, 127.5, 127.5],
    },
    {"size_wh": [40, 24], "antialias": False, "pad_value": 0},
)


def value_at(places: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
    """Return the byte at each place of an endless, uneven row of bytes."""
    return np.asarray((places * 7919 + places // 13 * 101 + places // 7 % 5 * 47) % 256, np.uint8)


def picture(width: int, height: int) -> npt.NDArray[np.uint8]:
    """Return (height, width, 3) uint8."""
    return value_at(np.arange(width * height * 3)).reshape(height, width, 3)


def _sha256(array: npt.NDArray[np.generic]) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def _resized() -> list[dict[str, Any]]:
    return [
        {"from": size, "into": into, "antialias": antialias, "sha256": _sha256(resize(picture(*size), into, antialias))}
        for size in SIZES
        for into in INTO
        for antialias in (True, False)
    ]


def _fed() -> list[dict[str, Any]]:
    found = []
    for rule in RULES:
        for size in SIZES:
            tensor, placement = Preprocessing.from_json(dict(rule), "rule").apply(picture(*size))
            said = {"scale_xy": placement.scale_xy, "offset_xy": placement.offset_xy}
            found.append({"rule": rule, "from": size, "placement": said, "sha256": _sha256(tensor)})
    return found


def _decoded() -> list[dict[str, Any]]:
    rng = np.random.default_rng(5)
    size_wh, cells = (32, 16), 4 * 2 + 2 * 1

    def some(*shape: int) -> npt.NDArray[np.float32]:
        return rng.uniform(0, 1, shape).astype(np.float32).round(3)

    cases: list[tuple[Decoding, dict[str, npt.NDArray[np.float32]]]] = [
        (
            Decoding("fcos", {"scores": "s", "distances": "d"}, (8, 16)),
            {"s": some(1, cells, 2), "d": some(1, cells, 4)},
        ),
        (Decoding("yolox", {"grid": "g"}, (8, 16)), {"g": some(1, cells, 7)}),
        (Decoding("yolov8", {"predictions": "p"}, (8, 16)), {"p": some(1, 6, cells)}),
        (
            Decoding("yolov8", {"predictions": "p"}, (), {"normalized": False}),
            {"p": some(1, 12, 6) * np.float32([9, 9, 9, 9, 1, 1])},
        ),
        (Decoding("decoded_boxes", {"boxes": "b", "scores": "s"}), {"b": some(1, 6, 4), "s": some(1, 6)}),
        (
            Decoding("decoded_boxes", {"boxes": "b", "scores": "s"}, (), {"background": 0, "box_format": "cxcywh"}),
            {"b": some(1, 6, 4), "s": some(1, 6, 3)},
        ),
    ]
    return [
        {
            "decoding": {
                "family": how.family,
                "outputs": how.outputs,
                "strides": how.strides,
                "options": how.options,
                "score_threshold": 0.5,
                "iou_threshold": how.iou_threshold,
                "max_detections": how.max_detections,
            },
            "size_wh": size_wh,
            "outputs": {n: {"dims": v.shape, "data": v.ravel().tolist()} for n, v in outputs.items()},
            "detections": _detections(FAMILIES[how.family].decode(outputs, _at_half(how), size_wh)),
        }
        for how, outputs in cases
    ]


def _at_half(how: Decoding) -> Decoding:
    return Decoding(how.family, how.outputs, how.strides, how.options, 0.5)


def _detections(found: Detections) -> dict[str, Any]:
    return {"xyxy": found.xyxy.ravel().tolist(), "confidence": found.confidence.tolist()}


def _boxes() -> dict[str, Any]:
    rng = np.random.default_rng(6)
    low = rng.uniform(-10, 50, (24, 2))
    xyxy = np.concatenate([low, low + rng.uniform(20, 60, (24, 2))], axis=1).astype(np.float32).round(2)
    confidence = rng.uniform(0, 1, 24).astype(np.float32).round(1)
    order = by_prominence(Detections.of(xyxy, confidence), (100, 90)).xyxy
    product = rng.integers(-1, 4, 24)
    return {
        "xyxy": xyxy.ravel().tolist(),
        "confidence": confidence.tolist(),
        "kept": {str(most): nms(xyxy, confidence, most, 10).tolist() for most in (0.2, 0.5, 1.0)},
        "crops": {
            str(margin): [[c.shape[1], c.shape[0]] for c in cut_crops(picture(100, 90), xyxy, margin)]
            for margin in (0.0, 0.05)
        },
        "by_prominence": order.ravel().tolist(),
        "aimed_at": [is_aimed_at(box, (100, 90)) for box in xyxy],
        "product": product.tolist(),
        "part": parts(xyxy, product, confidence).tolist(),
    }


def _searched(folder: Path) -> dict[str, Any]:
    """Two catalogues of which the newer one has some of the older one's products."""
    shards = [random_shard(folder / str(version), 7 + version, 20, seed=version, version=version) for version in (2, 5)]
    queries = np.random.default_rng(7).standard_normal((6, shards[0].ndim)).astype(np.float32)
    gallery = Gallery(shards, SPACE)
    named = candidates_of(gallery.search(queries, 4), gallery)
    return {
        "shards": [{"version": s.version, "columns": {name: _column(s, name) for name in SEARCHED}} for s in shards],
        "queries": queries.tolist(),
        "quantized": quantize(queries).tolist(),
        "candidates": [[[c.shard, c.product_id, c.title, c.similarity] for c in one] for one in named],
    }


def _column(shard: Shard, name: str) -> list[int]:
    values: list[int] = np.load(shard.root / f"{name}.npy").view(np.uint8).ravel().tolist()
    return values


def _contents(folder: Path) -> list[dict[str, Any]]:
    found = []
    for length in (0, 10, 2 << 20, (2 << 20) + 1, 3 << 20):
        path = folder / "content"
        path.write_bytes(value_at(np.arange(length)).tobytes())
        found.append({"bytes": length, "content_id": content_id(path)})
    return found


def _glimpses() -> list[dict[str, Any]]:
    found = []
    for width, height in ((640, 360), (36, 64), (1, 1), (65, 30)):
        plane = value_at(np.arange(width * height)).reshape(height, width)
        grey = small_grey(av.VideoFrame.from_ndarray(plane, "gray"))
        found.append({"size_wh": [width, height], "cells": grey.size, "sha256": _sha256(grey)})
    return found


def _measured() -> list[dict[str, Any]]:
    found = []
    for size in SIZES:
        sharpness, patch = measure(picture(*size))
        found.append({"from": size, "sharpness": sharpness, "patch": patch.round(4).tolist()})
    return found


def _sampled() -> list[dict[str, Any]]:
    times = [0.04 * i for i in range(30)] + [2.0, 2.01, 5.0, 5.5]
    return [
        {"every_s": every_s, "times": times, "wanted": [sampling.wants(t) for t in times]}
        for every_s in (0.0, 0.1, 0.5)
        for sampling in [Sampling(every_s)]
    ]


def steps() -> dict[str, Any]:
    """Return the content of the file."""
    with tempfile.TemporaryDirectory() as folder:
        searched, contents = _searched(Path(folder)), _contents(Path(folder))
    numbers = [
        (0.0625, 3),
        (0.03125, 4),
        (12.125, 2),
        (12.135, 2),
        (-12.125, 2),
        (2.675, 2),
        (0.00005, 4),
        (1e6 / 3, 2),
    ]
    identity = ("c" * 64, "5" * 64, "a" * 64, "größe-1", 2)
    return {
        "resized": _resized(),
        "fed": _fed(),
        "decoded": _decoded(),
        "boxes": _boxes(),
        "searched": searched,
        "contents": contents,
        "glimpses": _glimpses(),
        "measured": _measured(),
        "sampled": _sampled(),
        "rounded": [[x, digits, round(x, digits)] for x, digits in numbers],
        "tag_id": {"of": identity, "is": tag_id(*identity)},
    }


def written(value: dict[str, Any]) -> str:
    """Return the text of the file."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n"


if __name__ == "__main__":
    STEPS.write_text(written(steps()))
