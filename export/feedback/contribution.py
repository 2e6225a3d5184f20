"""Contributed vectors on their way into a build: the file, the canaries' objects, the guard."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edge.bundle import Bundle
from edge.command_line import progress
from edge.contributed import ContributedView, read_contributed
from edge.detections import Float32s
from edge.errors import MediaError
from edge.gallery import Gallery
from edge.inference.hardware import hardware_of
from edge.pipeline import Kit
from export.catalog.extra import Base, ExtraViews
from export.evaluation.photos import objects_of, open_photo
from export.feedback.guard import Guard, Judged, guard
from export.feedback.harm import Sightings
from export.lint.canaries import Canary, read_canaries


@dataclass
class Contribution:
    """What devices contributed, and what must not be lost to it.

    Attributes:
        views: vectors of one file.
        rule: what is asked of them.
        canaries: photos that must go on being tagged.
        objects: float32 (n, ndim), the objects on each canary's photo.
        problems: a sentence for each line or photo that could not be used.
        judged: what became of the vectors; None until a build has asked.
    """

    views: tuple[ContributedView, ...]
    rule: Guard
    canaries: tuple[Canary, ...]
    objects: tuple[Float32s, ...]
    problems: tuple[str, ...]
    judged: Judged | None = None

    def views_for(self, base: Base) -> ExtraViews:
        """Return what the guard lets through, for the catalogue's own pictures."""
        self.judged = guard(self.views, base, self.rule, self._sightings(base))
        return self.judged.views

    def _sightings(self, base: Base) -> Sightings | None:
        if not self.canaries:
            return None
        row_of = {product_id: row for row, product_id in enumerate(base.product_ids)}
        rows = [row_of.get(canary.product_id, -1) for canary in self.canaries]
        known = [not c.product_id or c.product_id in row_of for c in self.canaries]
        pairs = [(row, objects) for row, objects, k in zip(rows, self.objects, known, strict=True) if k]
        product = np.concatenate([np.zeros(0, np.int64), *(np.full(len(o), row) for row, o in pairs)])
        nothing = np.zeros((0, base.views.vectors.shape[1]), np.float32)
        return Sightings(np.concatenate([nothing, *(o for _, o in pairs)]), product.astype(np.int64))


def open_contribution(args: argparse.Namespace, bundle: Bundle) -> Contribution:
    """Read what `--views` and `--canaries` name.

    Raises:
        InputError: a file cannot be read.
        ArtefactRefused: it is no file of contributed views.
    """
    file = read_contributed(args.views)
    rule = Guard(bundle.matching, bundle.space_id, args.devices)
    if args.canaries is None:
        return Contribution(file.views, rule, (), (), file.problems)
    canaries = read_canaries(args.canaries)
    hardware = hardware_of(args)
    gallery = Gallery([], bundle.space_id, bundle.name)
    kit = Kit(bundle, bundle.open_detector(hardware), bundle.open_embedder(hardware), gallery)
    usable, objects, problems = _objects(kit, canaries.canaries, args.canaries, args.images)
    return Contribution(file.views, rule, usable, objects, (*file.problems, *canaries.problems, *problems))


def _objects(
    kit: Kit, canaries: Sequence[Canary], table: Path, photos: Path
) -> tuple[tuple[Canary, ...], tuple[Float32s, ...], list[str]]:
    """Embed the objects on every canary's photo that can be read."""
    usable, objects, problems = [], [], []
    for canary in progress(canaries, "canaries", len(canaries), "photo"):
        try:
            objects.append(objects_of(kit, open_photo(photos / canary.photo).image, "detector").embeddings)
            usable.append(canary)
        except MediaError as e:
            problems.append(f"{table}, line {canary.line}: {e}")
    return tuple(usable), tuple(objects), problems
