"""The golden cases of the rule of tracks: small scenes as numbers, with what the rule makes of them.

>>> [case["name"] for case in track_cases()["cases"]][:2]
['nothing', 'one look']
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from edge.tracks.appearances import GAP_S
from edge.tracks.cases import CONSTANTS, IDENTITY, SCHEMA, answer, watch
from edge.tracks.pace import GLANCE_S, decide

MATCHINGS = (
    {"similarity_threshold": 0.7, "margin_threshold": 0.05},
    {"similarity_threshold": 0.8, "margin_threshold": 0.1},
)
CONFIDENT = 0.45
RESOLUTION_WH = (640, 360)
PLACE = (100.0, 80.0, 180.0, 240.0)
BESIDE = (400.0, 80.0, 480.0, 240.0)
OAT = {"oat": 0.9, "soy": 0.6, "rye": 0.5, "nut": 0.4, "pea": 0.3}
SOY = {"soy": 0.88, "oat": 0.6, "rye": 0.5, "nut": 0.4, "pea": 0.3}
NOTHING = {"rye": 0.5, "nut": 0.45, "oat": 0.4, "soy": 0.3, "pea": 0.2}
Json = dict[str, Any]


def track_cases() -> Json:
    """Return the whole file: numbers of the rule, thresholds, patches, cases, and when to look."""
    value: Json = {
        "schema": SCHEMA,
        "constants": CONSTANTS,
        "identity": {
            "content_id": IDENTITY.content_id,
            "space_id": IDENTITY.space_id,
            "shard_sha256s": list(IDENTITY.shard_sha256s),
        },
        "matchings": list(MATCHINGS),
        "confident": CONFIDENT,
        "patches": {name: _patch(seed) for seed, name in enumerate(("a", "b", "c"))},
    }
    value["cases"] = [{**case, "expected": answer(case, value)} for case in _cases()]
    value["pace"] = [
        {
            "since_s": since_s,
            "new": new,
            "moving": moving,
            "restless": restless,
            "decision": decide(since_s, new, moving, restless),
        }
        for since_s in (0.1, 0.2, 0.3, 0.4, 0.5, 3.9, 4.0)
        for new, moving in ((0.0, 0.0), (0.0019, 0.5), (0.002, 0.0), (0.5, 0.0099), (0.5, 0.01))
        for restless in (False, True)
    ]
    value["greys"] = _greys()
    value["cuts"] = [{**case, "expected": watch(case, value)} for case in _cuts()]
    return value


def _greys() -> dict[str, list[int]]:
    """Return small pictures of 8 x 8 cells: two shots, one of them brighter, black, lit by a flash, and panned over."""
    rng = np.random.default_rng(7)
    shot, other = rng.integers(20, 200, (2, 8, 8))
    wide = rng.integers(20, 200, (8, 8))
    passing = shot.copy()
    passing[2:4, 2:4] = 240
    shown = {
        "shot": shot,
        "brighter": shot + 30,
        "passing": passing,
        "other": other,
        "black": np.zeros_like(shot),
        "flash": np.minimum(3 * shot, 255),
        **{f"pan {step}": np.roll(wide, step, axis=1) for step in range(6)},
    }
    return {name: [int(value) for value in picture.reshape(-1)] for name, picture in shown.items()}


def _cuts() -> list[Json]:
    """Where a cut is seen: glances as time and picture."""

    def at(*pictures: str, every_s: float | None = None) -> Json:
        step_s = every_s or GLANCE_S
        return {"every_s": every_s, "glances": [[round(step_s * i, 3), name] for i, name in enumerate(pictures)]}

    still = ["shot"] * 4
    return [
        {"name": "none", **at(*still, "brighter", "brighter")},
        {"name": "one", **at(*still, *["other"] * 4)},
        {"name": "soon after a look", **at(*still[:3], "passing", "other", "other", "other")},
        {"name": "something passes", **at(*still, "passing", "passing")},
        {"name": "a camera pans", **at("pan 0", "pan 1", "pan 2", "pan 3", "pan 4", "pan 5")},
        {"name": "black for a moment", **at(*still, "black", *still)},
        {"name": "black between two shots", **at(*still, "black", *["other"] * 3)},
        {"name": "a flash", **at(*still, "flash", *still)},
        {"name": "a flash soon after a look", **at(*still[:3], "passing", "flash", "passing", "passing")},
        {"name": "at a fixed rate", **at("shot", "shot", "other", "other", "shot", every_s=0.5)},
        {"name": "at a slow fixed rate", **at("shot", "shot", "other", "other", every_s=1.0)},
    ]


def _patch(seed: int) -> list[int]:
    return [int(v) for v in np.random.default_rng(seed).integers(20, 236, 64)]


def _case(name: str, glances: Iterable[Json], gap_s: float = GAP_S) -> Json:
    return {"name": name, "resolution_wh": list(RESOLUTION_WH), "gap_s": gap_s, "glances": list(glances)}


def _look(timestamp_s: float, *seen: Json) -> Json:
    return {"timestamp_s": timestamp_s, "seen": sorted(seen, key=lambda one: -one["confidence"])}


def _cut(timestamp_s: float, *seen: Json) -> Json:
    return {**_look(timestamp_s, *seen), "cut": True}


def _still(timestamp_s: float) -> Json:
    return {"timestamp_s": timestamp_s, "still": True}


def _seen(
    products: Mapping[str, float] = OAT,
    xyxy: Sequence[float] = PLACE,
    confidence: float = 0.8,
    patch: str = "a",
    sharpness: float = 10.0,
    shard: int = 0,
) -> Json:
    candidates = [[shard, product, similarity] for product, similarity in products.items()]
    return {
        "xyxy": list(xyxy),
        "confidence": confidence,
        "sharpness": sharpness,
        "patch": patch,
        "candidates": candidates,
    }


def _weak(xyxy: Sequence[float] = PLACE, confidence: float = 0.3) -> Json:
    return {"xyxy": list(xyxy), "confidence": confidence}


def _at(x: float, y: float = 80.0, width: float = 80.0, height: float = 160.0) -> tuple[float, ...]:
    return x, y, x + width, y + height


def _every(seconds: float, n: int, *seen: Json, start_s: float = 0.0) -> list[Json]:
    return [_look(round(start_s + seconds * i, 3), *seen) for i in range(n)]


def _cases() -> list[Json]:
    return [*_presence(), *_identity(), *_several(), *_places(), *_shots(), *_unknown()]


def _presence() -> list[Json]:
    """When something is there: looks, gaps, weak detections, still pictures, movement."""
    gone = [_look(t) for t in (0.6, 0.8, 1.0, 1.2, 1.4, 1.6, 1.8, 2.0, 2.2, 2.4, 2.6, 2.8)]
    moving = [_look(round(0.2 * i, 1), _seen(xyxy=_at(20 + 50 * i))) for i in range(9)]
    return [
        _case("nothing", []),
        _case("one look", [_look(0.0, _seen())]),
        _case("looks without objects", [_look(0.0), _look(0.5)]),
        _case("in a row", _every(0.5, 5, _seen())),
        _case("missed for a moment", [*_every(0.2, 3, _seen()), *gone[:2], *_every(0.2, 3, _seen(), start_s=1.0)]),
        _case("back within the gap", [*_every(0.2, 3, _seen()), *gone[:7], *_every(0.2, 3, _seen(), start_s=2.0)]),
        _case("back after the gap", [*_every(0.2, 3, _seen()), *gone, *_every(0.2, 3, _seen(), start_s=3.0)]),
        _case("looked at rarely", _every(5.0, 3, _seen()), gap_s=12.5),
        _case(
            "weak between confident",
            [_look(0.0, _seen()), _look(0.5, _weak()), _look(1.0, _weak()), _look(1.5, _weak()), _look(2.0, _seen())],
        ),
        _case("weak at the end", [*_every(0.5, 3, _seen()), *_every(0.5, 3, _weak(), start_s=1.5)]),
        _case("weak alone", _every(0.5, 3, _weak())),
        _case("below weak", [*_every(0.5, 2, _seen()), _look(1.0, _weak(_at(108, 96, 64, 128))), _look(1.5, _seen())]),
        _case("still picture", [_look(0.0, _seen()), *(_still(round(0.1 * i, 1)) for i in range(1, 21)), _look(4.0)]),
        _case(
            "still for a moment", [_look(0.0), _look(0.5, _seen()), _still(0.6), _still(0.7), _look(0.8), _look(1.0)]
        ),
        _case("moving", moving),
    ]


def _identity() -> list[Json]:
    """What it is: votes, quality, small leads, and what is seen once."""
    unsure = {"oat": 0.9, "soy": 0.88, "rye": 0.5, "nut": 0.4, "pea": 0.3}
    turned = {"soy": 0.89, "oat": 0.88, "rye": 0.5, "nut": 0.4, "pea": 0.3}
    some = {"oat": 0.9, "soy": 0.83, "rye": 0.5, "nut": 0.4, "pea": 0.3}
    cut = _at(0, 200, 80, 160)
    return [
        _case("a sister for one look", [_look(0.0, _seen()), _look(0.5, _seen(SOY)), _look(1.0, _seen())]),
        _case("a sister's name in the sharpest look", [*_every(0.5, 2, _seen()), _look(1.0, _seen(SOY, sharpness=30))]),
        _case(
            "cut by the border first",
            [_look(0.0, _seen(SOY, cut, sharpness=20)), *_every(0.2, 4, _seen(), start_s=0.2)],
        ),
        _case("the best of each half second", [_look(0.1 * i, _seen(sharpness=10.0 + i % 4)) for i in range(25)]),
        _case("small lead", _every(0.5, 3, _seen(unsure))),
        _case(
            "small lead after a sure look",
            [*_every(0.2, 3, _seen()), *_every(0.2, 3, _seen(turned, patch="b"), start_s=0.6)],
        ),
        _case("small lead beside a sure one", _every(0.5, 3, _seen(), _seen(turned, BESIDE, patch="b"))),
        _case(
            "small lead, in turn",
            [*_every(0.2, 3, _seen(unsure)), *_every(0.2, 3, _seen(turned, patch="b"), start_s=0.6)],
        ),
        _case(
            "seen twice with some lead",
            [_look(0.0), _look(0.2, _seen(some)), _look(0.4, _seen(some)), _look(0.6), _look(0.8)],
        ),
        _case(
            "seen twice with a clear lead",
            [_look(0.0), _look(0.2, _seen()), _look(0.4, _seen()), _look(0.6), _look(0.8)],
        ),
        _case(
            "not quite similar after a sure look",
            [*_every(0.2, 3, _seen()), *_every(0.2, 3, _seen({"oat": 0.66, "soy": 0.5}, patch="b"), start_s=0.6)],
        ),
        _case("not quite similar alone", _every(0.5, 3, _seen({"oat": 0.66, "soy": 0.5}))),
        _case("seen once", [_look(0.0), _look(0.2, _seen()), _look(0.4), _look(0.6)]),
        _case("seen once at the end", [_look(0.0), _look(0.5, _seen())]),
        _case("seen once, twice", [_look(0.0, _seen()), _look(0.2), _look(0.4, _seen(xyxy=BESIDE)), _look(0.6)]),
        _case(
            "not in every ranking",
            [_look(0.0, _seen({"oat": 0.8, "rye": 0.7})), _look(0.5, _seen({"soy": 0.9, "rye": 0.75}))],
        ),
        _case("empty catalogue", _every(0.5, 3, _seen({}))),
        _case("one product in the catalogue", _every(0.5, 3, _seen({"oat": 0.8}))),
    ]


def _several() -> list[Json]:
    """More than one object: products, specimens, shards."""
    return [
        _case("two products", _every(0.5, 4, _seen(), _seen(SOY, BESIDE, patch="b"))),
        _case("two specimens", _every(0.5, 4, _seen(), _seen(xyxy=BESIDE, patch="a"))),
        _case("two shards", _every(0.5, 4, _seen({"oat": 0.75, "rye": 0.5}), _seen({"soy": 0.75}, BESIDE, shard=1))),
        _case("they pass each other", [_pass(i) for i in range(9)]),
    ]


def _pass(i: int) -> Json:
    left, right = _seen(xyxy=_at(40 + 40 * i)), _seen(SOY, _at(360 - 40 * i), patch="b", confidence=0.7)
    return _look(round(0.2 * i, 1), left, right) if i != 4 else _look(0.8, left)


def _places() -> list[Json]:
    """One place holds one thing."""
    part = _at(105, 120, 70, 100)
    return [
        _case(
            "another product put in its place",
            [*_every(0.2, 4, _seen()), *_every(0.2, 4, _seen(SOY, patch="b"), start_s=0.8)],
        ),
        _case(
            "a part taken for a sister",
            [*_every(0.2, 3, _seen()), _look(0.6, _seen(SOY, part, patch="b")), *_every(0.2, 3, _seen(), start_s=0.8)],
        ),
        _case(
            "a sister as it comes in",
            [_look(0.0, _seen(SOY, _at(104, 150, 72, 84), patch="b")), *_every(0.2, 4, _seen(), start_s=0.2)],
        ),
        _case(
            "another one comes in where one has left",
            [
                *_every(0.2, 4, _seen()),
                _look(1.0, _seen(SOY, _at(104, 120, 72, 110), patch="c")),
                _look(1.2),
                *_every(0.2, 4, _seen(SOY, _at(110, 60), patch="b"), start_s=1.4),
            ],
        ),
        _case(
            "a small thing before a large one",
            [
                *_every(0.2, 4, _seen(NOTHING, _at(60, 20, 300, 330))),
                *_every(0.2, 2, _seen(NOTHING, _at(60, 20, 300, 330)), _seen(SOY, patch="b"), start_s=0.8),
            ],
        ),
        _case("a weak part", [_look(round(0.2 * i, 1), _seen(), _weak(part)) for i in range(4)]),
    ]


def _shots() -> list[Json]:
    """What a cut ends, and what it does not."""
    alike = [_look(0.0, _seen()), _look(0.3, _seen()), _look(0.6, _seen())]
    other = _every(0.3, 3, _seen(SOY), start_s=1.1)
    return [
        _case("a cut to another product that stands there", [*alike, _cut(0.8, _seen(SOY)), *other]),
        _case("the same without a cut", [*alike, _look(0.8, _seen(SOY)), *other]),
        _case("a cut to the same product", [*alike, _cut(0.8, _seen()), *_every(0.3, 3, _seen(), start_s=1.1)]),
        _case("a cut to a still picture", [*alike, _still(0.7), _cut(0.8, _seen(SOY)), _still(0.9), _still(2.0)]),
        _case("a flash", [*alike, _cut(0.8), *_every(0.3, 3, _seen(), start_s=1.0)]),
        _case("a short shot", [_look(0.0), _cut(0.4, _seen()), _cut(0.8), _look(1.3)]),
    ]


def _unknown() -> list[Json]:
    """What is not in the catalogue."""
    label = _at(110, 140, 50, 60)
    return [
        _case("unknown", _every(0.5, 3, _seen(NOTHING))),
        _case("unknown, seen once", [_look(0.0), _look(0.2, _seen(NOTHING)), _look(0.4)]),
        _case(
            "unknown, lost and found",
            [
                *_every(0.2, 3, _seen(NOTHING)),
                *(_look(t) for t in (0.6, 0.9, 1.2, 1.5)),
                *_every(0.2, 3, _seen(NOTHING), start_s=1.8),
            ],
        ),
        _case("a label of a product", _every(0.5, 4, _seen(), _seen(NOTHING, label, patch="b"))),
        _case("beside a product", _every(0.5, 4, _seen(), _seen(NOTHING, BESIDE, patch="b"))),
    ]
