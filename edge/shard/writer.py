"""Writing a shard so that it is either whole or not there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from edge.errors import ArtefactRefused
from edge.files import whole_folder
from edge.shard.calibration import read_calibration, write_calibration
from edge.shard.columns import Columns, write_column
from edge.shard.description import DESCRIPTION, ShardDescription, column_names
from edge.shard.keypoints import KEYPOINT_PACK
from edge.shard.pack import write_pack
from edge.shard.thumbnails import THUMBNAILS, write_thumbnails

KIND = "shard"


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
    with whole_folder(out, DESCRIPTION, KIND) as folder:
        written = tuple(write_column(folder, name, columns[name]) for name in column_names())
        views, ndim = columns["vectors"].shape
        description = ShardDescription(catalog, version, space_id, ndim, views, len(columns["in_stock"]), written)
        description.require_valid(str(out / DESCRIPTION))
        (folder / DESCRIPTION).write_text(json.dumps(description.to_json(), indent=1) + "\n", encoding="utf-8")
        if thumbnails is not None:
            write_thumbnails(folder / THUMBNAILS, thumbnails)
        if keypoints is not None:
            write_pack(folder / KEYPOINT_PACK.folder, KEYPOINT_PACK, keypoints)
        _carry_calibration(out, folder, description)
    return description


def _carry_calibration(old: Path, new: Path, description: ShardDescription) -> None:
    """Keep the calibration of a shard that is written again with the content that it was made for."""
    with suppress(ArtefactRefused):
        calibration = read_calibration(old)
        if calibration is not None and calibration.shard == description.sha256:
            write_calibration(new, calibration)
