"""A sheet of packaging to draw on, in relative units.

Coordinates run from 0 to 1 across the width and down the height, so that one
layout serves every size of print. ``Box`` is (x0, y0, x1, y1) in those units.

Example:
    >>> import numpy as np
    >>> from export.render.palette import random_palette
    >>> rng = np.random.default_rng(0)
    >>> sheet = Sheet.blank(120, 200, random_palette(rng), rng)
    >>> sheet.rectangle((0.1, 0.1, 0.9, 0.3), (250, 20, 20))
    >>> sheet.pixels().shape
    (200, 120, 3)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from export.render.palette import Colour, Palette

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Sheet:
    """A picture being drawn, its palette and the random numbers of its design."""

    image: Image.Image
    draw: ImageDraw.ImageDraw
    palette: Palette
    rng: np.random.Generator

    @classmethod
    def blank(cls, width: int, height: int, palette: Palette, rng: np.random.Generator) -> Sheet:
        """Return a sheet of ``width`` x ``height`` pixels filled with the palette's ground."""
        image = Image.new("RGB", (width, height), palette.ground)
        return cls(image, ImageDraw.Draw(image), palette, rng)

    @property
    def aspect(self) -> float:
        """Width over height."""
        return self.image.width / self.image.height

    def pixels(self) -> NDArray[np.uint8]:
        """Return the drawing as (H, W, 3) uint8 RGB."""
        return np.asarray(self.image, dtype=np.uint8)

    def place(self, box: Box) -> tuple[int, int, int, int]:
        """Return a relative box in whole pixels, at least one pixel wide and high."""
        width, height = self.image.size
        x0, y0 = round(box[0] * width), round(box[1] * height)
        return x0, y0, max(round(box[2] * width), x0 + 1), max(round(box[3] * height), y0 + 1)

    def points(self, relative: NDArray[np.float64]) -> list[tuple[float, float]]:
        """Return relative points (n, 2) as pixels for Pillow."""
        scaled = relative * np.array(self.image.size, dtype=np.float64)
        return [(float(x), float(y)) for x, y in scaled]

    def rectangle(self, box: Box, colour: Colour, radius: float = 0.0) -> None:
        """Fill a rectangle; ``radius`` rounds its corners, in shares of the shorter side."""
        x0, y0, x1, y1 = self.place(box)
        corner = radius * min(x1 - x0, y1 - y0)
        self.draw.rounded_rectangle((x0, y0, x1 - 1, y1 - 1), corner, fill=colour)

    def ellipse(self, box: Box, colour: Colour) -> None:
        """Fill an ellipse."""
        x0, y0, x1, y1 = self.place(box)
        self.draw.ellipse((x0, y0, x1 - 1, y1 - 1), fill=colour)

    def circle(self, centre_x: float, centre_y: float, radius: float, colour: Colour) -> None:
        """Fill a true circle; ``radius`` is in shares of the width."""
        tall = radius * self.aspect
        self.ellipse((centre_x - radius, centre_y - tall, centre_x + radius, centre_y + tall), colour)

    def polygon(self, relative: NDArray[np.float64], colour: Colour) -> None:
        """Fill a polygon of relative points (n, 2)."""
        self.draw.polygon(self.points(relative), fill=colour)

    def line(self, relative: NDArray[np.float64], colour: Colour, width: float) -> None:
        """Draw a polyline; ``width`` is in shares of the sheet's width."""
        self.draw.line(self.points(relative), fill=colour, width=self.stroke(width), joint="curve")

    def stroke(self, width: float) -> int:
        """Return a line width given in shares of the sheet's width as pixels, at least one."""
        return max(1, round(width * self.image.width))
