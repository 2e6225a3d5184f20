"""Lessons: pictures from life with what the teacher sees in them, looked at anew in every draw."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from export.train.embedder.pools import Cuts
from export.train.embedder.teacher import Teacher
from export.train.embedder.varying import Variety, varied

TO_FIT = 480
MORE_ZOOM, MORE_SHIFT = 0.2, 0.1
FIT_SEED = 5


class School:
    """A teacher and the pictures that it looks at.

    Attributes:
        cuts: pictures from life.
        teacher: on the device of the pictures.
    """

    def __init__(self, cuts: Cuts, teacher: Teacher) -> None:
        self.cuts, self.teacher = cuts, teacher
        shown = cuts.draw(TO_FIT, np.random.default_rng(FIT_SEED))
        self.teacher.fit(varied(shown, teacher.size, Variety()))

    @torch.no_grad()
    def lesson(
        self, count: int, size: int, variety: Variety, rng: np.random.Generator, mirrored: bool
    ) -> tuple[Tensor, list[Tensor]]:
        """Draw pictures in two variations each, and let the teacher look at the first.

        Args:
            count: how many.
            size: side of the pupil's pictures in pixels.
            variety: of photos; lessons are zoomed and shifted more.
            rng: chooses the pictures.
            mirrored: mirror them all.

        Returns:
            Pictures (2 count, 3, size, size) in -1..1, all first variations before all second ones, and the teacher's
            five maps (count, kept, h, w) of the first.
        """
        pictures = self.cuts.draw(count, rng)
        variety = replace(variety, zoom=max(variety.zoom, MORE_ZOOM), shift=max(variety.shift, MORE_SHIFT))
        large = varied(pictures, self.teacher.size, variety)
        second = varied(pictures, size, variety)
        if mirrored:
            large, second = large.flip(3), second.flip(3)
        with torch.autocast(large.device.type, torch.bfloat16):
            taught = self.teacher.maps(large.contiguous(memory_format=torch.channels_last))
        first = functional.interpolate(large, (size, size), mode="bilinear", antialias=True)
        return torch.cat([first, second]), taught
