"""Which of the vectors that creators shared become views of a catalogue: only what several devices agree on.

The rule, in its order (docs/feedback.md says what it is for and what it does not prevent):

1. A vector speaks for its product only where the catalogue's own pictures would tag it so: as similar to them as a tag
   must be, and nearer to them than to any picture of another product.
2. A device has one voice for a product: of its vectors the one that the others are most like.
3. A view is made of the voices that agree (as similar to the middle one as a tag must be), of as many devices as are
   asked for: each of its numbers is the median of theirs (the coordinate-wise median; Yin, Chen, Ramchandran and
   Bartlett, Byzantine-robust distributed learning, ICML 2018). So no device's vector is published, and with three
   voices or more no single one moves a number out of the range of the others. The next view of the product is made of
   the voices that are left.
4. The view itself must be tagged as its product surely, by the catalogue's own pictures.
5. It must not make a picture of another product lose, nor a canary, nor a voice that speaks for another product: what
   photos have in common would else draw the photos of products that no device has spoken for. So one device can keep
   a view from being added, but never have one added.

Pictures are never replaced, moved or left out: views are only added, at most a few for each product.

    >>> guard(read_contributed(path).views, base, Guard(bundle.matching, bundle.space_id)).views
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from edge.bundle import Matching
from edge.contributed import ContributedView
from edge.detections import Float32s
from edge.shard.vectors import quantize, view_key
from export.catalog.extra import Base, ExtraViews
from export.catalog.scanning import unit
from export.feedback.harm import TAKES_A_VOICE, Made, Sightings, harms, held_against, without_takers

DEVICES = LEAST_DEVICES = 3
"""The median of two is their mean, which one of them moves."""
PER_PRODUCT = 2
MOST_VECTORS = 200
"""Of a device's vectors for a product so many are looked at, in an order that a device cannot choose."""


@dataclass(frozen=True)
class Guard:
    """What is asked of contributed vectors.

    Attributes:
        matching: thresholds that tags are judged by.
        space_id: embedding space of the catalogue.
        devices: how many must agree, at least 3.
        per_product: most views that are added to a product.
    """

    matching: Matching
    space_id: str
    devices: int = DEVICES
    per_product: int = PER_PRODUCT


@dataclass(frozen=True)
class Judged:
    """What became of contributed vectors.

    Attributes:
        views: to add.
        contributed: vectors that came.
        devices: how many devices they are of.
        left_out: how many vectors, or views made of them, did not count, by reason.
    """

    views: ExtraViews
    contributed: int
    devices: int
    left_out: Mapping[str, int]


NOT_OF_THIS_CATALOGUE = "of another embedding space or of no product here"
NOT_LIKE_IT = "not like the pictures of their product, or more like those of another"
TOO_FEW = "of products that too few devices agree on"


def guard(contributed: Sequence[ContributedView], base: Base, rule: Guard, canaries: Sightings | None = None) -> Judged:
    """Return the views that contributed vectors amount to.

    Args:
        contributed: vectors from one file.
        base: the catalogue's own pictures.
        rule: what is asked of them.
        canaries: objects that must not be lost.
    """
    left_out: Counter[str] = Counter()
    spoken = _believable(contributed, base, rule, left_out)
    voices = {row: [_middle(said) for _, said in sorted(of.items())] for row, of in sorted(spoken.items())}
    made: list[Made] = []
    for row, of in voices.items():
        agreed = list(_agreed(of, rule))
        if not agreed:
            left_out[TOO_FEW] += sum(map(len, spoken[row].values()))
        made += [(row, vector) for vector in agreed]
    reasons = harms(made, base, rule.matching, canaries)
    left_out.update(reason for reason in reasons if reason)
    made = [one for one, reason in zip(made, reasons, strict=True) if reason is None]
    kept = without_takers(made, voices, base)
    left_out[TAKES_A_VOICE] += len(made) - len(kept)
    return Judged(_as_views(kept, base), len(contributed), len({view.voice for view in contributed}), dict(left_out))


def _as_views(kept: Sequence[Made], base: Base) -> ExtraViews:
    vectors = [quantize(vector[None])[0] for _, vector in kept]
    keys = [
        view_key(base.product_ids[row], hashlib.sha256(b"contributed\0" + vector.tobytes()).digest())
        for (row, _), vector in zip(kept, vectors, strict=True)
    ]
    ndim = base.views.vectors.shape[1]
    return ExtraViews(
        np.array(keys, np.uint64),
        np.array(vectors, np.int8).reshape(-1, ndim),
        np.array([row for row, _ in kept], np.int64),
    )


def _believable(
    contributed: Sequence[ContributedView], base: Base, rule: Guard, left_out: Counter[str]
) -> dict[int, dict[str, list[Float32s]]]:
    """Return the vectors that the catalogue's own pictures bear out, by product row and device."""
    row_of = {product_id: row for row, product_id in enumerate(base.product_ids)}
    ndim = base.views.vectors.shape[1]
    usable = [
        v for v in contributed if v.space_id == rule.space_id and v.product_id in row_of and len(v.vector) == ndim
    ]
    left_out[NOT_OF_THIS_CATALOGUE] += len(contributed) - len(usable)
    unique = sorted({(view.voice, row_of[view.product_id], view.vector) for view in usable}, key=_shuffled)
    vectors = np.frombuffer(b"".join(vector for _, _, vector in unique), np.int8).reshape(-1, ndim)
    product = np.array([row for _, row, _ in unique], np.int64)
    own, other = held_against(unit(vectors), product, base)
    fits = (own >= rule.matching.similarity_threshold) & (own > other)
    left_out[NOT_LIKE_IT] += len(unique) - int(fits.sum())
    spoken: dict[int, dict[str, list[Float32s]]] = defaultdict(lambda: defaultdict(list))
    for at in np.flatnonzero(fits).tolist():
        said = spoken[unique[at][1]][unique[at][0]]
        if len(said) < MOST_VECTORS:
            said.append(unit(vectors[at : at + 1])[0])
    return spoken


def _shuffled(one: tuple[str, int, bytes]) -> bytes:
    """Return what vectors are ordered by: the voice is drawn anew for each file, so nobody can aim at a place."""
    return hashlib.sha256(one[0].encode() + one[2]).digest()


def _middle(said: Sequence[Float32s]) -> Float32s:
    """Return the vector that the others are most like."""
    stacked = np.stack(said)
    return np.asarray(stacked[int((stacked @ stacked.T).sum(axis=1).argmax())], np.float32)


def _agreed(voices: Sequence[Float32s], rule: Guard) -> Iterator[Float32s]:
    """Yield the median of each group of voices that agree, the largest group first; a voice is in one group only."""
    left = np.stack(voices)
    for _ in range(rule.per_product):
        if len(left) < rule.devices:
            return
        likeness = left @ left.T
        agree = likeness >= rule.matching.similarity_threshold
        strength = agree.sum(axis=1) + likeness.mean(axis=1) / 4  # the mean only decides between groups of one size
        members = agree[int(strength.argmax())]
        if members.sum() < rule.devices:
            return
        yield unit(np.median(left[members], axis=0, keepdims=True))[0]
        left = left[~members]
