"""Invented products of the benchmark: names, colours, bodies, and sisters that differ in little.

Nothing here is shared with `export.render`, whose products the packaged models were trained on: other names, other
artwork, other bodies, other letters.

>>> assortment(seed=1, singles=2, pairs=1)[0].title
'...'
"""

from __future__ import annotations

import colorsys
from dataclasses import dataclass, replace

import numpy as np

Colour = tuple[int, int, int]
BODIES = ("drum", "flask", "tub", "hexbox", "brick", "tower", "pillow", "spray", "pyramid", "cube")
MOTIFS = ("halftone", "swell", "rosette", "shards", "rays", "berries", "plaid", "rings")

_STARTS = ("Va", "Mo", "Qui", "Ser", "Lun", "Tor", "Bel", "Kri", "Os", "Pha", "Dri", "Yel", "Nor", "Zub", "Hal", "Ek")
_ENDS = ("rado", "ska", "mint", "vella", "gor", "nique", "thal", "pomo", "wick", "lio", "zen", "bury", "dass", "ffe")
_KINDS = ("Rye Crisps", "Cold Brew", "Lentils", "Hand Soap", "Granola", "Chamomile", "Cocoa", "Sea Salt", "Rice Flour")
_VARIETIES = ("Original", "Dark", "Mild", "Smoked", "Lime", "Ginger", "Honey", "Plum", "Mint", "Pepper", "Fig", "Light")


@dataclass(frozen=True)
class Design:
    """What a product looks like.

    Attributes:
        artwork: decides motif, layout and letters.
        body: one of `BODIES`.
        colours: ground, motif, second motif colour, letters.
        brand: the large word.
        kind: what it is.
        variety: the word in which sisters differ.
    """

    artwork: int
    body: str
    colours: tuple[Colour, Colour, Colour, Colour]
    brand: str
    kind: str
    variety: str


@dataclass(frozen=True)
class Product:
    """A product of the benchmark; `sister_of` names the product that it can be mistaken for."""

    product_id: str
    design: Design
    sister_of: str | None = None

    @property
    def title(self) -> str:
        """What a person reads."""
        return f"{self.design.brand} {self.design.kind} {self.design.variety}"


def assortment(seed: int, singles: int, pairs: int, prefix: str = "p") -> tuple[Product, ...]:
    """Return `singles + 2 * pairs` products; the two of a pair share everything but colours and one word.

    Args:
        seed: other seeds give other products.
        singles: products that stand alone.
        pairs: pairs of sisters; the second one follows the first.
        prefix: of the product ids.
    """
    rng = np.random.default_rng([seed, 501])
    products: list[Product] = []
    for number in range(singles + pairs):
        first = Product(f"{prefix}{len(products):02}", _design(rng, number))
        products.append(first)
        if number >= singles:
            design = _sister(first.design, rng)
            products.append(Product(f"{prefix}{len(products):02}", design, first.product_id))
    return tuple(products)


def sister(product: Product, product_id: str, seed: int) -> Product:
    """Return another variety of a product, as a maker sells beside it."""
    rng = np.random.default_rng([seed, 502])
    return Product(product_id, _sister(product.design, rng), product.product_id)


def _design(rng: np.random.Generator, number: int) -> Design:
    varieties = rng.permutation(_VARIETIES)
    return Design(
        artwork=int(rng.integers(1 << 30)),
        body=BODIES[(number + int(rng.integers(3))) % len(BODIES)],
        colours=_colours(rng),
        brand=str(rng.choice(_STARTS)) + str(rng.choice(_ENDS)),
        kind=str(rng.choice(_KINDS)),
        variety=str(varieties[0]),
    )


def _sister(design: Design, rng: np.random.Generator) -> Design:
    """Return the design with another variety: its motif's colours turn by a tenth to almost a half of their circle."""
    ground, first, second, ink = design.colours
    turn = float(rng.uniform(0.1, 0.45))
    varieties = [variety for variety in _VARIETIES if variety != design.variety]
    colours = (ground, _turned(first, turn), _turned(second, turn), ink)
    return replace(design, colours=colours, variety=str(rng.choice(varieties)))


def _colours(rng: np.random.Generator) -> tuple[Colour, Colour, Colour, Colour]:
    hue = float(rng.random())
    dark = rng.random() < 0.35
    pale = rng.random() < 0.4
    value = rng.uniform(0.15, 0.4) if dark else rng.uniform(0.8, 0.97)
    ground = _rgb(hue, 0.12 if pale else rng.uniform(0.45, 0.9), value)
    other = hue + float(rng.choice([0.08, 0.33, 0.5, 0.6]))
    first = _rgb(other, rng.uniform(0.5, 0.95), rng.uniform(0.55, 0.95))
    second = _rgb(other + 0.12, rng.uniform(0.3, 0.9), rng.uniform(0.4, 0.95))
    bright = sum(ground) > 380
    ink = _rgb(hue + 0.5, 0.6, 0.16) if bright else _rgb(hue, 0.1, 0.97)
    return ground, first, second, ink


def _rgb(hue: float, saturation: float, value: float) -> Colour:
    red, green, blue = colorsys.hsv_to_rgb(hue % 1, float(saturation), float(value))
    return round(red * 255), round(green * 255), round(blue * 255)


def _turned(colour: Colour, turn: float) -> Colour:
    hue, saturation, value = colorsys.rgb_to_hsv(*(part / 255 for part in colour))
    return _rgb(hue + turn, max(saturation, 0.35), value)
