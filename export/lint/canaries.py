"""Canaries: photos whose products must be tagged, whatever else changes in the catalogue.

A CSV file with the columns `photo` and `product_id`; an empty `product_id` means that nothing may be tagged on it.

    photo,product_id
    shop/0001.jpg,oat-milk-1l
    shop/empty-shelf.jpg,
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge.errors import MediaError
from edge.media.sources import open_source
from edge.pipeline import Kit, tag_source
from edge.shard import Shard
from edge.tags import SourceTags, Tag
from export.csv_table import read_csv_table
from export.lint.findings import Finding, Place

COLUMNS = ("photo", "product_id")


@dataclass(frozen=True)
class Canary:
    """One photo that must go on being tagged.

    Attributes:
        line: line of the file that it stands on, from 1.
        photo: path inside the folder of photos.
        product_id: what must be found; empty: nothing may be.
    """

    line: int
    photo: str
    product_id: str


@dataclass(frozen=True)
class CanaryFile:
    """The canaries of a file, and one sentence for each row that cannot be used."""

    canaries: tuple[Canary, ...]
    problems: tuple[str, ...]


@dataclass(frozen=True)
class Sung:
    """What became of the canaries.

    Attributes:
        asked: how many photos could be looked at.
        findings: one for each that does not work any more.
        problems: a sentence for each photo that cannot be read.
    """

    asked: int
    findings: tuple[Finding, ...]
    problems: tuple[str, ...]


WatchCanaries = Callable[[Iterable[Canary], str, int], Iterable[Canary]]


def read_canaries(path: Path) -> CanaryFile:
    """Read a file of canaries.

    Raises:
        InputError: the file is missing, empty, not UTF-8 or not CSV, or lacks a column.
    """
    table = read_csv_table(path, COLUMNS)
    canaries, problems = [], []
    for line, cells in table.rows:
        row = dict(zip(table.names, (cell.strip() for cell in cells), strict=False))
        if not row.get("photo"):
            problems.append(f"{path}, line {line}: no photo is named")
        else:
            canaries.append(Canary(line, row["photo"], row.get("product_id", "")))
    return CanaryFile(tuple(canaries), tuple(problems))


def ask_canaries(kit: Kit, canaries: Sequence[Canary], table: Path, photos: Path, watch: WatchCanaries) -> Sung:
    """Tag every canary's photo as `edge tag` does and return those that do not get what they must.

    Args:
        kit: models and the one shard.
        canaries: the photos.
        table: the file that they come from, for sentences.
        photos: folder that their paths start from.
        watch: shows how far it is.
    """
    findings: list[Finding] = []
    problems = []
    asked = 0
    for canary in watch(canaries, "canaries", len(canaries)):
        try:
            with open_source(str(photos / canary.photo)) as source:
                found = tag_source(kit, source)
        except MediaError as e:
            problems.append(f"{table}, line {canary.line}: {e}")
            continue
        if found.error:
            problems.append(f"{table}, line {canary.line}: {found.error}")
            continue
        asked += 1
        findings += _missed(canary, found, kit.gallery.shards[0])
    return Sung(asked, tuple(findings), tuple(problems))


def _missed(canary: Canary, found: SourceTags, shard: Shard) -> Iterator[Finding]:
    if not canary.product_id:
        for tag in found.tags:
            place = _place(tag)
            sentence = f"is tagged on {canary.photo}, which shows nothing of the catalogue"
            yield Finding("canaries", sentence, place, similarity=tag.candidates[0].similarity, photo=canary.photo)
        return
    tagged = [tag for tag in found.tags if tag.candidates[0].product_id == canary.product_id]
    if any(tag.status == "match" for tag in tagged):
        return
    row = shard.find(canary.product_id)
    title = canary.product_id if row is None else shard.texts("title")[row]
    other, why = _why_not(found, tagged, absent=row is None)
    if other is not None and other.product_id == canary.product_id:
        other = None
    yield Finding(
        "canaries",
        f"is not tagged on {canary.photo}: {why}",
        Place(canary.product_id, title),
        other,
        photo=canary.photo,
    )


def _why_not(found: SourceTags, tagged: Sequence[Tag], absent: bool) -> tuple[Place | None, str]:
    """Return the product that came in its place, if one did, and why, as half a sentence."""
    if absent:
        return None, "the catalogue does not have it"
    if tagged:
        second = tagged[0].candidates[1]
        return Place(second.product_id, second.title), f"ambiguous, it may be {second.title} ({second.product_id})"
    if found.tags:
        place = _place(found.tags[0])
        return place, f"it is taken for {place.title} ({place.product_id})"
    nearest = [one.nearest for one in found.unmatched if one.nearest is not None]
    if nearest:
        best = max(nearest, key=lambda one: one.similarity)
        return Place(best.product_id, best.title), f"no match, {best.title} comes nearest with {best.similarity:.2f}"
    return None, "no object was found on it"


def _place(tag: Tag) -> Place:
    first = tag.candidates[0]
    return Place(first.product_id, first.title)
