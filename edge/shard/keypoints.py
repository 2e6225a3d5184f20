"""The keypoint pack: what the second look needs of each view, beside the thumbnails and as optional.

An entry is a row of keypoints of 28 bytes each; `edge.keypoints.Keypoints.from_bytes` reads it.
"""

from __future__ import annotations

from edge.shard.pack import PackKind

MAX_KEYPOINT_BYTES = 8400
DEFAULT_KEYPOINT_BYTES = 4200
KEYPOINT_PACK = PackKind("keypoints", "keypoint", "rows", schema=1)
