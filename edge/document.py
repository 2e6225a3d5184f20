"""The tag document: what `edge tag --json` writes and what later commands read back.

The format is written down in docs/formats/tag-document.md. A document that has been read is as trustworthy as its
types and ranges: every field has been checked, unknown fields are ignored.

    >>> write_json(tag_document(run), "tags.json")
    >>> read_document(Path("tags.json")).tag("4f0c5dd2a9b81e37").product_id
    'oat-drink-1l'
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from edge.defaults import DEMO_NOTICE
from edge.document_fields import Fields
from edge.errors import ArtefactRefused, InputError
from edge.shard import Shard
from edge.tags import Box, SourceTags, Tag, TagRun, Unmatched

SCHEMA = 1
TIMINGS = ("decode", "detect", "embed", "search", "total")
KINDS = ("image", "video")
STATUSES = ("match", "ambiguous")


@dataclass(frozen=True)
class BundleEntry:
    """The bundle that was used."""

    name: str
    sha256: str
    space_id: str


@dataclass(frozen=True)
class ShardEntry:
    """A catalogue that was searched; `items` counts its products."""

    catalog: str
    version: int
    items: int
    sha256: str


@dataclass(frozen=True)
class Alternative:
    """A product that came next, with its similarity, -1..1."""

    product_id: str
    similarity: float


@dataclass(frozen=True)
class BestSighting:
    """When and where a product was seen best; pixels of the source as it is shown."""

    timestamp_s: float
    xyxy: Box


@dataclass(frozen=True)
class TagEntry:
    """One product in one appearance; see `edge.tags.Tag`. `shard` is an index into the document's shards."""

    tag_id: str
    status: str
    product_id: str
    title: str
    shard: int
    similarity: float
    margin: float
    start_s: float
    end_s: float
    best: BestSighting
    alternatives: tuple[Alternative, ...]


@dataclass(frozen=True)
class UnmatchedEntry:
    """One object that is not in the catalogue."""

    start_s: float
    end_s: float
    xyxy: Box


@dataclass(frozen=True)
class SourceEntry:
    """Everything found in one source; see `edge.tags.SourceTags`."""

    path: str
    kind: str
    duration_s: float | None
    resolution_wh: tuple[int, int]
    partial: bool
    frames_decoded: int
    frames_detected: int
    crops_embedded: int
    error: str | None
    tags: tuple[TagEntry, ...]
    unmatched: tuple[UnmatchedEntry, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class TagDocument:
    """A whole document; `notice` is empty but for the demo catalogue; see `TagRun` for `second_look`."""

    bundle: BundleEntry
    shards: tuple[ShardEntry, ...]
    sources: tuple[SourceEntry, ...]
    timing_ms: Mapping[str, float]
    notice: str = ""
    second_look: bool | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the document as the JSON object that the format describes."""
        notice = {"notice": self.notice} if self.notice else {}
        value = asdict(self)
        value.pop("notice")
        if self.second_look is None:
            value.pop("second_look")
        for source in value["sources"]:
            if not source["notes"]:
                source.pop("notes")
        return {"schema": SCHEMA, **notice, **value}

    def tag(self, tag_id: str) -> TagEntry | None:
        """Return the tag of that id, or None."""
        return next((tag for source in self.sources for tag in source.tags if tag.tag_id == tag_id), None)


def tag_document(run: TagRun) -> dict[str, Any]:
    """Return the document of a run as a JSON object."""
    return document_of(run).to_json()


def document_of(run: TagRun) -> TagDocument:
    """Return the document of a run: times to the millisecond, similarities to 0.0001, boxes to 0.01 pixels."""
    bundle = run.bundle
    return TagDocument(
        bundle=BundleEntry(bundle.name, bundle.sha256, bundle.space_id),
        shards=tuple(_shard_entry(shard) for shard in run.shards),
        sources=tuple(_source_entry(source) for source in run.sources),
        timing_ms={name: round(float(run.timing_ms.get(name, 0.0)), 1) for name in TIMINGS},
        notice=DEMO_NOTICE if run.demo else "",
        second_look=run.second_look,
    )


def read_document(path: Path) -> TagDocument:
    """Read a document back.

    Raises:
        InputError: the file cannot be read, or is not a tag document; the sentence names the field.
        ArtefactRefused: it was written to a schema that this version does not know.
    """
    try:
        value = json.loads(path.read_bytes())
    except OSError as e:
        raise InputError(f"{path}: cannot be read ({e.strerror or e})") from e
    except (ValueError, RecursionError) as e:
        raise InputError(f"{path}: not a tag document: not JSON ({e})") from e
    return document_from_json(value, str(path))


def document_from_json(value: object, where: str) -> TagDocument:
    """Check a parsed document.

    Args:
        value: what `json.loads` gave.
        where: the file, for the sentence.

    Raises:
        InputError: a field is missing or wrong.
        ArtefactRefused: another schema.
    """
    top = Fields(value, where)
    if top.get("schema") != SCHEMA:
        raise ArtefactRefused(f"{where}: tag document of schema {top.get('schema')!r}, this version reads {SCHEMA}")
    bundle, timing = top.part("bundle"), top.part("timing_ms")
    shards = tuple(_read_shard(shard) for shard in top.parts("shards"))
    return TagDocument(
        bundle=BundleEntry(bundle.text("name"), bundle.text("sha256"), bundle.text("space_id")),
        shards=shards,
        sources=tuple(_read_source(source, len(shards)) for source in top.parts("sources")),
        timing_ms={name: timing.number(name, least=0) for name in TIMINGS},
        notice=top.optional_text("notice") or "",
        second_look=top.optional_truth("second_look"),
    )


def _shard_entry(shard: Shard) -> ShardEntry:
    return ShardEntry(shard.catalog, shard.version, shard.products, shard.sha256)


def _source_entry(source: SourceTags) -> SourceEntry:
    return SourceEntry(
        path=_speakable(source.path),
        kind=source.kind,
        duration_s=None if source.duration_s is None else _seconds(source.duration_s),
        resolution_wh=source.resolution_wh,
        partial=source.partial,
        frames_decoded=source.frames_decoded,
        frames_detected=source.frames_detected,
        crops_embedded=source.crops_embedded,
        error=None if source.error is None else _speakable(source.error),
        tags=tuple(tag_entry(tag) for tag in source.tags),
        unmatched=tuple(unmatched_entry(unmatched) for unmatched in source.unmatched),
        notes=source.notes,
    )


def tag_entry(tag: Tag) -> TagEntry:
    """Return a tag as the document has it."""
    first = tag.candidates[0]
    return TagEntry(
        tag_id=tag.tag_id,
        status=tag.status,
        product_id=first.product_id,
        title=first.title,
        shard=first.shard,
        similarity=_ratio(first.similarity),
        margin=_ratio(tag.margin),
        start_s=_seconds(tag.start_s),
        end_s=_seconds(tag.end_s),
        best=BestSighting(_seconds(tag.best.timestamp_s), _pixels(tag.best.xyxy)),
        alternatives=tuple(Alternative(c.product_id, _ratio(c.similarity)) for c in tag.candidates[1:]),
    )


def unmatched_entry(unmatched: Unmatched) -> UnmatchedEntry:
    """Return an object without a product as the document has it."""
    return UnmatchedEntry(_seconds(unmatched.start_s), _seconds(unmatched.end_s), _pixels(unmatched.best.xyxy))


def _speakable(text: str) -> str:
    """Return the text without the bytes of a file name that are not UTF-8, which JSON could not hold."""
    return text.encode("utf-8", "replace").decode()


def _seconds(value: float) -> float:
    return round(float(value), 3)


def _ratio(value: float) -> float:
    return round(float(value), 4)


def _pixels(xyxy: Iterable[float]) -> Box:
    x0, y0, x1, y1 = (round(float(v), 2) for v in xyxy)
    return x0, y0, x1, y1


def _read_shard(fields: Fields) -> ShardEntry:
    return ShardEntry(fields.text("catalog"), fields.whole("version"), fields.whole("items"), fields.text("sha256"))


def _read_source(fields: Fields, shards: int) -> SourceEntry:
    width, height = fields.numbers("resolution_wh", 2)
    return SourceEntry(
        path=fields.text("path"),
        kind=fields.one_of("kind", KINDS),
        duration_s=None if fields.get("duration_s") is None else fields.number("duration_s", least=0),
        resolution_wh=(int(width), int(height)),
        partial=fields.truth("partial"),
        frames_decoded=fields.whole("frames_decoded"),
        frames_detected=fields.whole("frames_detected"),
        crops_embedded=fields.whole("crops_embedded"),
        error=fields.optional_text("error"),
        tags=tuple(_read_tag(tag, shards) for tag in fields.parts("tags")),
        unmatched=tuple(_read_unmatched(unmatched) for unmatched in fields.parts("unmatched")),
        notes=fields.optional_texts("notes"),
    )


def _read_tag(fields: Fields, shards: int) -> TagEntry:
    best = fields.part("best")
    return TagEntry(
        tag_id=fields.text("tag_id"),
        status=fields.one_of("status", STATUSES),
        product_id=fields.text("product_id"),
        title=fields.text("title"),
        shard=fields.whole("shard", most=shards - 1),
        similarity=fields.number("similarity", least=-1, most=1),
        margin=fields.number("margin", least=0, most=2),
        start_s=fields.number("start_s"),
        end_s=fields.number("end_s"),
        best=BestSighting(best.number("timestamp_s"), best.xyxy("xyxy")),
        alternatives=tuple(
            Alternative(other.text("product_id"), other.number("similarity", least=-1, most=1))
            for other in fields.parts("alternatives")
        ),
    )


def _read_unmatched(fields: Fields) -> UnmatchedEntry:
    return UnmatchedEntry(fields.number("start_s"), fields.number("end_s"), fields.xyxy("xyxy"))
