"""The keypoint pack of a catalogue: what `edge.second_look` compares crops with."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from edge.errors import ArtefactRefused, MediaError
from edge.media.pictures import read_picture
from edge.shard import Shard
from edge.sift import VIEW_SIDE, find_keypoints

MOST = 1000


def keypoint_entries(views: Iterable[tuple[int, Path]], max_bytes: int, old: Shard | None) -> dict[int, bytes]:
    """Return an entry for each view by its key; those of the old shard are carried over.

    Args:
        views: key and picture of each view.
        max_bytes: greatest length of an entry; the strongest keypoints are kept.
        old: the shard that is updated.

    Raises:
        MissingExtra: OpenCV is not installed.
    """
    entries: dict[int, bytes] = {}
    for key, picture in views:
        entry = _old_entry(old, key, max_bytes)
        try:
            entry = entry or find_keypoints(read_picture(str(picture)), VIEW_SIDE, MOST).to_bytes(max_bytes)
        except MediaError:
            continue  # its view was carried over and its vector is good, so only this evidence is missing
        entries[key] = entry
    return entries


def _old_entry(old: Shard | None, key: int, max_bytes: int) -> bytes | None:
    try:
        entry = old.keypoints.get(key) if old is not None and old.keypoints is not None else None
    except ArtefactRefused:
        return None
    return entry if entry is not None and len(entry) <= max_bytes else None
