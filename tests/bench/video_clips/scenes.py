"""The scenes of the benchmark: what creators' clips are made of, drawn from a seed.

>>> SCENES["covered"](Stock(products, unlisted), seed=7).name
'covered-7'
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tests.bench.video_clips.designs import Product
from tests.bench.video_clips.script import Actor, Camera, Cover, Key, Look, Script, Shot, Side

Rng = np.random.Generator
STANDS = 0.56
"""Height of the middle of what stands on the table, a share of the frame."""


@dataclass(frozen=True)
class Stock:
    """What may be shown: products of the catalogue, and products that no catalogue lists."""

    listed: tuple[Product, ...]
    unlisted: tuple[Product, ...]

    def pick(self, rng: Rng, count: int) -> list[Product]:
        """Return different products, no two of them sisters."""
        chosen: dict[str, Product] = {}
        for index in rng.permutation(len(self.listed)):
            product = self.listed[int(index)]
            chosen.setdefault(product.sister_of or product.product_id, product)
        return list(chosen.values())[:count]

    def pair(self, rng: Rng) -> tuple[Product, Product]:
        """Return a product and its sister."""
        sisters = [product for product in self.listed if product.sister_of]
        second = sisters[int(rng.integers(len(sisters)))]
        first = next(product for product in self.listed if product.product_id == second.sister_of)
        return first, second


def _held_pass(rng: Rng, product: Product, start_s: float, length_s: float, listed: bool = True) -> Actor:
    """Return a product that a hand brings in from a side, turns before the camera and takes away again."""
    side: Side = "left" if rng.random() < 0.5 else "right"
    outside = -0.35 if side == "left" else 1.35
    size, yaw = float(rng.uniform(0.46, 0.68)), float(rng.uniform(0.3, 0.7)) * float(rng.choice([-1, 1]))
    x, y = float(rng.uniform(0.4, 0.6)), float(rng.uniform(0.45, 0.55))
    a, b = start_s + 0.22 * length_s, start_s + 0.78 * length_s
    roll = float(rng.uniform(-0.15, 0.15))
    keys = (
        Key(start_s, outside, y + 0.1, size * 0.9, yaw, roll),
        Key(a, x, y, size, yaw * 0.4, roll / 2),
        Key((a + b) / 2, x + 0.03, y - 0.03, size * 1.08, -yaw * 0.6, 0.0),
        Key(b, x, y, size, 0.0, -roll / 2),
        Key(start_s + length_s, outside, y + 0.15, size * 0.9, yaw, -roll),
    )
    return Actor(product, keys, side, listed)


def _set_down(rng: Rng, product: Product, x: float, times: Sequence[float], size: float, listed: bool = True) -> Actor:
    """Return a product that is set down at `times[1]`, stands, and is taken away from `times[2]` to `times[3]`."""
    start_s, down_s, up_s, gone_s = times
    yaw = float(rng.uniform(-0.35, 0.35))
    y = STANDS + (0.5 - size) * 0.25
    keys = (
        Key(start_s, x + 0.1, -0.4, size, yaw + 0.3, 0.1),
        Key(down_s, x, y, size, yaw),
        Key(up_s, x, y, size, yaw),
        Key(gone_s, x - 0.1, -0.4, size, yaw - 0.3, -0.1),
    )
    return Actor(product, keys, None, listed)


def shown_in_turn(stock: Stock, seed: int) -> Script:
    """Two products, one after the other, in a hand."""
    rng = np.random.default_rng([seed, 1])
    first, second = stock.pick(rng, 2)
    actors = (_held_pass(rng, first, 0.6, 4.6), _held_pass(rng, second, 6.2, 4.8))
    return Script(f"in-turn-{seed}", (Shot(0, seed, Camera(0.012, 0.003)),), actors, (), 12.0, seed)


def on_the_table(stock: Stock, seed: int) -> Script:
    """Three products set down one by one, standing together, taken away one by one."""
    rng = np.random.default_rng([seed, 2])
    products = stock.pick(rng, 3)
    order = rng.permutation(3)
    places = (0.2, 0.5, 0.8)
    actors = tuple(
        _set_down(rng, product, places[int(order[n])], (0.4 + 1.4 * n, 1.2 + 1.4 * n, 8.5 + 1.3 * n, 9.3 + 1.3 * n),
                  float(rng.uniform(0.36, 0.46)))
        for n, product in enumerate(products)
    )  # fmt: skip
    return Script(f"table-{seed}", (Shot(0, seed, Camera(0.008, 0.001)),), actors, (), 13.0, seed)


def covered(stock: Stock, seed: int) -> Script:
    """A product that stands while a sleeve and then a board pass before it."""
    rng = np.random.default_rng([seed, 3])
    (product,) = stock.pick(rng, 1)
    x = float(rng.uniform(0.4, 0.6))
    actor = _set_down(rng, product, x, (0.5, 1.3, 10.0, 10.8), float(rng.uniform(0.42, 0.52)))
    sleeve = Cover(3.2, 4.6, "sleeve", (-0.3, 0.35), (1.2, 0.3), 0.36)
    board = Cover(6.2, 8.2, "board", (1.5, 0.5), (-0.5, 0.55), 0.95)
    return Script(f"covered-{seed}", (Shot(0, seed, Camera(0.01, 0.002)),), (actor,), (sleeve, board), 12.0, seed)


def look_alikes(stock: Stock, seed: int) -> Script:
    """Two sisters: the first alone, both side by side, the second alone."""
    rng = np.random.default_rng([seed, 4])
    first, second = stock.pair(rng)
    size = float(rng.uniform(0.4, 0.5))
    actors = (
        _set_down(rng, first, 0.3, (0.3, 1.1, 7.0, 7.8), size),
        _set_down(rng, second, 0.7, (3.5, 4.3, 10.6, 11.4), size),
    )
    return Script(f"sisters-{seed}", (Shot(0, seed, Camera(0.01, 0.002)),), actors, (), 12.0, seed)


def comes_back(stock: Stock, seed: int) -> Script:
    """A product that leaves and comes back after four seconds and more."""
    rng = np.random.default_rng([seed, 5])
    (product,) = stock.pick(rng, 1)
    actors = (_held_pass(rng, product, 0.4, 4.2), _held_pass(rng, product, 9.2, 4.2))
    return Script(f"back-{seed}", (Shot(0, seed, Camera(0.012, 0.003)),), actors, (), 14.0, seed)


def cuts(stock: Stock, seed: int) -> Script:
    """Four shots with hard cuts; the first product is seen again in the last."""
    rng = np.random.default_rng([seed, 6])
    a, b, c = stock.pick(rng, 3)
    starts, end = (0.0, 2.8, 5.4, 8.4), 11.0
    shots = tuple(Shot(start, seed * 10 + n, Camera(0.012, 0.003)) for n, start in enumerate(starts))
    actors = tuple(
        _stand_through(rng, product, start, stop)
        for product, start, stop in zip((a, b, c, a), starts, (*starts[1:], end), strict=True)
    )
    return Script(f"cuts-{seed}", shots, actors, (), end, seed)


def _stand_through(rng: Rng, product: Product, start_s: float, stop_s: float) -> Actor:
    """Return a product that is there from the first to the last frame of a shot."""
    x, size, yaw = float(rng.uniform(0.35, 0.65)), float(rng.uniform(0.4, 0.62)), float(rng.uniform(-0.4, 0.4))
    keys = (Key(start_s, x, 0.53, size, yaw), Key(stop_s - 0.02, x + 0.04, 0.52, size * 1.08, yaw + 0.2))
    return Actor(product, keys, "right" if rng.random() < 0.5 else None)


def along_the_shelf(stock: Stock, seed: int) -> Script:
    """A camera in the hand that walks along four products; they come and go by its movement."""
    rng = np.random.default_rng([seed, 7])
    products = stock.pick(rng, 4)
    actors = tuple(
        Actor(product, (Key(0, x, STANDS, size, yaw), Key(14, x, STANDS, size, yaw)))
        for product, x, size, yaw in zip(
            products, (0.3, 0.85, 1.4, 1.95), rng.uniform(0.4, 0.52, 4).tolist(), rng.uniform(-0.3, 0.3, 4).tolist(),
            strict=True,
        )
    )  # fmt: skip
    path = ((0, -0.9, 0, 1.0), (2, -0.3, 0, 1.0), (6, 0.5, 0.02, 1.05), (10, 1.4, 0, 1.0), (13, 2.3, 0, 1.0))
    return Script(f"shelf-{seed}", (Shot(0, seed, Camera(0.01, 0.004, path)),), actors, (), 13.0, seed)


def strangers(stock: Stock, seed: int) -> Script:
    """Products that no catalogue lists, one of them the sister of one that is listed."""
    rng = np.random.default_rng([seed, 8])
    sisters = [product for product in stock.unlisted if product.sister_of]
    others = [product for product in stock.unlisted if not product.sister_of]
    sister, other = sisters[seed % len(sisters)], others[seed % len(others)]
    actors = (_held_pass(rng, other, 0.5, 4.6, False), _held_pass(rng, sister, 6.0, 5.0, False))
    return Script(f"strangers-{seed}", (Shot(0, seed, Camera(0.012, 0.003)),), actors, (), 12.0, seed)


def nothing(stock: Stock, seed: int) -> Script:
    """A place without any product, arms and a board that pass, a camera that moves."""
    path = ((0, -0.15, 0, 1.0), (5, 0.15, 0.02, 1.15), (10, 0.0, 0, 1.0))
    covers = (
        Cover(1.5, 3.5, "sleeve", (-0.3, 0.4), (1.1, 0.3), 0.3),
        Cover(5.0, 7.5, "board", (1.4, 0.55), (-0.4, 0.5), 0.6),
    )
    return Script(f"nothing-{seed}", (Shot(0, seed, Camera(0.015, 0.004, path)),), (), covers, 10.0, seed)


def comes_near(stock: Stock, seed: int) -> Script:
    """A camera that comes near a small product on a table, then goes away from it; another passes in a hand."""
    rng = np.random.default_rng([seed, 9])
    small, passing = stock.pick(rng, 2)
    still = Key(0, 0.55, 0.52, 0.3, float(rng.uniform(-0.3, 0.3)))
    stays = Actor(small, (still, Key(12, still.x, still.y, still.size, still.yaw)))
    path = ((0, 0, 0, 0.8), (5, 0.06, 0.02, 1.9), (6.5, 0.06, 0.02, 1.9), (8.5, 0, 0, 0.9), (12, 0, 0, 0.9))
    actors = (stays, _held_pass(rng, passing, 7.6, 3.8))
    return Script(f"near-{seed}", (Shot(0, seed, Camera(0.01, 0.002, path)),), actors, (), 12.0, seed)


def crowd(stock: Stock, seed: int) -> Script:
    """A table full of strangers that stay; one listed product among them, a second is carried past before all."""
    rng = np.random.default_rng([seed, 10])
    stays, passing = stock.pick(rng, 2)
    others = [stock.unlisted[int(n)] for n in rng.permutation(len(stock.unlisted))[:3]]
    places = rng.permutation([0.14, 0.38, 0.62, 0.86]).tolist()
    actors = [_standing(rng, product, x, 12.0, listed=False) for product, x in zip(others, places, strict=False)]
    actors.append(_set_down(rng, stays, places[3], (1.0, 1.8, 9.0, 9.8), float(rng.uniform(0.36, 0.44))))
    size, y = float(rng.uniform(0.5, 0.6)), 0.6
    way = (Key(3.4, -0.3, y, size, -0.4), Key(5.2, 0.5, y - 0.05, size), Key(6.4, 0.55, y, size, 0.2),
           Key(8.2, 1.3, y, size, 0.5))  # fmt: skip
    actors.append(Actor(passing, way, "below"))
    return Script(f"crowd-{seed}", (Shot(0, seed, Camera(0.01, 0.002)),), tuple(actors), (), 12.0, seed)


def _standing(rng: Rng, product: Product, x: float, end_s: float, listed: bool = True) -> Actor:
    size, yaw = float(rng.uniform(0.34, 0.44)), float(rng.uniform(-0.4, 0.4))
    y = STANDS + (0.5 - size) * 0.25
    return Actor(product, (Key(0, x, y, size, yaw), Key(end_s, x, y, size, yaw)), None, listed)


def flashed(stock: Stock, seed: int) -> Script:
    """Three products held before the camera for a second and a half each, in haste."""
    rng = np.random.default_rng([seed, 11])
    actors = tuple(
        _held_pass(rng, product, start_s, 1.9)
        for product, start_s in zip(stock.pick(rng, 3), (0.8, 4.0, 7.2), strict=True)
    )
    return Script(f"flashed-{seed}", (Shot(0, seed, Camera(0.015, 0.004)),), actors, (), 10.0, seed)


def turned_around(stock: Stock, seed: int) -> Script:
    """A product that a hand turns once around, so that for a while its edges and its back are seen."""
    rng = np.random.default_rng([seed, 12])
    (product,) = stock.pick(rng, 1)
    size, way = float(rng.uniform(0.5, 0.62)), float(rng.choice([-1, 1]))
    stays = [(2.0, 0.0), (4.5, 0.4), (6.5, 0.6), (9.0, 1.0)]
    turning = tuple(Key(t, 0.5, 0.5, size, way * 2 * np.pi * share) for t, share in stays)
    keys = (Key(0.8, 0.5, 1.5, size, 0.3), *turning, Key(10.2, 0.5, 1.5, size, way * 2 * np.pi + 0.3))
    actors = (Actor(product, keys, "below"),)
    return Script(f"turned-{seed}", (Shot(0, seed, Camera(0.012, 0.003)),), actors, (), 11.0, seed)


def crossing(stock: Stock, seed: int) -> Script:
    """Two products that change places before the camera, one covering the other for a moment."""
    rng = np.random.default_rng([seed, 13])
    behind, before = stock.pick(rng, 2)
    size = float(rng.uniform(0.42, 0.5))
    yaws = rng.uniform(-0.35, 0.35, 2).tolist()
    actors = (
        Actor(behind, (Key(0.4, -0.3, 0.5, size, yaws[0]), Key(2, 0.28, 0.5, size, yaws[0]),
                       Key(4.5, 0.28, 0.5, size, yaws[0]), Key(6.8, 0.72, 0.5, size, yaws[0]),
                       Key(9, 0.72, 0.5, size, yaws[0]), Key(10.4, 1.3, 0.55, size, yaws[0]))),
        Actor(before, (Key(0.9, 1.3, 0.56, size, yaws[1]), Key(2.5, 0.74, 0.56, size, yaws[1]),
                       Key(4.5, 0.74, 0.56, size, yaws[1]), Key(6.8, 0.26, 0.56, size, yaws[1]),
                       Key(9, 0.26, 0.56, size, yaws[1]), Key(10.6, -0.3, 0.6, size, yaws[1])), "below"),
    )  # fmt: skip
    return Script(f"crossing-{seed}", (Shot(0, seed, Camera(0.01, 0.003)),), actors, (), 11.0, seed)


def filmed(script: Script) -> Script:
    """Return the clip as one of many creators would film it: lamps, sensor, encoder, hand and size differ."""
    rng = np.random.default_rng([script.seed, 14])
    warm = float(rng.uniform(-0.12, 0.12))
    look = Look(
        light=float(rng.uniform(0.5, 1.1)),
        tint=(1 + warm, 1.0, 1 - warm),
        noise=float(rng.uniform(1.5, 8)),
        crf=int(rng.integers(21, 33)),
        unrest=float(rng.uniform(0.5, 2.5)),
    )
    size = (640, 360) if rng.random() < 0.6 else (960, 540)
    return replace(script, look=look, resolution_wh=size, fps=int(rng.choice([24, 25, 30])))


SCENES: dict[str, Callable[[Stock, int], Script]] = {
    "in turn": shown_in_turn,
    "on the table": on_the_table,
    "covered": covered,
    "look-alikes": look_alikes,
    "comes back": comes_back,
    "cuts": cuts,
    "along the shelf": along_the_shelf,
    "strangers": strangers,
    "nothing": nothing,
    "comes near": comes_near,
    "crowd": crowd,
    "flashed": flashed,
    "turned around": turned_around,
    "crossing": crossing,
}
