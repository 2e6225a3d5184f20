"""Cut detected objects out of a picture."""

from __future__ import annotations

import numpy as np

from edge.detections import Float32s
from edge.geometry import clip_xyxy
from edge.preprocessing import ImageArray


def cut_crops(image: ImageArray, xyxy: Float32s, margin: float = 0.0) -> list[ImageArray]:
    """Cut one crop for each box.

    Args:
        image: (H, W, 3) uint8 RGB.
        xyxy: (n, 4) boxes in pixels of the picture; they may reach over its border.
        margin: each side of a box is moved outwards by this share of the box's width or height, 0..1.

    Returns:
        n views into the picture (no copies), each at least 1x1 pixel, clipped to the picture.
    """
    height, width = image.shape[:2]
    side = np.tile(xyxy[:, 2:] - xyxy[:, :2], 2) * np.array([-margin, -margin, margin, margin], np.float32)
    boxes = clip_xyxy(xyxy + side, (width, height))
    crops = []
    for x0, y0, x1, y1 in boxes:
        left, top = min(int(np.floor(x0)), width - 1), min(int(np.floor(y0)), height - 1)
        right, bottom = max(int(np.ceil(x1)), left + 1), max(int(np.ceil(y1)), top + 1)
        crops.append(image[top:bottom, left:right])
    return crops
