"""The tables of `drafts.db`, their versions, and a row of each as a value."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, fields

SCHEMA = 2
TABLES = """
CREATE TABLE sources (
    content_id TEXT PRIMARY KEY, path TEXT NOT NULL, kind TEXT NOT NULL, tagged_at_s REAL NOT NULL
);
CREATE TABLE tags (
    place INTEGER PRIMARY KEY AUTOINCREMENT, tag_id TEXT NOT NULL UNIQUE,
    content_id TEXT NOT NULL, catalog TEXT NOT NULL, catalog_version INTEGER NOT NULL, shard_sha256 TEXT NOT NULL,
    shard_path TEXT NOT NULL, space_id TEXT NOT NULL, product_id TEXT NOT NULL, title TEXT NOT NULL,
    similarity REAL NOT NULL, margin REAL NOT NULL, status TEXT NOT NULL, start_s REAL NOT NULL, end_s REAL NOT NULL,
    alternatives TEXT NOT NULL, vector BLOB, price TEXT, currency TEXT, cosines TEXT, looked_again INTEGER
);
CREATE INDEX tags_of_source ON tags (content_id);
CREATE TABLE objects (
    place INTEGER PRIMARY KEY AUTOINCREMENT, content_id TEXT NOT NULL, space_id TEXT NOT NULL,
    start_s REAL NOT NULL, end_s REAL NOT NULL, vector BLOB NOT NULL, looked_again INTEGER,
    shards TEXT NOT NULL, nearest TEXT, similarity REAL, cosine REAL
);
CREATE INDEX objects_of_source ON objects (content_id);
"""
STEPS = {
    1: """
ALTER TABLE tags ADD COLUMN price TEXT;
ALTER TABLE tags ADD COLUMN currency TEXT;
ALTER TABLE tags ADD COLUMN cosines TEXT;
ALTER TABLE tags ADD COLUMN looked_again INTEGER;
CREATE TABLE objects (
    place INTEGER PRIMARY KEY AUTOINCREMENT, content_id TEXT NOT NULL, space_id TEXT NOT NULL,
    start_s REAL NOT NULL, end_s REAL NOT NULL, vector BLOB NOT NULL, looked_again INTEGER,
    shards TEXT NOT NULL, nearest TEXT, similarity REAL, cosine REAL
);
CREATE INDEX objects_of_source ON objects (content_id);
"""
}
"""Statements that lead from a version to the next one."""
_SINCE_2 = ("price", "currency", "cosines", "looked_again")


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
        price: of the product; None where it was not kept.
        currency: likewise.
        cosines: what the vector alone says of the product and its alternatives, as JSON: [cosine, ...]; None where it
            was not kept.
        looked_again: whether a second look may have decided, 0 or 1; None where it was not kept.
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
    price: str | None = None
    currency: str | None = None
    cosines: str | None = None
    looked_again: int | None = None


@dataclass(frozen=True)
class KeptObject:
    """One object that was like no product of the catalogue, kept because a newer catalogue may have it.

    Attributes:
        place: of its row.
        content_id: SHA-256 that names the source's content.
        space_id: embedding space of the vector.
        start_s: first sighting, seconds from the start of the source.
        end_s: last sighting.
        vector: int8 vector of the best crop.
        looked_again: whether a second look was taken, 0 or 1.
        shards: identities of the catalogues that it is like no product of, as JSON.
        nearest: the product that came nearest; None where the catalogue was empty.
        similarity: to that product, -1..1.
        cosine: likewise, by the vector alone.
    """

    place: int
    content_id: str
    space_id: str
    start_s: float
    end_s: float
    vector: bytes
    looked_again: int | None
    shards: str
    nearest: str | None = None
    similarity: float | None = None
    cosine: float | None = None


COLUMNS = tuple(field.name for field in fields(Draft))
OBJECT_COLUMNS = tuple(field.name for field in fields(KeptObject))


def readable_columns(rows: sqlite3.Connection) -> str:
    """Return what to select for a `Draft`, also from tables of the first version, on a disk that may be read-only."""
    lacking = _SINCE_2 if version(rows) < SCHEMA else ()
    return ", ".join(f"NULL AS {name}" if name in lacking else f"tags.{name}" for name in COLUMNS)


def version(rows: sqlite3.Connection) -> int:
    """Return the version of the tables, 0 where there are none yet."""
    (found,) = rows.execute("PRAGMA user_version").fetchone()
    return int(found)
