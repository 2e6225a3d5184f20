"""Invented words, in two vocabularies that share no brand.

The demo catalogue and the training stream each have a ``Vocabulary`` of their
own: brands, product names and claims of one never occur in the other.
``tests/render`` holds them to that. Any likeness to a real brand is chance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Flavour:
    """A variant of a product: its name, the hue of its colour (turns) and the motif that pictures it."""

    name: str
    hue: float
    motif: str


@dataclass(frozen=True)
class Vocabulary:
    """Words of one world: syllables of brands, names of goods by packaging, flavours and claims."""

    onsets: tuple[str, ...]
    endings: tuple[str, ...]
    goods: dict[str, tuple[str, ...]]
    flavours: tuple[Flavour, ...]
    claims: tuple[str, ...]

    def brand(self, rng: np.random.Generator) -> str:
        """Draw a brand."""
        return str(rng.choice(self.onsets)) + str(rng.choice(self.endings))


DEMO_WORDS = Vocabulary(
    onsets=("Quill", "Fjell", "Zephy", "Umbra", "Kettle", "Yonder", "Jasp", "Wicken", "Ivory", "Xylo"),
    endings=("ra", "holm", "fern", "dale", "worth", "lane", "moor", "quay"),
    goods={
        "carton": ("Oat Drink", "Orchard Juice", "Day Milk"),
        "can": ("Garden Soda", "Cold Brew"),
        "bottle": ("Still Lemonade", "Dish Soap"),
        "box": ("Morning Flakes", "Herbal Tea"),
        "bag": ("Kettle Crisps", "Roast Beans"),
        "jar": ("Fruit Spread", "Nut Butter"),
        "tube": ("Hand Cream", "Tooth Gel"),
        "card": ("Story Cards", "Trail Map"),
    },
    flavours=(
        Flavour("Pear", 0.22, "apple"),
        Flavour("Blood Orange", 0.03, "citrus"),
        Flavour("Blackcurrant", 0.8, "berries"),
        Flavour("Barley", 0.12, "grain"),
        Flavour("Verbena", 0.36, "leaf_sprig"),
        Flavour("Glacier", 0.55, "mountains"),
        Flavour("Elderflower", 0.92, "flower"),
        Flavour("Original", 0.63, "drop"),
    ),
    claims=("small batch", "since 1907", "made slowly", "no hurry", "by hand"),
)

TRAINING_WORDS = Vocabulary(
    onsets=(
        "Al", "Bel", "Bro", "Ca", "Cor", "Da", "Del", "Ela", "Fa", "Flo", "Ga", "Gro", "Ha", "Hol", "Ka", "Kro",
        "La", "Lum", "Ma", "Mir", "Na", "Nor", "O", "Pa", "Pri", "Ra", "Ros", "Sa", "Sol", "Ta", "Tri", "Va", "Vel",
    ),
    endings=(
        "bo", "dena", "do", "fina", "gan", "ko", "la", "lima", "lo", "mo", "na", "nello", "ni", "pa", "rado", "ri",
        "sa", "so", "tano", "ti", "va", "vita", "x", "zo", "berg", "mark", "son", "tel", "ville", "ton",
    ),
    goods={
        "carton": ("Milk", "Juice", "Yoghurt", "Cream", "Nectar", "Soy", "Buttermilk", "Smoothie", "Broth"),
        "can": ("Beans", "Cola", "Tonic", "Tomatoes", "Soup", "Beer", "Tuna", "Paint", "Tea"),
        "bottle": ("Water", "Shampoo", "Ketchup", "Syrup", "Olive Oil", "Cleaner", "Vinegar", "Lotion"),
        "box": ("Cereal", "Pasta", "Cookies", "Rice", "Washing", "Crackers", "Tablets", "Cake Mix"),
        "bag": ("Chips", "Coffee", "Nuts", "Candy", "Flour", "Frozen Peas", "Pretzels", "Seeds"),
        "jar": ("Jam", "Honey", "Pickles", "Pesto", "Mustard", "Cocoa", "Balm"),
        "tube": ("Toothpaste", "Cream", "Glue", "Gel", "Sunscreen", "Paste"),
        "card": ("Ticket", "Magazine", "Postcard", "Comic", "Voucher", "Notebook", "Album"),
    },
    flavours=(
        Flavour("Apple", 0.3, "apple"),
        Flavour("Lemon", 0.15, "citrus"),
        Flavour("Orange", 0.08, "citrus"),
        Flavour("Cherry", 0.98, "berries"),
        Flavour("Blueberry", 0.65, "berries"),
        Flavour("Oat", 0.11, "grain"),
        Flavour("Mint", 0.42, "leaf_sprig"),
        Flavour("Classic", 0.6, "house"),
        Flavour("Light", 0.53, "drop"),
        Flavour("Vanilla", 0.13, "flower"),
        Flavour("Strong", 0.0, "star"),
        Flavour("Cocoa", 0.06, "cup"),
        Flavour("Sea", 0.57, "fish"),
        Flavour("Rose", 0.9, "heart"),
        Flavour("Ice", 0.5, "mountains"),
        Flavour("Mix", 0.75, "orbit"),
        Flavour("Extra", 0.85, "splash"),
    ),
    claims=("new", "bio", "fresh", "100%", "eco", "free", "light", "extra", "quality", "pure", "vegan", "+20%"),
)
