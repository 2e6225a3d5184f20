"""From sightings to tags: the same product seen again soon is one appearance, and one appearance is one tag.

This is the seam for tracks: whoever follows objects between frames replaces `_same_appearance`.

    >>> appearances = Appearances(matching, max_gap_s=1.5)
    >>> appearances.observe(sighting)
    >>> tags, unmatched = appearances.close(content_id, space_id, shard_sha256s)
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from PIL import Image

from edge.bundle import Matching
from edge.geometry import iou
from edge.preprocessing import ImageArray
from edge.shard.vectors import Int8s
from edge.tags import Box, Candidate, Moment, Tag, Unmatched

CROP_SIDE = 200
SAME_PLACE_IOU = 0.2
Reconsider = Callable[[ImageArray, Sequence[Candidate]], tuple[Candidate, ...]]


@dataclass(frozen=True)
class Sighting:
    """One object in one frame.

    Attributes:
        timestamp_s: seconds from the start of the source.
        xyxy: box in pixels of the source as it is shown.
        confidence: the detector's, 0..1.
        crop: (h, w, 3) uint8 RGB.
        candidates: products, best first; empty where the catalogue is.
        vector: int8 (ndim,), what was searched with; None where it is not kept.
    """

    timestamp_s: float
    xyxy: Box
    confidence: float
    crop: ImageArray
    candidates: tuple[Candidate, ...]
    vector: Int8s | None = None


@dataclass
class _Appearance:
    """One object over time; keeps its best sighting, and of the others only time and box."""

    best: Sighting
    trail: list[tuple[float, Box]] = field(default_factory=list)

    @property
    def product(self) -> tuple[int, str]:
        first = self.best.candidates[0]
        return first.shard, first.product_id

    def take_in(self, other: _Appearance) -> None:
        """Become one with another appearance of the same product, which did not begin earlier."""
        self.trail = sorted([*self.trail, *other.trail], key=lambda seen: seen[0])
        if _strength(other.best, matched=True) > _strength(self.best, matched=True):
            self.best = other.best


class Appearances:
    """Gathers the sightings of one source, in the order of time, into appearances."""

    def __init__(self, matching: Matching, max_gap_s: float, reconsider: Reconsider | None = None) -> None:
        """Start with nothing seen.

        Args:
            matching: thresholds of the bundle or the shard.
            max_gap_s: an object that comes back within this many seconds is the same appearance.
            reconsider: gives the best crop and the candidates of an appearance another order, once, when all is seen.
        """
        self._matching = matching
        self._reconsider = reconsider
        self._max_gap_s = max_gap_s
        self._matched: list[_Appearance] = []
        self._unmatched: list[_Appearance] = []

    def observe(self, sighting: Sighting) -> None:
        """Add one sighting, not earlier than those before it."""
        matched = self._is_match(sighting)
        group = self._matched if matched else self._unmatched
        for appearance in reversed(group):
            if self._same_appearance(appearance, sighting, matched):
                break
        else:
            appearance = _Appearance(_with_small_crop(sighting))
            group.append(appearance)
        appearance.trail.append((sighting.timestamp_s, sighting.xyxy))
        if _strength(sighting, matched) > _strength(appearance.best, matched):
            appearance.best = _with_small_crop(sighting)

    def close(
        self, content_id: str, space_id: str, shard_sha256s: Sequence[str]
    ) -> tuple[tuple[Tag, ...], tuple[Unmatched, ...]]:
        """Return the tags and the objects without a product, each in order of the first sighting."""
        if self._reconsider is not None:
            self._look_again(self._reconsider)
        ordinals: Counter[tuple[int, str]] = Counter()
        tags = []
        for appearance in self._matched:
            shard, product_id = appearance.product
            identity = content_id, space_id, shard_sha256s[shard], product_id, ordinals[appearance.product]
            ordinals[appearance.product] += 1
            tags.append(self._tag(appearance, tag_id(*identity)))
        return tuple(tags), tuple(_unmatched(appearance) for appearance in self._unmatched)

    def _is_match(self, sighting: Sighting) -> bool:
        similarity = sighting.candidates[0].similarity if sighting.candidates else -1.0
        return similarity >= self._matching.similarity_threshold

    def _look_again(self, reconsider: Reconsider) -> None:
        """Reconsider every appearance; those that turn out to be of one product, with no gap between, become one."""
        seen = sorted([*self._matched, *self._unmatched], key=lambda appearance: appearance.trail[0][0])
        self._matched, self._unmatched = [], []
        for appearance in seen:
            best = appearance.best
            appearance.best = replace(best, candidates=reconsider(best.crop, best.candidates))
            if not self._is_match(appearance.best):
                self._unmatched.append(appearance)
            elif (before := self._same_product(appearance)) is not None:
                before.take_in(appearance)
            else:
                self._matched.append(appearance)

    def _same_product(self, appearance: _Appearance) -> _Appearance | None:
        start_s = appearance.trail[0][0]
        for before in reversed(self._matched):
            if before.product == appearance.product and start_s - before.trail[-1][0] <= self._max_gap_s:
                return before
        return None

    def _same_appearance(self, appearance: _Appearance, sighting: Sighting, matched: bool) -> bool:
        last_s, last_xyxy = appearance.trail[-1]
        if sighting.timestamp_s - last_s > self._max_gap_s:
            return False
        if matched:
            first = sighting.candidates[0]
            return appearance.product == (first.shard, first.product_id)
        if sighting.timestamp_s == last_s:
            return False
        overlap = iou(np.array([last_xyxy], np.float32), np.array([sighting.xyxy], np.float32))
        return bool(overlap[0, 0] >= SAME_PLACE_IOU)

    def _tag(self, appearance: _Appearance, identity: str) -> Tag:
        best, candidates = appearance.best, appearance.best.candidates
        margin = candidates[0].similarity - candidates[1].similarity if len(candidates) > 1 else 1.0
        return Tag(
            tag_id=identity,
            status="match" if margin >= self._matching.margin_threshold else "ambiguous",
            candidates=candidates,
            margin=margin,
            start_s=appearance.trail[0][0],
            end_s=appearance.trail[-1][0],
            best=Moment(best.timestamp_s, best.xyxy, best.crop, best.vector),
            trail=tuple(appearance.trail),
        )


def tag_id(content_id: str, space_id: str, shard_sha256: str, product_id: str, ordinal: int) -> str:
    """Return the id of a tag: 16 hex digits that every implementation derives alike.

    Args:
        content_id: SHA-256 that names the source's content.
        space_id: the bundle's embedding space, which all its variants share.
        shard_sha256: identity of the shard.
        product_id: the product.
        ordinal: 0 for the product's first appearance in the source, 1 for its second, ...
    """
    text = "\n".join(["tag:1", content_id, space_id, shard_sha256, product_id, str(ordinal)])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _strength(sighting: Sighting, matched: bool) -> float:
    return sighting.candidates[0].similarity if matched else sighting.confidence


def _unmatched(appearance: _Appearance) -> Unmatched:
    best = appearance.best
    return Unmatched(
        start_s=appearance.trail[0][0],
        end_s=appearance.trail[-1][0],
        best=Moment(best.timestamp_s, best.xyxy, best.crop, best.vector),
        trail=tuple(appearance.trail),
        nearest=best.candidates[0] if best.candidates else None,
    )


def _with_small_crop(sighting: Sighting) -> Sighting:
    """Return the sighting with a small copy of its crop, so that it holds no whole frame in memory."""
    picture = Image.fromarray(np.ascontiguousarray(sighting.crop))
    picture.thumbnail((CROP_SIDE, CROP_SIDE))
    return replace(sighting, crop=np.array(picture))
