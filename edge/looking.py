"""One look at one picture: detect, cut, embed, search; of a photo, the main object first.

>>> look(kit, frame, source.resolution_wh, Stopwatch(), still=True)[0].candidates[0].product_id
'oat-drink-1l'
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edge.crops import cut_crops
from edge.detections import Detections, Float32s
from edge.embedder import l2_normalize
from edge.kit import Kit
from edge.media.frame import Frame
from edge.preprocessing import ImageArray
from edge.prominence import by_prominence, is_aimed_at, middle_box, surroundings
from edge.shard.vectors import Int8s, quantize
from edge.stopwatch import Stopwatch
from edge.tags import Box, Candidate


@dataclass(frozen=True)
class Sighting:
    """One object in one frame.

    Attributes:
        timestamp_s: seconds from the start of the source.
        xyxy: box in pixels of the source as it is shown.
        confidence: the detector's, 0..1.
        crop: (h, w, 3) uint8 RGB.
        candidates: products, best first; empty where the catalogue is.
        vector: int8 (ndim,), what was searched with.
    """

    timestamp_s: float
    xyxy: Box
    confidence: float
    crop: ImageArray
    candidates: tuple[Candidate, ...]
    vector: Int8s | None = None


@dataclass(frozen=True)
class Objects:
    """What was found in one picture, row by row.

    Attributes:
        detections: (n,) boxes in pixels of the picture that was looked at; of a photo, the main object first.
        crops: n pictures, one of each object.
        looked_at: n pictures that the second look sees: the crops, but of a photo's main object its surroundings.
        embeddings: float32 (n, ndim), each row of length 1.
    """

    detections: Detections
    crops: list[ImageArray]
    looked_at: list[ImageArray]
    embeddings: Float32s


def look(
    kit: Kit, frame: Frame, resolution_wh: tuple[int, int], watch: Stopwatch, still: bool = False
) -> list[Sighting]:
    """Look at one frame: with `find_objects`, every arrow of the pipeline is a line here.

    Args:
        kit: models and catalogue.
        frame: the picture; a very large one may have been read at a smaller size.
        resolution_wh: size of the source as it is shown; boxes are given in its pixels.
        watch: gathers where the time goes.
        still: whether it is a photo, which has a main object, and of which no better frame will follow.

    Returns:
        One sighting for each object that the detector found; of a photo, the main object first.
    """
    found = find_objects(kit, frame.image, watch, still)
    with watch.lap("search"):
        named = kit.search(found.embeddings)
        if still:
            named = [kit.reconsider(*one) for one in zip(found.looked_at, named, strict=True)]
    xyxy = found.detections.xyxy * (resolution_wh[0] / frame.image.shape[1])
    confidence, vectors = found.detections.confidence, quantize(found.embeddings)
    return [
        Sighting(
            frame.timestamp_s, box_of(xyxy[row]), float(confidence[row]), found.crops[row], candidates, vectors[row]
        )
        for row, candidates in enumerate(named)
    ]


def find_objects(kit: Kit, image: ImageArray, watch: Stopwatch, still: bool) -> Objects:
    """Detect, cut and embed; see `look`.

    Args:
        kit: models and catalogue.
        image: (H, W, 3) uint8 RGB.
        watch: gathers where the time goes.
        still: whether it is a photo.
    """
    size_wh = image.shape[1], image.shape[0]
    with watch.lap("detect"):
        detections = kit.detector.detect(image)
    if still:
        detections = by_prominence(detections, size_wh)
    aimed_at = still and len(detections) > 0 and is_aimed_at(detections.xyxy[0], size_wh)
    crops = looked_at = cut_crops(image, detections.xyxy, kit.bundle.embedder.crop_margin)
    with watch.lap("embed"):
        embeddings = kit.embedder.embed(crops)
        if aimed_at:
            middle = kit.embedder.embed(cut_crops(image, middle_box(size_wh)))
            embeddings = np.concatenate([l2_normalize(embeddings[:1] + middle), embeddings[1:]])
    if aimed_at:
        looked_at = [*cut_crops(image, surroundings(detections.xyxy[0], size_wh)), *crops[1:]]
    return Objects(detections, crops, looked_at, embeddings)


def box_of(xyxy: npt.NDArray[np.floating]) -> Box:
    """Return a row of boxes as plain numbers."""
    x0, y0, x1, y1 = (float(v) for v in xyxy)
    return x0, y0, x1, y1
