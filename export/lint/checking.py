"""The spine of `export lint`: shard -> every check -> findings -> checks of a verdict.

>>> linted = lint(open_shard(Path("shard")), bundle.matching, Material())
>>> [check["name"] for check in linted.checks() if not check["passed"]]
['same_picture']
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from edge.bundle import Matching
from edge.errors import ArtefactRefused
from edge.pipeline import Kit
from edge.shard import Shard
from export.catalog.items import Items
from export.catalog.limits import DRAWS, Limits
from export.catalog.scanning import MOST_PAIRS, Views, of_the_catalogue, scan
from export.lint.canaries import Canary, ask_canaries
from export.lint.findings import BY_NAME, CHECKS, Finding, Level, Place
from export.lint.neighbours import alike, misfits
from export.lint.pictures import empty_vectors, picture_files, thumbnails
from export.lint.places import Pictures, Places, pictures_of
from export.lint.shadows import find_shadowed

T = TypeVar("T")
EQUAL = 1 - 1e-6
"""Similarity, in float32, of equal vectors at least."""


def unwatched(things: Iterable[T], doing: str, total: int) -> Iterator[T]:
    """Yield things, show nothing."""
    return iter(things)


@dataclass(frozen=True)
class Material:
    """What there is beside the shard.

    Attributes:
        items: ITEMS.csv, if its pictures are to be looked at.
        table: the file that it was read from.
        images: folder of pictures and of canaries' photos.
        canaries: photos that must be tagged.
        canary_table: the file that they were read from.
        kit: models and the shard, to ask canaries with.
        watch: shows how far a check is.
    """

    items: Items | None = None
    table: Path = Path()
    images: Path = Path()
    canaries: Sequence[Canary] = ()
    canary_table: Path = Path()
    kit: Kit | None = None
    watch: Callable[[Iterable[Any], str, int], Iterable[Any]] = unwatched


@dataclass(frozen=True)
class Linted:
    """What was found.

    Attributes:
        rule: the limits.
        findings: in the order of `CHECKS`, the worst first.
        looked_at: how many things each check looked at; 0 means that it had nothing to look at.
        notes: sentences on what could not be looked at.
        problems: a sentence for each input that could not be used.
        pictures: the files of the views, where ITEMS.csv was given.
        photos: folder of the canaries' photos.
    """

    rule: Limits
    findings: tuple[Finding, ...]
    looked_at: Mapping[str, int]
    notes: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    pictures: Pictures | None = None
    photos: Path = Path()

    def checks(self, allowed: Iterable[str] = (), strict: bool = False) -> tuple[dict[str, Any], ...]:
        """Return what a verdict says of each check.

        Args:
            allowed: names of checks that only warn here.
            strict: whether all others fail on a finding.
        """
        count = Counter(finding.check for finding in self.findings)
        levels = {kind.name: _level(kind.level, kind.name in set(allowed), strict) for kind in CHECKS}
        return tuple(
            {
                "name": name,
                "passed": level == "warns" or not count[name],
                "level": level,
                "findings": count[name],
                "looked_at": self.looked_at[name],
            }
            for name, level in levels.items()
        )


def _level(level: Level, allowed: bool, strict: bool) -> Level:
    return "warns" if allowed else "fails" if strict else level


@dataclass
class _Gathered:
    """What has been found so far."""

    findings: list[Finding] = field(default_factory=list)
    looked_at: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def lint(shard: Shard, matching: Matching, material: Material) -> Linted:
    """Run every check on a shard.

    Args:
        shard: that is to be published.
        matching: the thresholds that its tags are judged by.
        material: pictures and canaries.
    """
    rule, views, so_far = Limits.of(matching), Views.of(shard), _Gathered()
    pictures = None
    if material.items is not None:
        pictures = pictures_of(material.items, material.table, material.images, material.watch)
        so_far.problems += pictures.problems
        if unusable := len(material.items.problems):
            so_far.notes.append(f"{unusable} rows of {material.table} cannot be used: `export catalog` says why")
    places = Places(shard, pictures)
    _ask_canaries(material, so_far)
    _look_at_pictures(shard, views, places, material, so_far)
    _hold_together(views, rule, places, material, so_far)
    order = {kind.name: place for place, kind in enumerate(CHECKS)}
    found = sorted(so_far.findings, key=lambda finding: order[finding.check])  # stable: each check has its own order
    looked_at = {name: so_far.looked_at[name] for name in BY_NAME}
    return Linted(rule, tuple(found), looked_at, tuple(so_far.notes), tuple(so_far.problems), pictures, material.images)


def _ask_canaries(material: Material, so_far: _Gathered) -> None:
    if material.kit is None:
        so_far.notes.append("no canaries were given: --canaries FILE.csv names photos that must go on being tagged")
        return
    sung = ask_canaries(material.kit, material.canaries, material.canary_table, material.images, material.watch)
    so_far.findings += sung.findings
    so_far.problems += sung.problems
    so_far.looked_at["canaries"] = sung.asked


def _look_at_pictures(shard: Shard, views: Views, places: Places, material: Material, so_far: _Gathered) -> None:
    so_far.findings += empty_vectors(views, places)
    if places.pictures is not None:
        known = sum(int(key) in places.pictures.image for key in shard.keys)
        if known < shard.views:
            so_far.notes.append(f"{shard.views - known} of {shard.views} views are not of a picture in ITEMS.csv")
        so_far.findings += picture_files(shard, places.pictures, places, material.watch)
        so_far.looked_at.update(blank_pictures=known, broken_pictures=known)
    try:
        pack = shard.thumbnails
    except ArtefactRefused as e:
        so_far.findings.append(
            Finding("broken_pictures", f"the thumbnails cannot be used: {e}", Place("", shard.catalog))
        )
        return
    if pack is not None:
        blank_already = {f.place.key for f in so_far.findings if f.check == "blank_pictures"}
        found = thumbnails(shard, places, material.watch)
        so_far.findings += [f for f in found if f.check != "blank_pictures" or f.place.key not in blank_already]
        so_far.looked_at.update(blank_pictures=len(pack), broken_pictures=len(pack))
    elif places.pictures is None:
        so_far.notes.append(
            "no pictures were looked at: give --items ITEMS.csv --images DIR, or build with --thumbnails"
        )


def _hold_together(views: Views, rule: Limits, places: Places, material: Material, so_far: _Gathered) -> None:
    scanned = scan(of_the_catalogue(views), views, min(rule.near, EQUAL), material.watch, "comparing views")
    pairs = list(alike(scanned, views, rule, places))
    so_far.findings += [*pairs, *misfits(scanned, views, rule, places)]
    if scanned.pairs_left_off:
        so_far.notes.append(f"more than {MOST_PAIRS} pairs of products are alike: the others are not listed")
    of_twins = {p.product_id for f in pairs if f.check == "same_picture" for p in (f.place, f.other) if p}
    for row, shadow in find_shadowed(views, rule.photo, material.watch).items():
        place, by = places.product(row), places.product(shadow.by)
        if place.product_id in of_twins:
            continue
        sentence = f"wins none of {DRAWS} imagined photos, {by.title} ({by.product_id}) wins {shadow.share:.0%} of them"
        so_far.findings.append(Finding("shadowed", sentence, place, by))
    alone = sum(count == 1 for count in _views_of_each(views))
    so_far.looked_at.update(same_picture=len(views), near_duplicates=views.products, shadowed=views.products)
    so_far.looked_at["misfits"] = len(views) - alone
    if alone:
        so_far.notes.append(f"{alone} products have one view only: whether it is theirs, only canaries can tell")


def _views_of_each(views: Views) -> list[int]:
    return [int(b - a) for a, b in zip(views.offsets[:-1], views.offsets[1:], strict=True)]
