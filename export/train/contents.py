"""Parting photos by what they show; `export.fingerprint` tells what that is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

import numpy as np


class HasContent(Protocol):
    """Something with the SHA-256 of its pixels."""

    @property
    def sha256(self) -> str:
        """As `export.fingerprint.fingerprint` gives it."""


P = TypeVar("P", bound=HasContent)


def part(photos: Sequence[P], share: float, seed: int) -> tuple[list[P], list[P]]:
    """Part photos by a seeded draw of distinct contents; at least one is kept aside.

    Args:
        photos: any number.
        share: of the contents kept aside, 0..1.
        seed: of the draw.

    Returns:
        What is left, and what is kept aside.
    """
    contents = sorted({photo.sha256 for photo in photos})
    order = np.random.default_rng(seed).permutation(len(contents))
    aside = {contents[i] for i in order[: max(1, round(share * len(contents)))]}
    return [p for p in photos if p.sha256 not in aside], [p for p in photos if p.sha256 in aside]
