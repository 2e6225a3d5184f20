"""From ITEMS.csv and a folder of pictures to a shard, with as little computed as can be.

A view whose key the old shard has is carried over byte for byte; a picture that an interrupted build has embedded is
taken from the journal beside the output; only the rest is embedded.

    >>> result = build_catalog(read_items(csv), Path("images"), embedder, Target(Path("shard"), "shop", 1, space_id))
    >>> result.embedded, result.carried
    (61, 0)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np

from edge.detections import Float32s
from edge.errors import ArtefactRefused, InputError, MediaError
from edge.files import require_replaceable, sha256_of_file
from edge.media.pictures import read_picture
from edge.preprocessing import ImageArray
from edge.shard import Shard, write_shard
from edge.shard.columns import Columns
from edge.shard.content import canonical_columns
from edge.shard.description import DESCRIPTION, ShardDescription
from edge.shard.vectors import Int8s, quantize, view_key
from edge.shard.writer import KIND
from export.catalog.exclusion import Exclusion
from export.catalog.extra import Base, ExtraViews
from export.catalog.items import Items, Problem, View, without
from export.catalog.journal import Journal
from export.catalog.keypoints import keypoint_entries
from export.catalog.thumbnail import make_thumbnail

T = TypeVar("T")
Watch = Callable[[Sequence[T], str], Iterable[T]]


class PictureEmbedder(Protocol):
    """What a build needs of an embedder; `edge.embedder.Embedder` is one."""

    @property
    def ndim(self) -> int:
        """Length of an embedding."""

    def embed(self, crops: Sequence[ImageArray]) -> Float32s:
        """Embed (h, w, 3) uint8 RGB pictures as unit vectors, float32 (n, ndim)."""


@dataclass(frozen=True)
class Target:
    """What is built, and where.

    Attributes:
        out: folder of the shard.
        catalog: name of the catalogue.
        version: of the catalogue, from 1.
        space_id: the embedder's space.
        thumbnail_bytes: greatest length of a thumbnail; 0 makes no pack.
        keypoint_bytes: greatest length of a view's keypoints; 0 makes no pack.
    """

    out: Path
    catalog: str
    version: int
    space_id: str
    thumbnail_bytes: int = 0
    keypoint_bytes: int = 0


@dataclass(frozen=True)
class BuildResult:
    """What a build did.

    Attributes:
        description: of the shard.
        items: what was built, with the rows that could not be used.
        embedded: views whose pictures were embedded now.
        carried: views that came from the old shard.
        resumed: views that came from the journal of an interrupted build.
        thumbnails: pictures in the pack.
        keypoints: views in the keypoint pack.
        extra: views that are of no picture of ITEMS.csv.
    """

    description: ShardDescription
    items: Items
    embedded: int
    carried: int
    resumed: int
    thumbnails: int
    keypoints: int
    extra: int = 0


@dataclass(frozen=True)
class Changes:
    """What a build does beside taking the rows of ITEMS.csv as they are.

    Attributes:
        excluded: views that are left out.
        contribute: gives the views that devices agree on, for the catalogue's own pictures; None: there are none.
    """

    excluded: Exclusion = field(default_factory=Exclusion)
    contribute: Callable[[Base], ExtraViews] | None = None


@dataclass(frozen=True)
class _KeyedView:
    """A view with its key and its picture's SHA-256."""

    view: View
    key: int
    picture: bytes


def build_catalog(
    items: Items,
    images: Path,
    embedder: PictureEmbedder,
    target: Target,
    old: Shard | None = None,
    watch: Watch[_KeyedView] | None = None,
    changes: Changes | None = None,
) -> BuildResult:
    """Embed what is new, carry over what is not, and write the shard whole.

    Args:
        items: the rows of ITEMS.csv.
        images: the folder that their pictures lie in.
        embedder: embeds the pictures.
        target: what is built, and where.
        old: the shard that is updated; its vectors are used if it is of the same space.
        watch: shows how far a sequence has been walked (the second argument says what is done).
        changes: what is left out, and what devices contribute.

    Returns:
        What was done. Rows that could not be used are in `items.problems`.

    Raises:
        InputError: there are rows, and none can be used.
        OutputError: the shard cannot be written; vectors that were computed stay in the journal.
    """
    require_replaceable(target.out, DESCRIPTION, KIND)
    watch, changes = watch or _unwatched, changes or Changes()
    items, keyed = _without_excluded(*_keyed(items, images), changes.excluded)
    known = _known(old, target.space_id, embedder.ndim)
    with Journal(journal_path(target.out), target.space_id, embedder.ndim) as journal:
        left = set(journal.vectors)
        new = {k.picture: k for k in keyed if k.key not in known and k.picture not in left}
        failed = _embed(watch(list(new.values()), "embedding"), images, embedder, journal)
        items, keyed = _usable(items, keyed, failed, known)
        vectors = [known[k.key] if k.key in known else journal.vectors[k.picture] for k in keyed]
        columns = _columns(items, keyed, vectors, embedder.ndim, changes.contribute)
        thumbnails = _thumbnails(keyed, images, target, old, watch) if target.thumbnail_bytes else None
        keypoints = _keypoints(keyed, images, target, old, watch) if target.keypoint_bytes else None
        written = write_shard(
            target.out, target.catalog, target.version, target.space_id, columns, thumbnails, keypoints
        )
        journal.remove()
    carried = sum(k.key in known for k in keyed)
    resumed = sum(k.key not in known and k.picture in left for k in keyed)
    embedded = len(keyed) - carried - resumed
    extra = written.views - len(keyed)
    return BuildResult(written, items, embedded, carried, resumed, len(thumbnails or ()), len(keypoints or ()), extra)


def journal_path(out: Path) -> Path:
    """Return where the journal of a build lies."""
    return out.parent / f".{out.name}.journal"


def _unwatched(sequence: Sequence[_KeyedView], doing: str) -> Iterator[_KeyedView]:
    return iter(sequence)


def _keyed(items: Items, images: Path) -> tuple[Items, list[_KeyedView]]:
    """Give every view its key; a picture that cannot be read costs its row, the same picture twice counts once."""
    unusable: dict[View, str] = {}
    keyed: dict[int, _KeyedView] = {}
    hashes: dict[str, bytes] = {}
    twice: list[Problem] = []
    for view in items.views:
        try:
            if view.image not in hashes:
                hashes[view.image] = picture_sha256(images / view.image)
        except MediaError as e:
            unusable[view] = str(e)
            continue
        picture = hashes[view.image]
        found = _KeyedView(view, view_key(view.product_id, picture), picture)
        first = keyed.setdefault(found.key, found)
        if first is not found:
            twice.append(Problem(view.line, f"image {view.image!r} is the same picture as on line {first.view.line}"))
    items = without(items, unusable)
    _require_some(items)
    notes = tuple(sorted([*items.notes, *twice], key=lambda note: note.line))
    return Items(items.records, items.views, items.problems, notes), list(keyed.values())


def picture_sha256(path: Path) -> bytes:
    """Return the 32 bytes of a picture file's SHA-256, which the keys of its views are made of.

    Raises:
        MediaError: it is missing, empty, or cannot be read.
    """
    try:
        if path.stat().st_size == 0:
            raise MediaError(f"{path}: is empty")
        return bytes.fromhex(sha256_of_file(path))
    except FileNotFoundError as e:
        raise MediaError(f"{path}: no such picture") from e
    except OSError as e:
        raise MediaError(f"{path}: cannot be read ({e.strerror or e})") from e


def _require_some(items: Items) -> None:
    """Refuse to make an empty catalogue of a table that has rows: that is a wrong folder, not a wish."""
    if items.problems and not items.views:
        first = items.problems[0]
        raise InputError(
            f"none of the {len(items.problems)} rows can be used, so no shard was written; "
            f"line {first.line}: {first.message}"
        )


def _known(old: Shard | None, space_id: str, ndim: int) -> dict[int, Int8s]:
    """Return the old shard's vectors by key, if they are of this space."""
    if old is None or old.space_id != space_id or old.ndim != ndim:
        return {}
    return dict(zip(old.keys.tolist(), old.vectors, strict=True))


def _embed(views: Iterable[_KeyedView], images: Path, embedder: PictureEmbedder, journal: Journal) -> dict[bytes, str]:
    """Embed pictures into the journal and return why some could not be, by the picture's SHA-256."""
    failed: dict[bytes, str] = {}
    for keyed in views:
        path = images / keyed.view.image
        try:
            vector = quantize(embedder.embed([read_picture(str(path))]))[0]
        except MediaError as e:
            failed[keyed.picture] = str(e)
        except InputError as e:
            failed[keyed.picture] = f"{path}: {e}"
        else:
            journal.add(keyed.picture, vector)
    return failed


def _usable(
    items: Items, keyed: Sequence[_KeyedView], failed: Mapping[bytes, str], known: Mapping[int, Int8s]
) -> tuple[Items, list[_KeyedView]]:
    """Leave out the views whose pictures could not be embedded, and the products that have no other."""
    lost = [k for k in keyed if k.key not in known and k.picture in failed]
    items = without(items, {k.view: failed[k.picture] for k in lost})
    _require_some(items)
    lost_keys = {k.key for k in lost}
    return items, [k for k in keyed if k.key not in lost_keys]


def _columns(
    items: Items,
    keyed: Sequence[_KeyedView],
    vectors: Sequence[Int8s],
    ndim: int,
    contribute: Callable[[Base], ExtraViews] | None,
) -> Columns:
    """Lay out the pictures' views and, behind them, those that devices agree on."""
    row_of = {product_id: row for row, product_id in enumerate(items.records)}
    keys = np.array([k.key for k in keyed], np.uint64)
    stacked = np.array(vectors, np.int8).reshape(-1, ndim)
    product = np.array([row_of[k.view.product_id] for k in keyed], np.int64)
    if contribute and len(keyed):
        extra = contribute(Base.of(list(row_of), stacked, product))
        keys = np.concatenate([keys, extra.keys])
        stacked = np.concatenate([stacked, extra.vectors])
        product = np.concatenate([product, extra.product])
    return canonical_columns(list(items.records.values()), keys, stacked, product)


def _without_excluded(items: Items, keyed: list[_KeyedView], excluded: Exclusion) -> tuple[Items, list[_KeyedView]]:
    """Leave out what a list names; a row of it that names nothing here is noted, since the picture may have changed."""
    if not excluded.rows:
        return items, keyed
    by_view = {k.view: excluded.covers(k.view.product_id, k.key) for k in keyed}
    kept = [k for k in keyed if by_view[k.view] is None]
    if not kept:
        raise InputError(f"the list leaves out all {len(keyed)} views, so no shard was written")
    unused = set(excluded.rows) - {row for row in by_view.values() if row is not None}
    notes = [Problem(row.line, f"{row.product_id!r} of the list of exclusions is not here") for row in unused]
    products = {k.view.product_id for k in kept}
    emptied = (view for view in items.views if view.product_id not in products)  # also what said the same picture twice
    gone = without(items, {view: "" for view in (*(v for v, row in by_view.items() if row), *emptied)})
    return replace(gone, problems=items.problems, notes=(*items.notes, *sorted(notes, key=lambda n: n.line))), kept


def _keypoints(
    keyed: Sequence[_KeyedView], images: Path, target: Target, old: Shard | None, watch: Watch[_KeyedView]
) -> dict[int, bytes]:
    views = ((k.key, images / k.view.image) for k in watch(keyed, "keypoints"))
    return keypoint_entries(views, target.keypoint_bytes, old)


def _thumbnails(
    keyed: Sequence[_KeyedView], images: Path, target: Target, old: Shard | None, watch: Watch[_KeyedView]
) -> dict[int, bytes]:
    """Return one picture for each product, of its first row, by key; those of the old shard are carried over."""
    first: dict[str, _KeyedView] = {}
    for k in keyed:
        first.setdefault(k.view.product_id, k)
    pictures: dict[int, bytes] = {}
    for k in watch(list(first.values()), "thumbnails"):
        picture = _old_thumbnail(old, k.key, target.thumbnail_bytes)
        try:
            picture = picture or make_thumbnail(read_picture(str(images / k.view.image)), target.thumbnail_bytes)
        except MediaError:
            continue  # its view was carried over and its vector is good, so only the small picture is missing
        if picture is not None:
            pictures[k.key] = picture
    return pictures


def _old_thumbnail(old: Shard | None, key: int, max_bytes: int) -> bytes | None:
    try:
        picture = old.thumbnails.get(key) if old is not None and old.thumbnails is not None else None
    except ArtefactRefused:
        return None
    return picture if picture is not None and len(picture) <= max_bytes else None
