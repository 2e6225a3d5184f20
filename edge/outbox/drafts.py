"""Drafts: what `edge tag` found, kept so that a decision can follow minutes or weeks later, without the picture.

A draft holds what an event needs and the int8 vector of the tag's best crop. It never leaves the device. Of the newest
`KEPT_TAGS` tags a draft is kept. A damaged file is set aside: tagging again makes the drafts anew.

    >>> keep(home, run, time.time())
    >>> find(home, ["4f0c"])[0][0].title
    'Oat drink 1 l'
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import TypeVar

from edge.errors import OutputError
from edge.outbox.database import Damaged, looked_at, opened, transaction
from edge.outbox.setting_aside import set_aside
from edge.tags import SourceTags, Tag, TagRun

DRAFTS = "drafts.db"
SCHEMA = 1
KEPT_TAGS = 20_000
TABLES = """
CREATE TABLE sources (
    content_id TEXT PRIMARY KEY, path TEXT NOT NULL, kind TEXT NOT NULL, tagged_at_s REAL NOT NULL
);
CREATE TABLE tags (
    place INTEGER PRIMARY KEY AUTOINCREMENT, tag_id TEXT NOT NULL UNIQUE,
    content_id TEXT NOT NULL, catalog TEXT NOT NULL, catalog_version INTEGER NOT NULL, shard_sha256 TEXT NOT NULL,
    shard_path TEXT NOT NULL, space_id TEXT NOT NULL, product_id TEXT NOT NULL, title TEXT NOT NULL,
    similarity REAL NOT NULL, margin REAL NOT NULL, status TEXT NOT NULL, start_s REAL NOT NULL, end_s REAL NOT NULL,
    alternatives TEXT NOT NULL, vector BLOB
);
CREATE INDEX tags_of_source ON tags (content_id);
"""
T = TypeVar("T")


@dataclass(frozen=True)
class Draft:
    """One tag as it was suggested.

    Attributes:
        tag_id: see docs/formats/tag-document.md.
        content_id: SHA-256 that names the source's content.
        catalog: name of the catalogue.
        catalog_version: its version.
        shard_sha256: identity of its shard.
        shard_path: folder of the shard, on this device only.
        space_id: embedding space of the vector.
        product_id: the suggestion.
        title: of the product.
        similarity: -1..1, to 0.0001.
        margin: 0..2, to 0.0001.
        status: "match" or "ambiguous".
        start_s: first sighting, seconds from the start of the source.
        end_s: last sighting.
        alternatives: the products that came next, as JSON: [[product_id, similarity], ...].
        vector: int8 vector of the best crop; None where it was not kept.
    """

    tag_id: str
    content_id: str
    catalog: str
    catalog_version: int
    shard_sha256: str
    shard_path: str
    space_id: str
    product_id: str
    title: str
    similarity: float
    margin: float
    status: str
    start_s: float
    end_s: float
    alternatives: str
    vector: bytes | None


@dataclass(frozen=True)
class DraftCount:
    """How much there is.

    Attributes:
        sources: pictures and videos.
        tags: tags of them.
    """

    sources: int = 0
    tags: int = 0


_COLUMNS = ", ".join(field.name for field in fields(Draft))
_MARKS = ", ".join("?" * len(fields(Draft)))


def keep(home: Path, run: TagRun, now_s: float) -> str:
    """Keep a draft of every source that has tags.

    Args:
        home: where the device keeps its state.
        run: what was found.
        now_s: this device's clock, seconds since 1970.

    Returns:
        A sentence where a damaged file was set aside, else nothing.

    Raises:
        OutputError: they cannot be written; drafts of before stay.
    """
    sources = [source for source in run.sources if source.tags and source.content_id]
    if not sources:
        return ""
    try:
        _write(home, run, sources, now_s)
    except Damaged:
        aside = set_aside(home / DRAFTS)
        _write(home, run, sources, now_s)
        return (
            f"{DRAFTS} was damaged and is kept as {aside.name}: earlier sources must be tagged again to be decided on"
        )
    return ""


def find(home: Path, prefixes: Sequence[str]) -> list[list[Draft]]:
    """Return for each beginning of a tag_id the drafts that begin so, at most three, the newest first.

    Raises:
        OutputError: the drafts cannot be read.
    """
    chosen = f"SELECT {_COLUMNS} FROM tags WHERE tag_id >= ? AND tag_id < ? ORDER BY place DESC LIMIT 3"

    def ask(rows: sqlite3.Connection) -> list[list[Draft]]:
        after = "g"  # the letter after the last hexadecimal digit
        return [[Draft(*row) for row in rows.execute(chosen, (one, one + after))] for one in prefixes]

    return _read(home, ask, [[] for _ in prefixes])


def newest(home: Path, n: int) -> list[tuple[Draft, str]]:
    """Return the newest drafts, each with the path of its source as it was given.

    Raises:
        OutputError: the drafts cannot be read.
    """
    columns = ", ".join(f"tags.{field.name}" for field in fields(Draft))
    chosen = f"SELECT {columns}, path FROM tags JOIN sources USING (content_id) ORDER BY place DESC LIMIT ?"
    return _read(home, lambda rows: [(Draft(*row[:-1]), row[-1]) for row in rows.execute(chosen, (n,))], [])


def count(home: Path) -> DraftCount:
    """Return how many drafts there are.

    Raises:
        OutputError: the drafts cannot be read.
    """
    chosen = "SELECT (SELECT count(*) FROM sources), (SELECT count(*) FROM tags)"
    return _read(home, lambda rows: DraftCount(*rows.execute(chosen).fetchone()), DraftCount())


def _read(home: Path, ask: Callable[[sqlite3.Connection], T], nothing: T) -> T:
    path = home / DRAFTS
    if not path.exists():
        return nothing
    try:
        with looked_at(path, SCHEMA) as rows:
            return nothing if rows is None else ask(rows)
    except Damaged as e:
        raise OutputError(f"{e}: tag the source again, which keeps the damaged file aside") from e


def _write(home: Path, run: TagRun, sources: list[SourceTags], now_s: float) -> None:
    with opened(home / DRAFTS, SCHEMA, TABLES) as rows, transaction(rows):
        for source in sources:
            row = (source.content_id, _speakable(source.path), source.kind, now_s)
            rows.execute("INSERT OR REPLACE INTO sources VALUES (?, ?, ?, ?)", row)
            for draft in _drafts(run, source):
                rows.execute(f"INSERT OR REPLACE INTO tags ({_COLUMNS}) VALUES ({_MARKS})", astuple(draft))
        rows.execute("DELETE FROM tags WHERE place <= (SELECT max(place) FROM tags) - ?", (KEPT_TAGS,))
        rows.execute("DELETE FROM sources WHERE content_id NOT IN (SELECT content_id FROM tags)")


def _drafts(run: TagRun, source: SourceTags) -> Iterator[Draft]:
    for tag in source.tags:
        yield _draft(run, source.content_id, tag)


def _draft(run: TagRun, content_id: str, tag: Tag) -> Draft:
    first, vector = tag.candidates[0], tag.best.vector
    shard = run.shards[first.shard]
    others = [[other.product_id, _ratio(other.similarity)] for other in tag.candidates[1:]]
    return Draft(
        tag_id=tag.tag_id,
        content_id=content_id,
        catalog=shard.catalog,
        catalog_version=shard.version,
        shard_sha256=shard.sha256,
        shard_path=_speakable(str(shard.root.resolve())),
        space_id=run.bundle.space_id,
        product_id=first.product_id,
        title=first.title,
        similarity=min(1.0, max(-1.0, _ratio(first.similarity))),
        margin=min(2.0, max(0.0, _ratio(tag.margin))),
        status=tag.status,
        start_s=round(float(tag.start_s), 3),
        end_s=round(float(tag.end_s), 3),
        alternatives=json.dumps(others, ensure_ascii=False),
        vector=None if vector is None else vector.tobytes(),
    )


def _ratio(value: float) -> float:
    return round(float(value), 4)


def _speakable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
