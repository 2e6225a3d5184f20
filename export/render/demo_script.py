"""The story of the demo clip: ten seconds, six products of the catalogue and one that is not in it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from export.render.clip import Actor, Arm, ClipScript, Key
from export.render.products import Product


def demo_script(products: Sequence[Product], unlisted: Sequence[Product], seed: int = 0) -> ClipScript:
    """Write the demo story.

    One product crosses alone; two are shown together while an arm passes in front; the unlisted one is shown
    beside a listed one; two look-alikes of one family close the clip.

    Args:
        products: The catalogue; at least two of one family and four others.
        unlisted: At least one product that the catalogue does not hold.
        seed: Decides who plays and in which room.

    Returns:
        The script.
    """
    rng = np.random.default_rng([seed, 21])
    pair = _look_alikes(products, rng)
    family = (pair[0].brand, pair[0].name)
    lines: dict[tuple[str, str], Product] = {(p.brand, p.name): p for p in products if (p.brand, p.name) != family}
    others = list(lines.values())
    first, second, third, fourth = (others[int(i)] for i in rng.permutation(len(others))[:4])
    actors = (
        Actor(first, _crossing(0.3, 3.0)),
        Actor(second, _rising(2.6, 5.6, x=0.33, yaw=0.3)),
        Actor(third, _rising(3.2, 6.0, x=0.70, yaw=-0.35)),
        Actor(unlisted[0], _rising(5.6, 8.2, x=0.28, yaw=-0.2), listed=False),
        Actor(fourth, _rising(6.2, 8.4, x=0.66, yaw=0.25)),
        Actor(pair[0], _rising(7.9, 9.8, x=0.30, yaw=0.2)),
        Actor(pair[1], _rising(8.1, 9.8, x=0.68, yaw=-0.15)),
    )
    return ClipScript(actors, (Arm(4.0, 5.2, from_x=0.15, to_x=0.85),), seed=seed)


def _look_alikes(products: Sequence[Product], rng: np.random.Generator) -> tuple[Product, Product]:
    families: dict[tuple[str, str], list[Product]] = {}
    for product in products:
        families.setdefault((product.brand, product.name), []).append(product)
    several = [members for members in families.values() if len(members) > 1]
    members = several[int(rng.integers(len(several)))]
    return members[0], members[1]


def _crossing(start_s: float, end_s: float) -> tuple[Key, ...]:
    """Enter at the left, stay in the middle for a moment, leave at the right."""
    length = end_s - start_s
    return (
        Key(start_s, -0.2, 0.55, 0.62, yaw=0.5, roll=0.12),
        Key(start_s + 0.35 * length, 0.45, 0.5, 0.66, yaw=0.15, roll=0.03),
        Key(start_s + 0.65 * length, 0.56, 0.5, 0.66, yaw=-0.15, roll=-0.03),
        Key(end_s, 1.2, 0.52, 0.6, yaw=-0.4, roll=-0.1),
    )


def _rising(start_s: float, end_s: float, x: float, yaw: float) -> tuple[Key, ...]:
    """Come up from below, turn a little, go down again."""
    length = end_s - start_s
    return (
        Key(start_s, x, 1.4, 0.58, yaw=yaw, roll=0.1),
        Key(start_s + 0.25 * length, x, 0.52, 0.62, yaw=yaw, roll=0.02),
        Key(start_s + 0.5 * length, x + 0.02, 0.47, 0.68, yaw=0.0, pitch=0.15, roll=-0.04),
        Key(start_s + 0.78 * length, x + 0.01, 0.52, 0.63, yaw=-yaw, roll=0.03),
        Key(end_s, x, 1.4, 0.58, yaw=-yaw, roll=-0.08),
    )
