"""Picture in, `Detections` out: preprocessing, the model, its family's decoder, suppression, back to the picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edge.decoders import FAMILIES, Decoding
from edge.detections import Detections
from edge.errors import ModelError
from edge.geometry import area, clip_xyxy, nms
from edge.inference import Session
from edge.preprocessing import ImageArray, Preprocessing


@dataclass(frozen=True)
class Detector:
    """A detector that is ready to run.

    Attributes:
        session: the loaded model.
        preprocessing: how a picture becomes its input.
        decoding: how its outputs become boxes.
    """

    session: Session
    preprocessing: Preprocessing
    decoding: Decoding

    def detect(self, image: ImageArray) -> Detections:
        """Find the objects of one picture.

        Args:
            image: (H, W, 3) uint8 RGB.

        Returns:
            Detections in pixels of the picture, clipped to it, none without area, most confident first.

        Raises:
            ModelError: the model failed, or gave values that are not numbers.
        """
        tensor, placement = self.preprocessing.apply(image)
        outputs = self.session.run({self.session.inputs[0].name: tensor})
        candidates = FAMILIES[self.decoding.family].decode(outputs, self.decoding, self.preprocessing.size_wh)
        if not np.isfinite(candidates.xyxy).all():
            raise ModelError("the detector gave boxes that are not finite numbers: check its preprocessing")
        kept = nms(candidates.xyxy, candidates.confidence, self.decoding.iou_threshold)
        found = candidates[kept[: self.decoding.max_detections]]
        xyxy = clip_xyxy(placement.to_source(found.xyxy), (image.shape[1], image.shape[0]))
        return found.with_xyxy(xyxy)[area(xyxy) > 0]
