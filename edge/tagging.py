"""From appearances to tags: each gets its id by the written rule.

>>> tags = tags_of(appearances, Identity(content_id, space_id, shard_sha256s))
>>> tags[0].tag_id
'4f0c5dd2a9b81e37'
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from edge.tags import Tag, Unmatched
from edge.tracks.appearances import Named
from edge.tracks.votes import margin


@dataclass(frozen=True)
class Identity:
    """What the ids of a source's tags are derived from, beside the appearance.

    Attributes:
        content_id: SHA-256 that names the source's content.
        space_id: the bundle's embedding space, which all its variants share.
        shard_sha256s: identity of each shard, in the order that `Candidate.shard` counts.
    """

    content_id: str
    space_id: str
    shard_sha256s: tuple[str, ...]


def tags_of(appearances: Sequence[Named], identity: Identity) -> tuple[Tag, ...]:
    """Return one tag for each appearance of a product, which stand in the order of their first sighting."""
    ordinals: Counter[tuple[int, str]] = Counter()
    tags = []
    for appearance in appearances:
        shard, product_id = appearance.product
        named = identity.content_id, identity.space_id, identity.shard_sha256s[shard], product_id
        tags.append(_tag(appearance, tag_id(*named, ordinals[appearance.product])))
        ordinals[appearance.product] += 1
    return tuple(tags)


def unmatched_of(appearances: Sequence[Named]) -> tuple[Unmatched, ...]:
    """Return the objects without a product."""
    return tuple(
        Unmatched(one.start_s, one.end_s, one.best, one.trail, one.candidates[0] if one.candidates else None)
        for one in appearances
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


def _tag(appearance: Named, identity: str) -> Tag:
    return Tag(
        tag_id=identity,
        status="match" if appearance.status == "match" else "ambiguous",
        candidates=appearance.candidates,
        margin=margin(appearance.candidates),
        start_s=appearance.start_s,
        end_s=appearance.end_s,
        best=appearance.best,
        trail=appearance.trail,
    )
