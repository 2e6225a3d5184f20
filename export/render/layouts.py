"""What all layouts are put together from: the brand, the flavour, the foot line.

A layout is a function that draws the front of a packaging on a sheet. The
layouts of the training world are in ``training_layouts``, those of the demo
world in ``demo_layouts``; neither imports the other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from export.render.lettering import BOLD, PLAIN, print_word
from export.render.motifs import MOTIFS
from export.render.palette import Colour, hsv, readable_on
from export.render.products import Product
from export.render.sheet import Box, Sheet


@dataclass(frozen=True)
class Front:
    """A sheet to be filled with the front of one product."""

    sheet: Sheet
    product: Product

    def brand(self, box: Box, colour: Colour, *, turned: bool = False, outline: Colour | None = None) -> Box:
        """Print the brand in the face of the family."""
        face = self.product.design.face
        return print_word(self.sheet, self.product.brand, box, colour, face, turned=turned, outline=outline)

    def name(self, box: Box, colour: Colour, *, align: float = 0.5, turned: bool = False) -> None:
        """Print the name of the good."""
        print_word(self.sheet, self.product.name, box, colour, BOLD, align=align, turned=turned)

    def flavour(self, box: Box, colour: Colour, *, align: float = 0.5) -> None:
        """Print the flavour."""
        print_word(self.sheet, self.product.flavour.name, box, colour, PLAIN, align=align)

    def flavour_strip(self, box: Box) -> None:
        """Print the flavour on a strip of the accent colour."""
        x0, y0, x1, y1 = box
        accent = self.sheet.palette.accent
        self.sheet.rectangle(box, accent, 0.3 if self.product.design.family_seed % 2 else 0.0)
        inset = 0.2 * (y1 - y0)
        print_word(
            self.sheet,
            self.product.flavour.name,
            (x0 + 0.03, y0 + inset, x1 - 0.03, y1 - inset),
            readable_on(accent),
            BOLD,
        )

    def motif(self, x: float, y: float, radius: float) -> None:
        """Draw the motif of the flavour in its own colour."""
        MOTIFS[self.product.flavour.motif](self.sheet, x, y, radius, self.motif_colour())

    def motif_colour(self) -> Colour:
        """Return the natural colour of the flavour, varied a little by family."""
        shade = (self.product.design.family_seed % 7) / 7
        return hsv(self.product.flavour.hue, 0.65 + 0.3 * shade, 0.92 - 0.3 * shade)

    def foot(self, box: Box, colour: Colour) -> None:
        """Print the size at the left and the claim at the right of a line."""
        x0, y0, x1, y1 = box
        half = 0.45 * (x1 - x0)
        print_word(self.sheet, self.product.size, (x0, y0, x0 + half, y1), colour, BOLD, align=0.0)
        print_word(self.sheet, self.product.claim, (x1 - half, y0, x1, y1), colour, PLAIN, align=1.0)


Layout = Callable[[Front], None]
