"""Detector families: how the raw outputs of a model become boxes.

A family is one file with a pure `decode` and one line in `FAMILIES`. A decoder turns arrays into candidate boxes in
pixels of the model's input, drops what is below the score threshold, and leaves overlap suppression and the way back
to the picture to `edge.detector`, which are the same for all.

    >>> FAMILIES["yolox"].decode(outputs, decoding)
    Detections(n=12)
"""

from __future__ import annotations

from edge.decoders import fcos
from edge.decoders.family import Decoding, Family

FAMILIES: dict[str, Family] = {family.name: family for family in (fcos.FAMILY,)}

__all__ = ["FAMILIES", "Decoding", "Family"]
