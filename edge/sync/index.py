"""The index of a catalogue: which states are published, and which files lead from one to another.

The index is the one file of a catalogue that The Update Framework signs (as a target); it names every other file by
length and SHA-256. `docs/formats/index.md` writes it down.

    >>> index = read_index(data, "grocery.json")
    >>> index.generation(space_id).newest.version
    42
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, NoReturn, TypeVar

from edge.errors import ArtefactRefused
from edge.files import canonical_json
from edge.shard.description import CATALOG_PATTERN, MAX_COUNT, MAX_NDIM, SPACE_PATTERN
from edge.shard.travel import compressed, decompressed, stated_length

SCHEMAS = (1, 2)
"""The schemas that are read; 2 is written only where a release has a calibration, which readers of 1 would refuse."""
MAX_INDEX_BYTES = 1 << 20
MAX_FILE_BYTES = 1 << 32
FRAME = b"\x28\xb5\x2f\xfd"
"""How a zstd frame begins (RFC 8878)."""
SHA256 = re.compile(r"[0-9a-f]{64}")
T = TypeVar("T")


@dataclass(frozen=True)
class PublishedFile:
    """A file by its content.

    Attributes:
        sha256: of the file as it travels, in hex; also its name.
        bytes: length of the file as it travels.
        unpacked_bytes: length of what is in it; equal to `bytes` where nothing is packed.
    """

    sha256: str
    bytes: int
    unpacked_bytes: int


@dataclass(frozen=True)
class Part:
    """Some products of a release, to be added to any of its other parts.

    Attributes:
        file: the part.
        products: how many products it has.
        views: how many views they have.
        category: of all of its products; empty where they have none, or several.
    """

    file: PublishedFile
    products: int
    views: int
    category: str


@dataclass(frozen=True)
class PackFile:
    """An optional pack beside a release, fetched entry by entry.

    Attributes:
        head: manifest, keys, hashes and offsets of the pack, as one file.
        entries: the entries end to end; a device asks for ranges of it and checks each entry by its own hash.
    """

    head: PublishedFile
    entries: PublishedFile


@dataclass(frozen=True)
class Release:
    """One published state of a catalogue.

    Attributes:
        version: counts up.
        sha256: identity of its shard.
        products: number of products.
        views: number of views.
        share: of the devices that take it, above 0 to 1; the others stay with the release before.
        parts: all of it; empty where only deltas lead here or away.
        thumbnails: small catalogue pictures, or None.
        keypoints: what the second look needs, or None.
        calibration: thresholds for this release, see docs/formats/calibration.md, or None.
    """

    version: int
    sha256: str
    products: int
    views: int
    share: float = 1.0
    parts: tuple[Part, ...] = ()
    thumbnails: PackFile | None = None
    keypoints: PackFile | None = None
    calibration: PublishedFile | None = None


@dataclass(frozen=True)
class DeltaFile:
    """A delta between two releases of one generation, named by the identities of their shards."""

    base: str
    target: str
    file: PublishedFile


@dataclass(frozen=True)
class Generation:
    """The releases of one embedding space.

    Attributes:
        space_id: of the vectors; a device takes the generation that its bundle can search.
        ndim: length of a vector.
        releases: newest first, never empty; the first has parts.
        deltas: between them.
    """

    space_id: str
    ndim: int
    releases: tuple[Release, ...]
    deltas: tuple[DeltaFile, ...] = ()

    @property
    def newest(self) -> Release:
        """The latest release, whatever share of the devices takes it."""
        return self.releases[0]


@dataclass(frozen=True)
class Index:
    """All that is published of a catalogue.

    Attributes:
        catalog: its name.
        generations: newest first; two while devices move from one embedding space to the next.
    """

    catalog: str
    generations: tuple[Generation, ...]

    def generation(self, space_id: str) -> Generation | None:
        """Return the generation of an embedding space, or None."""
        return next((g for g in self.generations if g.space_id == space_id), None)


def index_bytes(index: Index) -> bytes:
    """Return the one text of an index."""
    value = asdict(index)
    releases = [release for generation in value["generations"] for release in generation["releases"]]
    schema = SCHEMAS[any(release["calibration"] for release in releases)]
    for release in releases:
        if schema == SCHEMAS[0]:
            del release["calibration"]
    return canonical_json({"schema": schema, **value}) + b"\n"


def index_frame(index: Index) -> bytes:
    """Return an index as it travels: its text in one zstd frame, less than half as long."""
    return compressed(index_bytes(index))


def read_index(data: bytes, where: str) -> Index:
    """Read an index.

    Args:
        data: the file, text or frame, whose length and hash have been checked.
        where: names it in error messages.

    Raises:
        ArtefactRefused: it is malformed, of a newer schema, or contradicts itself.
    """
    text = _text(data, where) if data.startswith(FRAME) else data
    try:
        value = json.loads(text)
        schema = value.get("schema")
    except (ValueError, RecursionError, AttributeError) as e:
        raise ArtefactRefused(f"{where}: is not the index of a catalogue ({str(e)[:80]})") from e
    if type(schema) is not int or schema not in SCHEMAS:
        found = str(schema)[:40]
        raise ArtefactRefused(f"{where}: index schema {found}, this version reads {SCHEMAS[-1]}: update this program")
    try:
        return _Reader(where, schema).index({name: part for name, part in value.items() if name != "schema"})
    except (KeyError, TypeError, ValueError, AttributeError) as e:
        raise ArtefactRefused(f"{where}: malformed ({type(e).__name__}: {str(e)[:80]})") from e


def _text(frame: bytes, where: str) -> bytes:
    length = stated_length(frame)
    if length is None or length > MAX_INDEX_BYTES:
        raise ArtefactRefused(f"{where}: its frame states {length} bytes, an index has at most {MAX_INDEX_BYTES}")
    return decompressed(frame, length, where)


@dataclass(frozen=True)
class _Reader:
    where: str
    schema: int

    def index(self, value: Any) -> Index:
        self.keys(value, Index)
        if not CATALOG_PATTERN.fullmatch(value["catalog"]):
            self.refuse(f"{value['catalog'][:80]!r} is no catalogue name")
        generations = tuple(self.generation(g) for g in self.listed(value["generations"]))
        self.distinct((g.space_id for g in generations), "generations")
        return Index(value["catalog"], generations)

    def generation(self, value: Any) -> Generation:
        self.keys(value, Generation)
        if not SPACE_PATTERN.fullmatch(value["space_id"]):
            self.refuse(f"{value['space_id'][:80]!r} is no space_id")
        releases = tuple(self.release(r) for r in self.listed(value["releases"]))
        deltas = tuple(self.delta(d) for d in self.listed(value["deltas"]))
        self.distinct((r.sha256 for r in releases), "releases")
        self.distinct(((d.base, d.target) for d in deltas), "deltas")
        versions = [r.version for r in releases]
        if not releases or versions != sorted(set(versions), reverse=True):
            self.refuse("the releases of a generation must be there and descend by version")
        if releases[0].products and not releases[0].parts:
            self.refuse("the newest release has no parts")
        return Generation(value["space_id"], self.whole(value["ndim"], 1, MAX_NDIM), releases, deltas)

    def release(self, value: Any) -> Release:
        if self.schema == SCHEMAS[0]:
            value = {**value, "calibration": None} if isinstance(value, dict) and "calibration" not in value else {}
        self.keys(value, Release)
        share = value["share"]
        if type(share) not in (int, float) or not 0 < share <= 1:
            self.refuse(f"share is {str(share)[:40]}, expected above 0 to 1")
        parts = tuple(self.part(p) for p in self.listed(value["parts"]))
        views = self.whole(value["views"], 0, MAX_COUNT)
        products = self.whole(value["products"], 0, views)
        if parts and (sum(p.products for p in parts), sum(p.views for p in parts)) != (products, views):
            self.refuse(f"the parts of version {value['version']} do not make its {products} products")
        return Release(
            self.whole(value["version"], 1, 2**53 - 1),
            self.sha256(value["sha256"]),
            products,
            views,
            float(share),
            parts,
            self.pack(value["thumbnails"]),
            self.pack(value["keypoints"]),
            None if value["calibration"] is None else self.file(value["calibration"]),
        )

    def part(self, value: Any) -> Part:
        self.keys(value, Part)
        if not isinstance(value["category"], str):
            self.refuse("the category of a part must be text")
        views = self.whole(value["views"], 1, MAX_COUNT)
        return Part(self.file(value["file"]), self.whole(value["products"], 1, views), views, value["category"])

    def pack(self, value: Any) -> PackFile | None:
        if value is None:
            return None
        self.keys(value, PackFile)
        return PackFile(self.file(value["head"]), self.file(value["entries"]))

    def delta(self, value: Any) -> DeltaFile:
        self.keys(value, DeltaFile)
        return DeltaFile(self.sha256(value["base"]), self.sha256(value["target"]), self.file(value["file"]))

    def file(self, value: Any) -> PublishedFile:
        self.keys(value, PublishedFile)
        length, unpacked = (self.whole(value[name], 0, MAX_FILE_BYTES) for name in ("bytes", "unpacked_bytes"))
        return PublishedFile(self.sha256(value["sha256"]), length, unpacked)

    def keys(self, value: Mapping[str, Any], part: type) -> None:
        known = {f.name for f in fields(part)}
        if not isinstance(value, dict) or set(value) != known:
            self.refuse(f"a {part.__name__} must have exactly the keys {sorted(known)}")

    def listed(self, value: Any) -> list[Any]:
        if not isinstance(value, list):
            self.refuse(f"a list is expected, found {type(value).__name__}")
        return value

    def sha256(self, value: Any) -> str:
        if not isinstance(value, str) or not SHA256.fullmatch(value):
            self.refuse(f"{str(value)[:80]!r} is no SHA-256")
        return value

    def whole(self, value: Any, low: int, high: int) -> int:
        if type(value) is not int or not low <= value <= high:
            self.refuse(f"{str(value)[:40]} is not a whole number from {low} to {high}")
        return value

    def distinct(self, values: Iterable[T], what: str) -> None:
        seen = list(values)
        if len(set(seen)) != len(seen):
            self.refuse(f"two {what} are the same")

    def refuse(self, why: str) -> NoReturn:
        raise ArtefactRefused(f"{self.where}: {why}")
