"""The second look: the first products of a search, ranked again by what is printed on them.

An embedding says what a thing looks like as a whole; of two cartons of one brand it prefers the right one by a hair.
So where the lead is small, the keypoints of the crop are compared with those of each product's views, kept in the
optional pack beside the thumbnails. Of each product the view speaks with which most keypoints agree. What sisters share
does not tell them apart, so a keypoint that agrees with several products is shared out, the nearer a print,
the more. The rule, for a product of similarity s whose shares come to n keypoints:

    e = weight * log(1 + max(0, n - 3)) ; similarity = s + (1 - s) * (1 - exp(-e))

and the products are then ordered by that, equal ones as they were. Up to three agree by chance, and say nothing. Where
no keypoint agrees, or a product has no entry in the pack, its similarity stays what it was. Products beyond the ones
that were looked at follow in their order.

    >>> second_look = open_second_look(bundle.second_look, shards)
    >>> second_look.reorder(crop, candidates)[0].product_id
    'oat-drink-1l'
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from edge.bundle_description import SecondLookPart
from edge.errors import ArtefactRefused
from edge.keypoints import Agreement, Keypoints, agreement, share_out
from edge.preprocessing import ImageArray
from edge.shard import Shard
from edge.shard.calibration import rule_of
from edge.sift import CROP_KEYPOINTS, CROP_SIDE, EXTRA, find_keypoints, is_installed
from edge.tags import Candidate

CHANCE = 3  # wrong products reach it: it is the 0.95 quantile over photos of other things


@dataclass(frozen=True)
class SecondLook:
    """Ranks the first products again by local evidence.

    Attributes:
        rule: weight, lead below which it looks, number of products looked at.
        shards: catalogues, in the order that `Candidate.shard` counts; those without a pack give no evidence.
    """

    rule: SecondLookPart
    shards: tuple[Shard, ...]

    def reorder(self, crop: ImageArray, candidates: Sequence[Candidate]) -> tuple[Candidate, ...]:
        """Look again at the first products, if their lead is small.

        Args:
            crop: (h, w, 3) uint8 RGB; more than 200 pixels a side are not needed.
            candidates: products, best first.

        Returns:
            The same products in their new order, with their new similarities.
        """
        if not self.is_close(candidates):
            return tuple(candidates)
        return self.reorder_seen(find_keypoints(crop, CROP_SIDE, CROP_KEYPOINTS), candidates)

    def is_close(self, candidates: Sequence[Candidate]) -> bool:
        """Return whether the lead of the first product is so small that it looks again."""
        lead = candidates[0].similarity - candidates[1].similarity if len(candidates) > 1 else math.inf
        return lead < self.rule.margin_threshold

    def reorder_seen(self, seen: Keypoints, candidates: Sequence[Candidate]) -> tuple[Candidate, ...]:
        """Look again, whatever the lead, with the keypoints that were found in a crop; see `reorder`."""
        looked_at, rest = candidates[: self.rule.products], candidates[self.rule.products :]
        explained = [self._best_view(seen, candidate) for candidate in looked_at]
        raised = [
            replace(c, similarity=with_evidence(c.similarity, n, self.rule.weight))
            for c, n in zip(looked_at, share_out(seen, explained), strict=True)
        ]
        return (*sorted(raised, key=lambda c: -c.similarity), *rest)

    def _best_view(self, seen: Keypoints, candidate: Candidate) -> Agreement:
        found = (agreement(seen, view) for view in self._views(candidate))
        return max(found, key=lambda one: one.count, default=Agreement.nothing())

    def _views(self, candidate: Candidate) -> list[Keypoints]:
        shard = self.shards[candidate.shard]
        row = shard.find(candidate.product_id)
        if row is None or shard.keypoints is None:
            return []
        entries = (shard.keypoints.get(int(key)) for key in shard.keys[shard.views_of(row)])
        try:
            return [Keypoints.from_bytes(entry) for entry in entries if entry is not None]
        except ValueError as e:
            raise ArtefactRefused(f"{shard.keypoints.root}: not keypoints ({e}): fetch the pack again") from e


def open_second_look(rule: SecondLookPart | None, shards: Sequence[Shard]) -> SecondLook | None:
    """Open the second look by the bundle's rule, or by that which the catalogues were calibrated with.

    Returns:
        None where `why_not` has a reason.

    Raises:
        ArtefactRefused: a shard's pack or calibration is not what it says it is.
    """
    chosen = rule_of(rule, (shard.calibration for shard in shards))
    return None if chosen is None or why_not(chosen, shards) else SecondLook(chosen, tuple(shards))


def why_not(rule: SecondLookPart | None, shards: Sequence[Shard]) -> str | None:
    """Return why there is no second look, as a sentence, or None where there is one.

    Raises:
        ArtefactRefused: a shard's pack is not what it says it is.
    """
    if rule is None:
        return "no second look: the bundle has none"
    if all(shard.keypoints is None for shard in shards):
        return "no second look: no catalogue has a keypoint pack (made by `export catalog --second-look`)"
    if not is_installed():
        return f"no second look: OpenCV is not installed: run `pip install 'taglet[{EXTRA}]'`"
    return None


def with_evidence(similarity: float, agreeing: float, weight: float) -> float:
    """Return the similarity -1..1 raised by keypoints that agree; see the rule at the head of this module."""
    evidence = weight * math.log1p(max(0, agreeing - CHANCE))
    return similarity + (1 - similarity) * (1 - math.exp(-evidence))
