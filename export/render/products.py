"""Invented products: who they are and what their packaging is made of.

A product is a small frozen value; its pictures follow from it alone. Products
come in families: one brand, one layout, one kind of packaging, several
flavours, so that look-alikes exist.

There are two worlds that share nothing but the drawing tools: their brands
come from different vocabularies, their layouts from different grammars and
their seeds from different spaces (``World``). What is trained on
``training_product`` has therefore never seen a demo product.

Example:
    >>> import numpy as np
    >>> catalogue = demo_products(8)
    >>> len({product.product_id for product in catalogue})
    8
    >>> training_product(np.random.default_rng(0)).world
    'training'
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from export.render.lettering import Face, random_face
from export.render.palette import Palette, random_palette, recolour
from export.render.words import DEMO_WORDS, TRAINING_WORDS, Flavour, Vocabulary

World = Literal["demo", "training"]
Packaging = Literal["carton", "can", "bottle", "box", "bag", "jar", "tube", "card"]
PACKAGINGS: tuple[Packaging, ...] = ("carton", "can", "bottle", "box", "bag", "jar", "tube", "card")

DEMO_LAYOUTS = ("arch", "ribbon", "medallion", "sunrise", "stamp")
TRAINING_LAYOUTS = ("bands", "diagonal", "plaque", "hero", "stack", "spine", "frame", "quarters", "collage", "plain")

_FAMILIES_PER_SEED = 10_000

WORDS: dict[World, Vocabulary] = {"demo": DEMO_WORDS, "training": TRAINING_WORDS}
LAYOUTS: dict[World, tuple[str, ...]] = {"demo": DEMO_LAYOUTS, "training": TRAINING_LAYOUTS}

_SIZES: dict[Packaging, tuple[str, ...]] = {
    "carton": ("1 L", "500 ml", "1.5 L"),
    "can": ("330 ml", "400 g"),
    "bottle": ("750 ml", "500 ml"),
    "box": ("375 g", "20 pcs"),
    "bag": ("150 g", "250 g"),
    "jar": ("340 g", "280 g"),
    "tube": ("75 ml", "100 ml"),
    "card": ("48 p", "A5"),
}
# width, height, depth of each packaging in units of its height
_PROPORTIONS: dict[Packaging, tuple[float, float, float]] = {
    "carton": (0.40, 1.0, 0.38),
    "can": (0.42, 1.0, 0.42),
    "bottle": (0.36, 1.0, 0.36),
    "box": (0.68, 1.0, 0.24),
    "bag": (0.72, 1.0, 0.2),
    "jar": (0.56, 1.0, 0.56),
    "tube": (0.36, 1.0, 0.2),
    "card": (0.70, 1.0, 0.01),
}


_CATEGORIES: dict[Packaging, str] = {
    "carton": "drinks",
    "can": "drinks",
    "bottle": "bottles",
    "box": "dry goods",
    "bag": "snacks",
    "jar": "spreads",
    "tube": "care",
    "card": "paper",
}


@dataclass(frozen=True)
class Design:
    """What decides the look of a packaging.

    ``family_seed`` fixes all that one family shares, ``variant_seed`` the little that differs;
    ``proportions`` are width, height and depth with height 1.
    """

    layout: str
    family_seed: int
    variant_seed: int
    palette: Palette
    face: Face
    proportions: tuple[float, float, float]


@dataclass(frozen=True)
class Product:
    """An invented product and how it is sold."""

    product_id: str
    world: World
    brand: str
    name: str
    flavour: Flavour
    claim: str
    size: str
    packaging: Packaging
    price: float
    currency: str
    region: str
    in_stock: bool
    design: Design

    @property
    def title(self) -> str:
        """Name as it stands in a catalogue."""
        return f"{self.brand} {self.name} {self.flavour.name} {self.size}"

    @property
    def category(self) -> str:
        """Department of the shop."""
        return _CATEGORIES[self.packaging]


def _seed(world: World, *parts: object) -> int:
    """Return a 63-bit seed; the world is hashed in, so that no two worlds ever share one by construction."""
    text = "/".join([world, *(str(part) for part in parts)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def family(world: World, number: int, size: int, packaging: Packaging | None = None) -> tuple[Product, ...]:
    """Make one family of look-alikes.

    Args:
        world: Whose words, layouts and seeds to use.
        number: Which family; the same number gives the same family.
        size: How many variants, 1 to the number of flavours of that world.
        packaging: Kind of packaging; drawn by chance when not given.

    Returns:
        The variants: same brand, name, layout and shape; other flavour, colour, motif and perhaps size.
    """
    rng = np.random.default_rng(_seed(world, "family", number))
    words = WORDS[world]
    kind: Packaging = PACKAGINGS[int(rng.integers(len(PACKAGINGS)))]
    kind = packaging or kind
    name, brand = str(rng.choice(words.goods[kind])), words.brand(rng)
    palette, face, subtle = random_palette(rng), random_face(rng), bool(rng.random() < 0.4)
    width, height, depth = _PROPORTIONS[kind]
    shape = (width * float(rng.uniform(0.85, 1.25)), height, depth * float(rng.uniform(0.85, 1.2)))
    layout = str(rng.choice(LAYOUTS[world]))
    base_price = float(rng.uniform(0.9, 9.5))
    flavours = rng.permutation(len(words.flavours))[:size]
    claim, sizes = str(rng.choice(words.claims)), _SIZES[kind]
    products = []
    for variant, choice in enumerate(flavours):
        flavour = words.flavours[int(choice)]
        colours = palette if variant == 0 and world == "training" else recolour(palette, flavour.hue, subtle=subtle)
        seed = _seed(world, "variant", number, variant)
        design = Design(layout, _seed(world, "design", number), seed, colours, face, shape)
        products.append(
            Product(
                product_id=f"{world}-{number:04d}-{variant}",
                world=world,
                brand=brand,
                name=name,
                flavour=flavour,
                claim=claim,
                size=sizes[variant % len(sizes)] if rng.random() < 0.3 else sizes[0],
                packaging=kind,
                price=round(base_price * float(rng.uniform(0.95, 1.1)), 2),
                currency=str(rng.choice(["EUR", "EUR", "SEK", "GBP"])) if world == "training" else "EUR",
                region=str(rng.choice(["eu", "eu", "uk"])),
                in_stock=bool(rng.random() < 0.9),
                design=design,
            )
        )
    return tuple(products)


def demo_products(count: int = 40, seed: int = 0) -> tuple[Product, ...]:
    """Make the demo catalogue: every packaging in turn, families of one to four look-alikes, no title twice.

    Args:
        count: Number of products.
        seed: Another seed gives another catalogue.

    Returns:
        ``count`` distinct products of the demo world; their ids are made from their titles.
    """
    return _catalogue(count, first_family=seed * _FAMILIES_PER_SEED)


def unlisted_products(count: int, seed: int = 0) -> tuple[Product, ...]:
    """Make products of the demo world that no demo catalogue of this seed lists: honest "no match" cases.

    Args:
        count: Number of products.
        seed: Seed of the catalogue that they stay out of.

    Returns:
        ``count`` products whose brand and name pairs do not occur in ``demo_products(40, seed)``.
    """
    listed = {(product.brand, product.name) for product in demo_products(40, seed)}
    return _catalogue(count, first_family=seed * _FAMILIES_PER_SEED + _FAMILIES_PER_SEED // 2, avoided=listed)


def _catalogue(
    count: int, first_family: int, avoided: Collection[tuple[str, str]] = frozenset()
) -> tuple[Product, ...]:
    products: list[Product] = []
    lines = set(avoided)
    number = first_family
    while len(products) < count:
        kind = PACKAGINGS[number % len(PACKAGINGS)]
        members = family("demo", number, size=1 + (number * 7 + 2) % 4, packaging=kind)
        number += 1
        line = members[0].brand, members[0].name
        if line not in lines:
            lines.add(line)
            products.extend(replace(member, product_id=_slug(member.title)) for member in members)
    return tuple(products[:count])


def _slug(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


def training_family(rng: np.random.Generator, size: int = 4, packaging: Packaging | None = None) -> tuple[Product, ...]:
    """Draw a family of look-alikes from the endless training world, for hard negatives."""
    return family("training", int(rng.integers(2**40)), size, packaging)


def training_product(rng: np.random.Generator, packaging: Packaging | None = None) -> Product:
    """Draw one product from the endless training world (about 10**12 families)."""
    return training_family(rng, 1, packaging)[0]
