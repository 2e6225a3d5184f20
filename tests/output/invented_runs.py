"""Runs that were never made: small, with known contents, over a catalogue that lives in memory."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
from PIL import Image

from edge.bundle import Bundle, Matching
from edge.shard import ProductRecord, Shard
from edge.shard.calibration import Calibration
from edge.tags import Candidate, Moment, SourceTags, Tag, TagRun, Unmatched


@dataclass
class ShardInMemory:
    """The part of a shard that the output looks at."""

    records: list[ProductRecord]
    catalog: str = "spring"
    version: int = 3
    sha256: str = "5a" * 32
    pictures: dict[str, bytes] = field(default_factory=dict)
    calibration: Calibration | None = None
    calibrated = Shard.calibrated
    matching = Shard.matching

    @property
    def products(self) -> int:
        return len(self.records)

    def find(self, product_id: str) -> int | None:
        return next((row for row, r in enumerate(self.records) if r.product_id == product_id), None)

    def record(self, row: int) -> ProductRecord:
        return self.records[row]

    def thumbnail(self, row: int) -> bytes | None:
        return self.pictures.get(self.records[row].product_id)


def webp(colour: tuple[int, int, int]) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (32, 24), colour).save(buffer, "WEBP")
    return buffer.getvalue()


def a_crop(colour: tuple[int, int, int] = (200, 30, 30)) -> np.ndarray:
    return np.full((40, 30, 3), colour, np.uint8)


def a_bundle(licences: tuple[dict[str, Any], ...] = ()) -> Bundle:
    return Bundle(
        root=Path("nowhere"),
        name="small",
        target="any",
        space_id="51" * 32,
        sha256="b0" * 32,
        detector=cast(Any, None),
        embedder=cast(Any, None),
        matching=Matching(0.6, 0.05),
        licences=licences,
    )


def a_tag(
    *candidates: tuple[str, str, float],
    tag_id: str = "0123456789abcdef",
    margin: float = 0.2,
    status: Any = "match",
    trail: tuple[Any, ...] = ((1.0, (10.0, 20.0, 60.0, 80.0)), (3.0, (50.0, 20.0, 100.0, 80.0))),
) -> Tag:
    moment = Moment(trail[0][0], trail[0][1], a_crop())
    products = tuple(Candidate(0, *c) for c in candidates)
    return Tag(tag_id, status, products, margin, trail[0][0], trail[-1][0], moment, trail)


def an_unmatched(
    nearest: Candidate | None = None, trail: tuple[Any, ...] = ((2.0, (5.0, 5.0, 30.0, 40.0)),)
) -> Unmatched:
    return Unmatched(trail[0][0], trail[-1][0], Moment(trail[0][0], trail[0][1], a_crop((9, 9, 90))), trail, nearest)


def a_source(
    *tags: Tag,
    path: str = "clip.mp4",
    unmatched: tuple[Unmatched, ...] = (),
    kind: Any = "video",
    error: str | None = None,
) -> SourceTags:
    duration_s = 4.0 if kind == "video" else 0.0
    return SourceTags(path, kind, duration_s, (160, 120), error is not None, 100, 8, 12, error, tags, unmatched)


def a_run(*sources: SourceTags, shard: ShardInMemory | None = None, demo: bool = False, **bundle: Any) -> TagRun:
    timing_ms = {"decode": 10.04, "detect": 200.0, "embed": 30.0, "search": 1.0, "total": 250.0}
    shards = (cast(Shard, shard or ShardInMemory([ProductRecord("oat", "Oat drink 1 l")])),)
    return TagRun(a_bundle(**bundle), shards, sources, timing_ms, demo)


def oat(**given: Any) -> Tag:
    """Return a tag of the oat drink, with the barista variant as its alternative."""
    return a_tag(("oat", "Oat drink 1 l", 0.84321), ("oat-b", "Oat drink barista", 0.6432), **given)
