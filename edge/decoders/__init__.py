"""Detector families: how the raw outputs of a model become boxes.

A family is one file with a pure `decode` and one line in `FAMILIES`. A decoder turns arrays into candidate boxes in
pixels of the model's input, drops what is below the score threshold, and leaves overlap suppression and the way back
to the picture to `edge.detector`, which are the same for all.

    >>> FAMILIES["yolox"].decode(outputs, decoding)
    Detections(n=12)
"""

from __future__ import annotations

from collections.abc import Sequence

from edge.decoders import (
    decoded_boxes,
    detr,
    end_to_end,
    fastestdet,
    fcos,
    gfl,
    nanodet_plus,
    nms_outputs,
    ssd_raw,
    tflite_postprocess,
    yolov5,
    yolov8,
    yolox,
    yunet,
)
from edge.decoders.family import Decoding, Family, Recognised
from edge.inference import TensorSpec

FAMILIES: dict[str, Family] = {
    family.name: family
    for family in (
        fcos.FAMILY,
        yolox.FAMILY,
        fastestdet.FAMILY,
        decoded_boxes.FAMILY,
        yunet.FAMILY,
        gfl.FAMILY,
        nanodet_plus.FAMILY,
        yolov8.FAMILY,
        yolov5.FAMILY,
        end_to_end.FAMILY,
        nms_outputs.FAMILY,
        tflite_postprocess.FAMILY,
        ssd_raw.FAMILY,
        detr.FAMILY,
    )
}


def recognise(inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec]) -> Recognised | None:
    """Return the reading of the first family that knows these inputs and outputs, or None."""
    readings = (family.recognise(inputs, outputs) for family in FAMILIES.values())
    return next((reading for reading in readings if reading is not None), None)


__all__ = ["FAMILIES", "Decoding", "Family", "Recognised", "recognise"]
