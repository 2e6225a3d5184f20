"""`shard.json`: what a shard says of itself, read strictly.

Everything is either as docs/formats/shard.md says or the shard is refused: an unknown schema, an unknown key, a
column too many, a shape that does not follow from the counts.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.errors import ArtefactRefused
from edge.files import canonical_json, read_json_object
from edge.shard.columns import Column

SCHEMA = 1
DESCRIPTION = "shard.json"
TEXT_FIELDS = ("product_id", "title", "price", "currency", "url", "image_url", "brand", "category", "region")
CATALOG_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
SPACE_PATTERN = re.compile(r"[A-Za-z0-9:._-]{1,128}")
MAX_COUNT = 2**31 - 1
MAX_NDIM = 65_536
_MAX_JSON_BYTES = 1 << 20


@dataclass(frozen=True)
class ShardDescription:
    """What `shard.json` holds.

    Attributes:
        catalog: name of the catalogue: letters, digits, ".", "_", "-", at most 64 characters.
        version: counts up with each published state of the catalogue, from 1.
        space_id: names the embedding space; a bundle must bear the same.
        ndim: length of a vector.
        views: number of views.
        products: number of products.
        columns: one for each file, in the order of `column_names`.
    """

    catalog: str
    version: int
    space_id: str
    ndim: int
    views: int
    products: int
    columns: tuple[Column, ...]

    @property
    def sha256(self) -> str:
        """SHA-256 in hex over what the shard holds, whatever its name and version: its identity."""
        content = [{"name": c.name, "dtype": c.dtype, "shape": list(c.shape), "sha256": c.sha256} for c in self.columns]
        value = {"schema": SCHEMA, "space_id": self.space_id, "ndim": self.ndim, "columns": content}
        return hashlib.sha256(canonical_json(value)).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """Return the content of `shard.json`."""
        return {
            "schema": SCHEMA,
            "catalog": self.catalog,
            "version": self.version,
            "space_id": self.space_id,
            "ndim": self.ndim,
            "views": self.views,
            "products": self.products,
            "sha256": self.sha256,
            "columns": [column.to_json() for column in self.columns],
        }

    def require_valid(self, where: str) -> None:
        """Raise `ArtefactRefused` unless every value is in its range and every column is the one expected."""
        counts = (self.version, self.ndim, self.views, self.products)
        if not all(type(n) is int for n in counts) or not (
            1 <= self.version < 2**53 and 1 <= self.ndim <= MAX_NDIM and 0 <= self.products <= self.views <= MAX_COUNT
        ):
            raise ArtefactRefused(f"{where}: version, ndim, views, products {str(counts)[:120]} are out of range")
        for value, pattern in ((self.catalog, CATALOG_PATTERN), (self.space_id, SPACE_PATTERN)):
            if not isinstance(value, str) or not pattern.fullmatch(value):
                raise ArtefactRefused(f"{where}: {str(value)[:80]!r} is neither a catalogue name nor a space_id")
        found = [(c.name, c.dtype, _length_left_open(c)) for c in self.columns]
        if found != _expected(self.ndim, self.views, self.products):
            raise ArtefactRefused(f"{where}: the columns are not those of a schema {SCHEMA} shard of these counts")


def column_names() -> tuple[str, ...]:
    """Return the names of all columns in their order."""
    return tuple(name for name, _, _ in _expected(1, 0, 0))


def read_description(root: Path) -> ShardDescription:
    """Read and check `shard.json`; the columns themselves are not opened.

    Raises:
        ArtefactRefused: it is missing, malformed, of a schema that this version does not read, or not consistent.
    """
    path = root / DESCRIPTION
    value = read_manifest(path, "shard", SCHEMA)
    known = {"schema", "catalog", "version", "space_id", "ndim", "views", "products", "sha256", "columns"}
    if set(value) != known:
        raise ArtefactRefused(f"{path}: keys {sorted(set(value) ^ known)[:5]} are missing or unknown")
    columns = tuple(Column.from_json(c, str(path)) for c in _as_list(value["columns"], path))
    said = {name: value[name] for name in known - {"schema", "sha256", "columns"}}
    description = ShardDescription(**said, columns=columns)
    description.require_valid(str(path))
    if value["sha256"] != description.sha256:
        raise ArtefactRefused(f"{path}: altered, its sha256 is not that of its columns: fetch or build it again")
    return description


def read_manifest(path: Path, what: str, schema: int) -> dict[str, Any]:
    """Read a manifest of at most 1 MiB and check its schema.

    Raises:
        ArtefactRefused: it is missing, too long, not a JSON object, or of another schema.
    """
    if path.is_file() and path.stat().st_size > _MAX_JSON_BYTES:
        raise ArtefactRefused(f"{path}: longer than {_MAX_JSON_BYTES} bytes, so this does not describe a {what}")
    value = read_json_object(path, what)
    found = value.get("schema")
    if type(found) is not int:
        raise ArtefactRefused(f"{path}: schema is {str(found)[:40]!r}, so this does not describe a {what}")
    if found != schema:
        raise ArtefactRefused(f"{path}: {what} schema {found}, this version reads {schema}: update this program")
    return value


def _as_list(value: Any, path: Path) -> Sequence[Any]:
    if not isinstance(value, list):
        raise ArtefactRefused(f"{path}: columns must be a list")
    return value


def _expected(ndim: int, views: int, products: int) -> list[tuple[str, str, tuple[int, ...] | None]]:
    """Return name, dtype and shape of every column; no shape where a blob's length is free."""
    texts: list[tuple[str, str, tuple[int, ...] | None]] = []
    for field in TEXT_FIELDS:
        texts += [(field, "|u1", None), (f"{field}_offsets", "<u4", (products + 1,))]
    return [
        ("keys", "<u8", (views,)),
        ("vectors", "|i1", (views, ndim)),
        ("view_offsets", "<u4", (products + 1,)),
        *texts,
        ("in_stock", "|u1", (products,)),
    ]


def _length_left_open(column: Column) -> tuple[int, ...] | None:
    return None if column.name in TEXT_FIELDS and len(column.shape) == 1 else column.shape
