"""`Finding`: one thing that is wrong with a catalogue, and what each check means for publishing."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

Level = Literal["fails", "warns"]


@dataclass(frozen=True)
class CheckKind:
    """A sort of finding.

    Attributes:
        name: as the documents have it.
        title: as a page has it.
        level: whether one finding keeps the shard from being published; see docs/lint.md for why.
        meaning: one sentence for a person.
    """

    name: str
    title: str
    level: Level
    meaning: str


CHECKS = (
    CheckKind(
        "canaries",
        "Canaries",
        "fails",
        "A photo that must be tagged with its product is not.",
    ),
    CheckKind(
        "broken_pictures",
        "Broken pictures",
        "fails",
        "A picture, or what was kept of it, cannot be read.",
    ),
    CheckKind(
        "blank_pictures",
        "Blank pictures",
        "fails",
        "There is nothing on the picture, so walls and tables look like the product.",
    ),
    CheckKind(
        "same_picture",
        "The same picture",
        "fails",
        "Two products have the very same picture: no photo can tell which of them it shows.",
    ),
    CheckKind(
        "near_duplicates",
        "Near-duplicates",
        "warns",
        "The pictures of two products are so alike that photos of one come out ambiguous.",
    ),
    CheckKind(
        "misfits",
        "Pictures that fit another product better",
        "warns",
        "Without this picture, the catalogue would take it for another product, and be sure of it.",
    ),
    CheckKind(
        "shadowed",
        "Products that no photo can win",
        "warns",
        "Another product lies nearer to where photos of this one fall.",
    ),
)
BY_NAME = {kind.name: kind for kind in CHECKS}


@dataclass(frozen=True)
class Place:
    """A product, or one view of it, that a finding is about.

    Attributes:
        product_id: the operator's id.
        title: what a person reads.
        key: of the view; None for the product as a whole.
        image: the view's picture as ITEMS.csv names it; empty where that is not known.
    """

    product_id: str
    title: str
    key: int | None = None
    image: str = ""

    def document(self) -> dict[str, Any]:
        """Return it for a result document, the key as 16 hexadecimal digits."""
        return {**asdict(self), "key": None if self.key is None else f"{self.key:016x}"}


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        check: name of its `CheckKind`.
        sentence: what is wrong, for a person.
        place: where.
        other: the other product that it is about; None where there is none.
        similarity: of the two, -1..1; None where there is none.
        exclude: whether leaving `place` out is certain to be right; else somebody has to look.
        photo: the canary's photo; empty elsewhere.
    """

    check: str
    sentence: str
    place: Place
    other: Place | None = None
    similarity: float | None = None
    exclude: bool = False
    photo: str = ""

    def document(self) -> dict[str, Any]:
        """Return it for a result document."""
        return {
            "check": self.check,
            "sentence": self.sentence,
            **self.place.document(),
            "other": self.other.document() if self.other else None,
            "similarity": None if self.similarity is None else round(self.similarity, 4),
            "exclude": self.exclude,
            "photo": self.photo,
        }
