"""Drafts: what `edge tag` found, kept so that a decision can follow minutes or weeks later, without the picture.

A draft holds what an event needs and the int8 vector of the tag's best crop; of objects that were like no product the
vector is kept too, since a newer catalogue may have it (`retagging.py`). It never leaves the device. The newest
`KEPT_TAGS` tags and `KEPT_OBJECTS` objects are kept. A damaged file is set aside: tagging again makes the drafts anew.

    >>> keep(home, run, time.time())
    >>> find(home, ["4f0c"])[0][0].title
    'Oat drink 1 l'
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import TypeVar

from edge.errors import OutputError
from edge.outbox.database import Damaged, looked_at, opened, transaction
from edge.outbox.draft_tables import (
    COLUMNS,
    OBJECT_COLUMNS,
    SCHEMA,
    STEPS,
    TABLES,
    Draft,
    KeptObject,
    readable_columns,
    version,
)
from edge.outbox.setting_aside import set_aside
from edge.shard import Shard
from edge.shard.vectors import Int8s, best_cosine
from edge.tags import Candidate, SourceTags, Tag, TagRun

DRAFTS = "drafts.db"
KEPT_TAGS = 20_000
KEPT_OBJECTS = 20_000
T = TypeVar("T")


@dataclass(frozen=True)
class DraftCount:
    """How much there is.

    Attributes:
        sources: pictures and videos.
        tags: tags of them.
        objects: objects of them that were like no product.
    """

    sources: int = 0
    tags: int = 0
    objects: int = 0


@dataclass(frozen=True)
class SourceDraft:
    """Everything that is kept of one source.

    Attributes:
        content_id: SHA-256 that names its content.
        path: as it was given.
        tags: in the order in which they were made.
        objects: that were like no product, likewise.
    """

    content_id: str
    path: str
    tags: tuple[Draft, ...]
    objects: tuple[KeptObject, ...]


_COLUMNS = ", ".join(COLUMNS)
_MARKS = ", ".join("?" * len(COLUMNS))


def keep(home: Path, run: TagRun, now_s: float) -> str:
    """Keep a draft of every source in which something was found.

    Args:
        home: where the device keeps its state.
        run: what was found.
        now_s: this device's clock, seconds since 1970.

    Returns:
        A sentence where a damaged file was set aside, else nothing.

    Raises:
        OutputError: they cannot be written; drafts of before stay.
    """
    sources = [source for source in run.sources if (source.tags or source.unmatched) and source.content_id]
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

    def ask(rows: sqlite3.Connection) -> list[list[Draft]]:
        after = "g"  # the letter after the last hexadecimal digit
        chosen = f"SELECT {readable_columns(rows)} FROM tags WHERE tag_id >= ? AND tag_id < ? "
        chosen += "ORDER BY place DESC LIMIT 3"
        return [[Draft(*row) for row in rows.execute(chosen, (one, one + after))] for one in prefixes]

    return _read(home, ask, [[] for _ in prefixes])


def newest(home: Path, n: int) -> list[tuple[Draft, str]]:
    """Return the newest drafts, each with the path of its source as it was given.

    Raises:
        OutputError: the drafts cannot be read.
    """

    def ask(rows: sqlite3.Connection) -> list[tuple[Draft, str]]:
        chosen = f"SELECT {readable_columns(rows)}, path FROM tags JOIN sources USING (content_id) "
        chosen += "ORDER BY place DESC LIMIT ?"
        return [(Draft(*row[:-1]), row[-1]) for row in rows.execute(chosen, (n,))]

    return _read(home, ask, [])


def sources(home: Path) -> list[tuple[str, str]]:
    """Return content_id and path of every source that something is kept of, the newest first.

    Raises:
        OutputError: the drafts cannot be read.
    """
    chosen = "SELECT content_id, path FROM sources ORDER BY tagged_at_s DESC, content_id"
    return _read(home, lambda rows: [(row[0], row[1]) for row in rows.execute(chosen)], [])


def of_source(home: Path, content_id: str, path: str) -> SourceDraft:
    """Return everything that is kept of a source.

    Raises:
        OutputError: the drafts cannot be read.
    """

    def ask(rows: sqlite3.Connection) -> SourceDraft:
        chosen = f"SELECT {readable_columns(rows)} FROM tags WHERE content_id = ? ORDER BY place"
        tags = tuple(Draft(*row) for row in rows.execute(chosen, (content_id,)))
        if version(rows) < SCHEMA:
            return SourceDraft(content_id, path, tags, ())
        chosen = f"SELECT {', '.join(OBJECT_COLUMNS)} FROM objects WHERE content_id = ? ORDER BY place"
        return SourceDraft(
            content_id, path, tags, tuple(KeptObject(*row) for row in rows.execute(chosen, (content_id,)))
        )

    return _read(home, ask, SourceDraft(content_id, path, (), ()))


def update(home: Path, tags: Sequence[Draft], found: Sequence[tuple[KeptObject, Draft]]) -> None:
    """Write drafts anew, and turn objects into tags, all in one transaction.

    Args:
        home: where the device keeps its state.
        tags: take the place of those with the same tag_id.
        found: objects that a catalogue has now, with the tag that each becomes.

    Raises:
        OutputError: they cannot be written: none of them was.
    """
    changes = ", ".join(f"{name} = ?" for name in COLUMNS)
    with opened(home / DRAFTS, SCHEMA, TABLES, STEPS) as rows, transaction(rows):
        for draft in tags:
            rows.execute(f"UPDATE tags SET {changes} WHERE tag_id = ?", (*astuple(draft), draft.tag_id))
        for one, draft in found:
            rows.execute("DELETE FROM objects WHERE place = ?", (one.place,))
            rows.execute(f"INSERT OR REPLACE INTO tags ({_COLUMNS}) VALUES ({_MARKS})", astuple(draft))


def count(home: Path) -> DraftCount:
    """Return how many drafts there are.

    Raises:
        OutputError: the drafts cannot be read.
    """

    def ask(rows: sqlite3.Connection) -> DraftCount:
        objects = "(SELECT count(*) FROM objects)" if version(rows) >= SCHEMA else "0"
        chosen = f"SELECT (SELECT count(*) FROM sources), (SELECT count(*) FROM tags), {objects}"
        return DraftCount(*rows.execute(chosen).fetchone())

    return _read(home, ask, DraftCount())


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
    with opened(home / DRAFTS, SCHEMA, TABLES, STEPS) as rows, transaction(rows):
        for source in sources:
            row = (source.content_id, _speakable(source.path), source.kind, now_s)
            rows.execute("INSERT OR REPLACE INTO sources VALUES (?, ?, ?, ?)", row)
            for tag in source.tags:
                draft = astuple(draft_of(run, source.content_id, tag))
                rows.execute(f"INSERT OR REPLACE INTO tags ({_COLUMNS}) VALUES ({_MARKS})", draft)
            _write_objects(rows, run, source)
        rows.execute("DELETE FROM tags WHERE place <= (SELECT max(place) FROM tags) - ?", (KEPT_TAGS,))
        rows.execute("DELETE FROM objects WHERE place <= (SELECT max(place) FROM objects) - ?", (KEPT_OBJECTS,))
        rows.execute(
            "DELETE FROM sources WHERE content_id NOT IN "
            "(SELECT content_id FROM tags UNION SELECT content_id FROM objects)"
        )


def _write_objects(rows: sqlite3.Connection, run: TagRun, source: SourceTags) -> None:
    """Keep what was like no product, in the place of what was before: it is the same video, looked at once more."""
    rows.execute("DELETE FROM objects WHERE content_id = ? AND space_id = ?", (source.content_id, run.bundle.space_id))
    told = source.content_id, run.bundle.space_id
    shards = json.dumps([shard.sha256 for shard in run.shards])
    for one in source.unmatched:
        vector, nearest = one.best.vector, one.nearest
        if vector is None:
            continue
        row: tuple[object, ...] = (*told, _time(one.start_s), _time(one.end_s), vector.tobytes())
        row = (*row, int(run.second_look is True), shards)
        if nearest is not None:
            cosine = _cosine(run.shards[nearest.shard], nearest, vector)
            row = (*row, nearest.product_id, ratio(nearest.similarity), cosine)
        marks = ", ".join("?" * len(row))
        rows.execute(f"INSERT INTO objects ({', '.join(OBJECT_COLUMNS[1 : 1 + len(row)])}) VALUES ({marks})", row)


def draft_of(run: TagRun, content_id: str, tag: Tag) -> Draft:
    """Return the draft of a tag."""
    first, vector = tag.candidates[0], tag.best.vector
    shard = run.shards[first.shard]
    others = [[other.product_id, ratio(other.similarity)] for other in tag.candidates[1:]]
    row = shard.find(first.product_id)
    record = shard.record(row) if row is not None else None
    cosines = None if vector is None else [_cosine(run.shards[c.shard], c, vector) for c in tag.candidates]
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
        similarity=min(1.0, max(-1.0, ratio(first.similarity))),
        margin=min(2.0, max(0.0, ratio(tag.margin))),
        status=tag.status,
        start_s=_time(tag.start_s),
        end_s=_time(tag.end_s),
        alternatives=json.dumps(others, ensure_ascii=False),
        vector=None if vector is None else vector.tobytes(),
        price=record.price if record else None,
        currency=record.currency if record else None,
        cosines=None if cosines is None else json.dumps(cosines),
        looked_again=int(run.second_look is True),
    )


def _cosine(shard: Shard, candidate: Candidate, vector: Int8s) -> float:
    """Return the similarity of a product's best view to a vector by the vector alone; -1 where it is not there."""
    row = shard.find(candidate.product_id)
    return -1.0 if row is None else ratio(best_cosine(shard.vectors[shard.views_of(row)], vector))


def ratio(value: float) -> float:
    """Return a similarity or a margin as it is kept, to 0.0001."""
    return round(float(value), 4)


def _time(seconds: float) -> float:
    return round(float(seconds), 3)


def _speakable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
