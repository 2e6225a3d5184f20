"""Picture in, `Detections` out: preprocessing, the model, its family's decoder, suppression, back to the picture."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from edge.decoders import FAMILIES, Decoding
from edge.decoders.family import Outputs
from edge.detections import Detections
from edge.errors import ModelError
from edge.geometry import area, clip_xyxy, nms
from edge.inference import Session
from edge.pixel_values import PixelValues
from edge.preprocessing import ImageArray, Placement, Preprocessing

CONFIDENCE_TOLERANCE = 0.01
"""Half precision and quantization may round a confidence to slightly above 1."""


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
        candidates, placement = self.candidates(image)
        return self.suppress(candidates, placement, (image.shape[1], image.shape[0]))

    def with_threshold(self, score_threshold: float) -> Detector:
        """Return a detector of the same model that finds everything from this confidence on."""
        return replace(self, decoding=replace(self.decoding, score_threshold=score_threshold))

    def with_input(self, share: float) -> Detector | None:
        """Return a detector with a smaller input, or None where the model takes one size only.

        Args:
            share: of both sides, above 0, at most 1; they become multiples of 32, which every family's strides divide.
        """
        shape = self.session.inputs[0].shape
        sides = shape[2:] if self.preprocessing.layout == "NCHW" else shape[1:3]
        if any(side is not None for side in sides):
            return None
        width, height = (max(32, round(side * share / 32) * 32) for side in self.preprocessing.size_wh)
        return replace(self, preprocessing=replace(self.preprocessing, size_wh=(width, height)))

    def candidates(self, image: ImageArray) -> tuple[Detections, Placement]:
        """Return everything at or above the score threshold, not yet suppressed, in the order of the model's outputs.

        Args:
            image: (H, W, 3) uint8 RGB.

        Returns:
            Detections in pixels of the model's input, and where the picture lies in it.

        Raises:
            ModelError: the model failed, or gave values that are not numbers.
        """
        tensor, placement = self.preprocessing.feed(image, self._values)
        return self._decode(self.session.run({self.session.inputs[0].name: tensor})), placement

    def suppress(self, candidates: Detections, placement: Placement, resolution_wh: tuple[int, int]) -> Detections:
        """Keep the most confident of overlapping candidates, in pixels of the picture, clipped, none without area."""
        kept = nms(
            candidates.xyxy, candidates.confidence, self.decoding.iou_threshold, limit=self.decoding.max_detections
        )
        found = candidates[kept]
        xyxy = clip_xyxy(placement.to_source(found.xyxy), resolution_wh)
        return found.with_xyxy(xyxy)[area(xyxy) > 0]

    @cached_property
    def _values(self) -> PixelValues:
        return self.preprocessing.pixel_values(self.session.inputs[0])

    def _decode(self, outputs: Outputs) -> Detections:
        for role, name in self.decoding.outputs.items():
            if name not in outputs:
                raise ModelError(f"the detector has no output {name!r} ({role}), it has {sorted(outputs)}")
            if np.isnan(outputs[name]).any():
                raise ModelError(
                    f"the detector's output {name!r} holds values that are not numbers: check its preprocessing"
                )
        family = FAMILIES[self.decoding.family]
        try:
            with np.errstate(invalid="raise"):
                found = family.decode(outputs, self.decoding, self.preprocessing.size_wh)
        except FloatingPointError as e:
            raise ModelError("the detector's outputs hold values that are not finite: check its preprocessing") from e
        except (KeyError, IndexError, ValueError) as e:
            raise ModelError(f"the detector's outputs are not of the family {family.name}: {e}") from e
        return _checked(found)


def _checked(found: Detections) -> Detections:
    if not np.isfinite(found.xyxy).all():
        raise ModelError("the detector gave boxes that are not finite numbers: check its preprocessing")
    highest = float(found.confidence.max(initial=0))
    if highest > 1 + CONFIDENCE_TOLERANCE:
        raise ModelError(
            f"the detector gave a confidence of {highest:.3g}, above 1: check its family and preprocessing"
        )
    return Detections(found.xyxy, np.minimum(found.confidence, 1), found.class_id)
