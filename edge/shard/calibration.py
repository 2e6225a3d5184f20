"""The calibration beside a shard: thresholds for this catalogue, what they promise, and what that rests on.

`export calibrate` writes `calibration.json` into the shard's folder; docs/formats/calibration.md describes it. It is no
part of the shard's identity but is bound to it: thresholds of one catalogue say nothing of another. It holds a way for
each manner of ranking that was calibrated, since a second look moves similarities.

    >>> calibration = read_calibration(Path("shard"))
    >>> calibration.way(None).matching
    Matching(similarity_threshold=0.79, margin_threshold=0.05)
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, cast

from edge.bundle_description import Matching, SecondLookPart
from edge.document_fields import Fields
from edge.errors import ArtefactRefused, InputError
from edge.files import write_whole
from edge.shard.description import SPACE_PATTERN

CALIBRATION = "calibration.json"
MAX_CALIBRATION_BYTES = 1 << 16
SCHEMA = 1
Basis = Literal["photos", "products"]
BASES = ("photos", "products")
TRIALS = ("nothing", "left_out", "shows", "products", "decisions")
"""What was tried, and how often a tag was false:

- `nothing`: photos that show nothing from the catalogue.
- `left_out`: photos of a product, asked without that product.
- `shows`: photos of a product; a sure tag that names another one is false.
- `products`: catalogue pictures, asked without their product.
- `decisions`: sure tags that people decided on.
"""
_LARGEST_COUNT = 2**53


@dataclass(frozen=True)
class Trial:
    """How one kind of trial came out at the chosen thresholds.

    Attributes:
        name: which kind, one of `TRIALS`.
        count: how many were tried, at least 1.
        products: how many products they are of, where each product counts once; None: each trial counts by itself.
        false: how many of them got a false tag.
        bound: what the rate of false tags is at most, with the promised confidence, 0..1.
    """

    name: str
    count: int
    products: int | None
    false: int
    bound: float


@dataclass(frozen=True)
class Kept:
    """What the thresholds leave of the right tags.

    Attributes:
        photos: how many showed a product (of catalogue pictures: how many were asked as a further view).
        possible: on how many the right tag is possible with no thresholds at all.
        kept: on how many it is given.
    """

    photos: int
    possible: int
    kept: int


@dataclass(frozen=True)
class Way:
    """Thresholds for one manner of ranking.

    Attributes:
        second_look: the rule of the second look that was taken; None: ranked by the embedder alone.
        matching: the thresholds.
        kept: what they leave of the right tags; None where nothing could say.
        trials: what they rest on, at least one.
    """

    second_look: SecondLookPart | None
    matching: Matching
    kept: Kept | None
    trials: tuple[Trial, ...]


@dataclass(frozen=True)
class Calibration:
    """What `calibration.json` holds.

    Attributes:
        shard: identity of the shard that it is for, 64 hex digits.
        space_id: embedding space of its vectors.
        bundle: SHA-256 of the description of the bundle that was asked, 64 hex digits.
        max_false_tags: the promised rate of false tags, above 0, below 1.
        confidence: with which it is promised, above 0, below 1.
        basis: "photos", or "products" where there were only catalogue pictures.
        ways: one for each manner of ranking, at least one.
    """

    shard: str
    space_id: str
    bundle: str
    max_false_tags: float
    confidence: float
    basis: Basis
    ways: tuple[Way, ...]

    def way(self, second_look: SecondLookPart | None) -> Way | None:
        """Return the way for a rule of the second look (None: for the embedder alone), or None."""
        return next((way for way in self.ways if way.second_look == second_look), None)


def rule_of(default: SecondLookPart | None, calibrations: Iterable[Calibration | None]) -> SecondLookPart | None:
    """Return the rule of the second look that some catalogues are to be looked at by.

    Args:
        default: the bundle's rule; None: it has none, so there is no second look.
        calibrations: those of the catalogues, None where a catalogue has none.

    Returns:
        The rule that they were calibrated with, where there is one and no other; else the bundle's.
    """
    found = {way.second_look for one in calibrations if one for way in one.ways if way.second_look}
    return default if default is None or len(found) != 1 else found.pop()


def calibration_bytes(calibration: Calibration) -> bytes:
    """Return the file of a calibration."""
    return (json.dumps({"schema": SCHEMA, **asdict(calibration)}, indent=1, allow_nan=False) + "\n").encode()


def write_calibration(root: Path, calibration: Calibration) -> None:
    """Write a calibration into the folder of its shard, whole or not at all.

    Raises:
        OutputError: the folder is not writable or the disk is full.
    """
    write_whole(root / CALIBRATION, calibration_bytes(calibration))


def read_calibration(root: Path) -> Calibration | None:
    """Read the calibration beside a shard; None where there is none.

    Raises:
        ArtefactRefused: it is malformed, or of another schema.
    """
    path = root / CALIBRATION
    try:
        return parse_calibration(path.read_bytes(), str(path))
    except FileNotFoundError:
        return None
    except OSError as e:
        raise ArtefactRefused(f"{path}: cannot be read ({e.strerror or e})") from e


def parse_calibration(data: bytes, where: str) -> Calibration:
    """Read the bytes of a calibration.

    Args:
        data: the file.
        where: names it in error messages.

    Raises:
        ArtefactRefused: it is longer than 64 KiB, malformed, or of another schema.
    """
    if len(data) > MAX_CALIBRATION_BYTES:
        raise ArtefactRefused(f"{where}: {len(data)} bytes, a calibration has at most {MAX_CALIBRATION_BYTES}")
    try:
        top = Fields(json.loads(data), where)
        schema = top.whole("schema")
    except (ValueError, RecursionError, InputError) as e:
        raise ArtefactRefused(f"{where}: is no calibration ({str(e)[:120]})") from e
    if schema != SCHEMA:
        raise ArtefactRefused(f"{where}: calibration schema {schema}, this version reads {SCHEMA}: update this program")
    try:
        return _calibration(top, where)
    except InputError as e:
        raise ArtefactRefused(f"{e}: calibrate again, or remove the file") from e


def _calibration(top: Fields, where: str) -> Calibration:
    ways = tuple(_way(part) for part in top.parts("ways"))
    rules = [way.second_look for way in ways]
    if not ways or len(set(rules)) != len(rules):
        raise InputError(f"{where}: ways: expected each manner of ranking once")
    if not SPACE_PATTERN.fullmatch(top.text("space_id")):
        raise InputError(f"{where}: space_id: expected the name of an embedding space")
    return Calibration(
        shard=_hex(top, "shard", where),
        space_id=top.text("space_id"),
        bundle=_hex(top, "bundle", where),
        max_false_tags=_share(top, "max_false_tags", where),
        confidence=_share(top, "confidence", where),
        basis=cast("Basis", top.one_of("basis", BASES)),
        ways=ways,
    )


def _way(part: Fields) -> Way:
    thresholds = part.part("matching")
    return Way(
        None if part.get("second_look") is None else _rule(part.part("second_look")),
        Matching(thresholds.number("similarity_threshold", -1, 1), thresholds.number("margin_threshold", 0, 2)),
        None if part.get("kept") is None else _kept(part.part("kept")),
        tuple(_trial(trial) for trial in part.parts("trials")),
    )


def _rule(part: Fields) -> SecondLookPart:
    return SecondLookPart(
        part.number("weight", 0, 10), part.number("margin_threshold", 0, 2), part.whole("products", _LARGEST_COUNT)
    )


def _kept(part: Fields) -> Kept:
    photos = part.whole("photos", _LARGEST_COUNT)
    possible = part.whole("possible", photos)
    return Kept(photos, possible, part.whole("kept", possible))


def _trial(part: Fields) -> Trial:
    count = part.whole("count", _LARGEST_COUNT)
    products = None if part.get("products") is None else part.whole("products", count)
    return Trial(part.one_of("name", TRIALS), count, products, part.whole("false", count), part.number("bound", 0, 1))


def _hex(top: Fields, key: str, where: str) -> str:
    text = top.text(key)
    if len(text) != 64 or set(text) - set("0123456789abcdef"):
        raise InputError(f"{where}: {key}: expected 64 hexadecimal digits, found {text[:70]!r}")
    return text


def _share(top: Fields, key: str, where: str) -> float:
    value = top.number(key)
    if not 0 < value < 1:
        raise InputError(f"{where}: {key}: expected a number between 0 and 1, found {value:g}")
    return value
