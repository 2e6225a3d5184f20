"""Cut-outs from photos: off a white background, or out of a labelled box.

The second way follows Rother et al. 2004, GrabCut (ACM Transactions on Graphics 23). What comes out implausible (too
little or too much of the box) is dropped rather than pasted.
"""

from __future__ import annotations

import numpy as np

from edge.detections import Float32s
from edge.geometry import iou
from export.render.opencv import cv2
from export.train.detector.samples import ImageArray, Sample
from export.train.detector.scenes import Cutout, Mask

WHITE, PLAUSIBLE = 244, (0.35, 0.97)


def off_white(packshot: ImageArray) -> Cutout | None:
    """Cut a product off the white around it; white inside the product stays.

    Args:
        packshot: (H, W, 3) uint8 RGB.

    Returns:
        (h, w, 4) tight cut-out, or None where nothing is left.
    """
    height, width = packshot.shape[:2]
    light = (packshot.min(axis=2) >= WHITE).astype(np.uint8)
    framed = np.pad(light, 1, constant_values=1)
    cv2.floodFill(framed, None, (0, 0), 2)
    inside = (framed[1:-1, 1:-1] != 2).astype(np.uint8) * 255
    inside = cv2.erode(inside, np.ones((3, 3), np.uint8))
    return tight(packshot, inside.reshape(height, width))


def outline(sample: Sample, row: int) -> Mask | None:
    """Find the pixels of the object of one labelled box.

    Args:
        sample: a picture with boxes.
        row: which box.

    Returns:
        (H, W) 0 and 255, or None where the cut is implausible or another box overlaps.
    """
    height, width = sample.image.shape[:2]
    x0, y0, x1, y1 = (int(v) for v in np.round(sample.xyxy[row]))
    if min(x1 - x0, y1 - y0) < 24 or _overlapped(sample.xyxy, row):
        return None
    pad = max(8, (x1 - x0 + y1 - y0) // 8)
    left, top = max(x0 - pad, 0), max(y0 - pad, 0)
    region = np.ascontiguousarray(sample.image[top : min(y1 + pad, height), left : min(x1 + pad, width)])
    mask = np.full(region.shape[:2], cv2.GC_BGD, np.uint8)
    mask[y0 - top : y1 - top, x0 - left : x1 - left] = cv2.GC_PR_FGD
    if (mask == cv2.GC_BGD).mean() < 0.05:
        return None
    cv2.setRNGSeed(0)
    cv2.grabCut(region, mask, None, np.zeros((1, 65)), np.zeros((1, 65)), 5, cv2.GC_INIT_WITH_MASK)
    inside = np.isin(mask, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8) * 255
    inside = _largest(cv2.morphologyEx(inside, cv2.MORPH_CLOSE, np.ones((7, 7), np.uint8)))
    share = np.count_nonzero(inside) / ((x1 - x0) * (y1 - y0))
    if not PLAUSIBLE[0] <= share <= PLAUSIBLE[1]:
        return None
    whole = np.zeros((height, width), np.uint8)
    whole[top : top + inside.shape[0], left : left + inside.shape[1]] = inside
    return whole


def out_of_box(sample: Sample, row: int) -> Cutout | None:
    """Cut the object of one labelled box out of its picture: (h, w, 4) tight cut-out, or None as `outline` says."""
    mask = outline(sample, row)
    return None if mask is None else tight(sample.image, mask)


def _overlapped(xyxy: Float32s, row: int) -> bool:
    return bool((np.delete(iou(xyxy[row : row + 1], xyxy)[0], row) > 0.02).any())


def _largest(mask: Mask) -> Mask:
    """Keep the largest connected part, and fill its holes."""
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    filled = np.zeros_like(mask)
    if outlines:
        cv2.drawContours(filled, [max(outlines, key=cv2.contourArea)], -1, 255, cv2.FILLED)
    return filled


def tight(image: ImageArray, alpha: Mask) -> Cutout | None:
    """Join a picture and its mask, and crop to the mask: (h, w, 4), or None where next to nothing is left."""
    columns, rows = np.flatnonzero(alpha.any(axis=0)), np.flatnonzero(alpha.any(axis=1))
    if columns.size < 8 or rows.size < 8:
        return None
    whole = np.dstack([image, alpha])
    return np.ascontiguousarray(whole[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
