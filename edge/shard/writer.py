"""Writing a shard so that it is either whole or not there."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from edge.errors import OutputError
from edge.shard.columns import Columns, write_column
from edge.shard.description import DESCRIPTION, ShardDescription, column_names
from edge.shard.keypoints import KEYPOINT_PACK
from edge.shard.pack import write_pack
from edge.shard.thumbnails import THUMBNAILS, write_thumbnails


def write_shard(
    out: Path,
    catalog: str,
    version: int,
    space_id: str,
    columns: Columns,
    thumbnails: Mapping[int, bytes] | None = None,
    keypoints: Mapping[int, bytes] | None = None,
) -> ShardDescription:
    """Write a shard; an older shard at `out` is replaced once the new one is whole.

    Args:
        out: the shard's folder.
        catalog: name of the catalogue.
        version: of the catalogue, from 1.
        space_id: names the embedding space of the vectors.
        columns: from `canonical_columns`.
        thumbnails: one WebP file by key of view, for the pack; None writes no pack.
        keypoints: an entry of the keypoint pack by key of view; None writes no pack.

    Raises:
        ArtefactRefused: the name, the version or the space_id is out of its range.
        OutputError: the folder is not writable, the disk is full, or `out` holds something else than a shard.
    """
    require_replaceable(out)
    with whole_folder(out) as folder:
        written = tuple(write_column(folder, name, columns[name]) for name in column_names())
        views, ndim = columns["vectors"].shape
        description = ShardDescription(catalog, version, space_id, ndim, views, len(columns["in_stock"]), written)
        description.require_valid(str(out / DESCRIPTION))
        (folder / DESCRIPTION).write_text(json.dumps(description.to_json(), indent=1) + "\n", encoding="utf-8")
        if thumbnails is not None:
            write_thumbnails(folder / THUMBNAILS, thumbnails)
        if keypoints is not None:
            write_pack(folder / KEYPOINT_PACK.folder, KEYPOINT_PACK, keypoints)
    return description


def require_replaceable(out: Path) -> None:
    """Raise `OutputError` unless `out` is free, an empty folder, or a shard."""
    is_shard = (out / DESCRIPTION).is_file()
    is_empty = out.is_dir() and not any(out.iterdir())
    if os.path.lexists(out) and not is_shard and not is_empty:
        raise OutputError(f"{out}: is there already and is not a shard: choose another place")


@contextmanager
def whole_folder(out: Path) -> Iterator[Path]:
    """Yield a temporary folder beside `out`; it takes the place of `out` if the block ends well, else it is removed.

    Raises:
        OutputError: the place is not writable, the disk is full, or another I/O error while writing.
    """
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}."))
    except OSError as e:
        raise OutputError(f"{out}: cannot be written ({e.strerror or e}): choose another place") from e
    try:
        yield temporary
        temporary.chmod(0o755)
        _flush(temporary)
        _take_place(temporary, out)
    except OSError as e:
        raise OutputError(f"{out}: cannot be written ({e.strerror or e}): nothing was left behind") from e
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _flush(folder: Path) -> None:
    for path in (p for p in folder.rglob("*") if p.is_file()):
        with path.open("rb") as file:
            os.fsync(file.fileno())


def _take_place(temporary: Path, out: Path) -> None:
    """Rename; a folder that is in the way is set aside first and comes back if the rename fails."""
    if not out.exists():
        temporary.rename(out)
        return
    aside = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}.old."))
    out.rename(aside / out.name)
    try:
        temporary.rename(out)
    except OSError:
        (aside / out.name).rename(out)
        raise
    finally:
        with suppress(OSError):
            shutil.rmtree(aside)
