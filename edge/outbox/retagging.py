"""Tag now, tag again later: what a newer catalogue says of objects whose vectors were kept, without their pictures.

    >>> chosen = choose(home, ["clip.mp4"], every=False)  # edge.outbox.choosing
    >>> again = retag(chosen.sources, Catalogue(gallery, bundle.matching), decided={})
    >>> [one.change for one in again.tags]
    ['same', 'product']

What the vector alone cannot know stays as it was: a similarity that a second look raised, or that several crops voted
on, counts on for every product whose nearest picture is still the same. So an unchanged catalogue changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from edge.bundle import Matching
from edge.gallery import Gallery
from edge.outbox.draft_tables import Draft, KeptObject
from edge.outbox.drafts import SourceDraft, ratio
from edge.shard import Shard
from edge.shard.record import ProductRecord
from edge.shard.vectors import Int8s, best_cosine
from edge.tagging import tag_id

LOOKED_UP = 10
ALTERNATIVES = 4
ROUNDED = 0.0001
"""What similarities are kept to."""
SAME_COSINE = 2 * ROUNDED
Status = Literal["match", "ambiguous", "unmatched"]
Change = Literal["same", "details", "ambiguous", "clear", "product", "no_match", "gone", "found", "unmatched"]
"""What became of a draft:

- `same`: nothing. `details`: another title, price or currency.
- `ambiguous`, `clear`: the same product, but now unsure, or now sure.
- `product`: another product. `no_match`: no product any more. `gone`: likewise, and the catalogue has lost it.
- `found`: an object that was like no product is like one now. `unmatched`: it still is not.
"""


@dataclass(frozen=True)
class Catalogue:
    """What is asked.

    Attributes:
        gallery: the catalogues, of one embedding space.
        matching: returns the thresholds for a shard, and for whether a second look was taken.
    """

    gallery: Gallery
    matching: Callable[[Shard, bool], Matching]


@dataclass(frozen=True)
class Named:
    """A product that an object may be.

    Attributes:
        shard: that has it.
        record: what the catalogue says of it.
        similarity: -1..1.
        cosine: by the vector alone.
        kept: whether the similarity is that of before, to 0.0001.
    """

    shard: Shard
    record: ProductRecord
    similarity: float
    cosine: float
    kept: bool = False


@dataclass(frozen=True)
class Answer:
    """What a catalogue says of an object.

    Attributes:
        status: how sure.
        candidates: products, best first; empty where the catalogue is.
        margin: lead of the first, 0..2; 1 where there is no second.
    """

    status: Status
    candidates: tuple[Named, ...]
    margin: float


@dataclass(frozen=True)
class RetaggedTag:
    """A tag, asked again.

    Attributes:
        was: as it was.
        change: what became of it.
        answer: what the catalogue says now.
        now: the draft that takes its place; None where it stays as it was: decided on, or no product any more.
        decided: the decision that was made on it; None: none yet.
    """

    was: Draft
    change: Change
    answer: Answer
    now: Draft | None
    decided: str | None


@dataclass(frozen=True)
class RetaggedObject:
    """An object that was like no product, asked again.

    Attributes:
        was: as it was.
        change: "found" or "unmatched".
        answer: what the catalogue says now.
        now: the tag that it becomes; None where it still is like no product.
    """

    was: KeptObject
    change: Change
    answer: Answer
    now: Draft | None


@dataclass(frozen=True)
class Retagged:
    """What was asked again.

    Attributes:
        tags: in the order of the drafts.
        objects: likewise.
        without_vector: tags whose vector was not kept.
    """

    tags: tuple[RetaggedTag, ...]
    objects: tuple[RetaggedObject, ...]
    without_vector: tuple[Draft, ...]

    @property
    def all(self) -> tuple[RetaggedTag | RetaggedObject, ...]:
        """Tags, then objects."""
        return (*self.tags, *self.objects)


def retag(drafts: Sequence[SourceDraft], catalogue: Catalogue, decided: Mapping[str, str]) -> Retagged:
    """Ask a catalogue about everything that was kept, in one search.

    Args:
        drafts: of the catalogue's embedding space.
        catalogue: what is asked.
        decided: kind of the decision by tag_id; such tags are asked but stay as they are.
    """
    tags = [tag for source in drafts for tag in source.tags]
    asked: list[Draft | KeptObject] = [tag for tag in tags if tag.vector is not None]
    asked += [one for source in drafts for one in source.objects]
    answers = list(_answers(asked, catalogue))
    again = [
        _again(draft, answer, catalogue, decided.get(draft.tag_id))
        for draft, answer in zip(asked, answers, strict=True)
        if isinstance(draft, Draft)
    ]
    taken = {draft.tag_id for draft in tags}
    objects = [
        _found(one, answer, taken) for one, answer in zip(asked, answers, strict=True) if isinstance(one, KeptObject)
    ]
    return Retagged(tuple(again), tuple(objects), tuple(tag for tag in tags if tag.vector is None))


def _answers(asked: Sequence[Draft | KeptObject], catalogue: Catalogue) -> Iterator[Answer]:
    """Yield the answer to each vector: what the gallery finds, with what was known better of unchanged products."""
    if not asked:
        return
    vectors = np.stack([np.frombuffer(one.vector or b"", np.int8) for one in asked])
    found = catalogue.gallery.search(vectors.astype(np.float32), LOOKED_UP)
    shards = catalogue.gallery.shards
    for one, vector, places, rows, values in zip(
        asked, vectors, found.shard, found.product, found.similarity, strict=True
    ):
        named = [
            Named(shards[place], shards[place].record(row), value, value)
            for place, row, value in zip(places.tolist(), rows.tolist(), values.tolist(), strict=True)
            if row >= 0
        ]
        yield _answer(one, _with_what_was_known(one, vector, named, shards), catalogue)


def _with_what_was_known(
    one: Draft | KeptObject, vector: Int8s, found: Sequence[Named], shards: Sequence[Shard]
) -> list[Named]:
    """Give products whose nearest picture is the same as before the similarity that they had before."""
    named = {candidate.record.product_id: candidate for candidate in found}
    for product_id, similarity, cosine in _known_before(one):
        now = named.get(product_id) or _look_up(product_id, vector, shards)
        if now is not None:
            same = abs(now.cosine - cosine) <= SAME_COSINE
            named[product_id] = replace(now, similarity=similarity, kept=True) if same else now
    return list(named.values())


def _known_before(one: Draft | KeptObject) -> Iterator[tuple[str, float, float]]:
    """Yield each product that was considered, with its similarity and that of the vector alone."""
    if isinstance(one, Draft):
        before = [[one.product_id, one.similarity], *json.loads(one.alternatives)]
        cosines = json.loads(one.cosines) if one.cosines else [similarity for _, similarity in before]
        for (product_id, similarity), cosine in zip(before, cosines, strict=False):
            yield product_id, similarity, cosine
    elif one.nearest is not None and one.similarity is not None and one.cosine is not None:
        yield one.nearest, one.similarity, one.cosine


def _look_up(product_id: str, vector: Int8s, shards: Sequence[Shard]) -> Named | None:
    """Return a product that is not among the nearest any more; the newest catalogue that has it counts."""
    for shard in sorted(shards, key=lambda shard: -shard.version):
        row = shard.find(product_id)
        if row is not None:
            cosine = best_cosine(shard.vectors[shard.views_of(row)], vector)
            return Named(shard, shard.record(row), cosine, cosine)
    return None


def _answer(one: Draft | KeptObject, named: Sequence[Named], catalogue: Catalogue) -> Answer:
    candidates = tuple(sorted(named, key=lambda candidate: -candidate.similarity))
    if not candidates:
        return Answer("unmatched", (), 1.0)
    first, second = candidates[0], candidates[1] if len(candidates) > 1 else None
    margin = 1.0 if second is None else first.similarity - second.similarity
    matching = catalogue.matching(first.shard, bool(one.looked_again))
    was_tag = isinstance(one, Draft)
    if isinstance(one, KeptObject) and _is_what_it_was_asked(one, catalogue):
        return Answer("unmatched", candidates, margin)
    if first.similarity < matching.similarity_threshold - (ROUNDED if first.kept and was_tag else 0):
        return Answer("unmatched", candidates, margin)
    if isinstance(one, Draft) and first.kept and (second is None or second.kept):
        near = abs(margin - matching.margin_threshold) <= 2 * ROUNDED  # too near to be decided by rounded numbers
        if near and first.record.product_id == one.product_id:
            return Answer("match" if one.status == "match" else "ambiguous", candidates, margin)
    return Answer("match" if margin >= matching.margin_threshold else "ambiguous", candidates, margin)


def _is_what_it_was_asked(one: KeptObject, catalogue: Catalogue) -> bool:
    return sorted(json.loads(one.shards)) == sorted(shard.sha256 for shard in catalogue.gallery.shards)


def _again(draft: Draft, answer: Answer, catalogue: Catalogue, decided: str | None) -> RetaggedTag:
    change = _change(draft, answer, catalogue)
    stays = decided is not None or answer.status == "unmatched"
    return RetaggedTag(draft, change, answer, None if stays else _anew(draft, answer), decided)


def _change(draft: Draft, answer: Answer, catalogue: Catalogue) -> Change:
    if answer.status == "unmatched":
        there = any(shard.find(draft.product_id) is not None for shard in catalogue.gallery.shards)
        return "no_match" if there else "gone"
    record = answer.candidates[0].record
    if record.product_id != draft.product_id:
        return "product"
    if answer.status != draft.status:
        return "ambiguous" if answer.status == "ambiguous" else "clear"
    priced = draft.price is None or (draft.price, draft.currency) == (record.price, record.currency)
    return "same" if priced and draft.title == record.title else "details"


def _anew(draft: Draft, answer: Answer) -> Draft:
    """Return the draft with what the catalogue says now; its tag_id stays, so that what was printed stays true."""
    first, *others = answer.candidates[: 1 + ALTERNATIVES]
    return replace(
        draft,
        catalog=first.shard.catalog,
        catalog_version=first.shard.version,
        shard_sha256=first.shard.sha256,
        shard_path=str(first.shard.root.resolve()).encode("utf-8", "replace").decode(),
        product_id=first.record.product_id,
        title=first.record.title,
        similarity=min(1.0, max(-1.0, ratio(first.similarity))),
        margin=min(2.0, max(0.0, ratio(answer.margin))),
        status=answer.status,
        alternatives=json.dumps([[o.record.product_id, ratio(o.similarity)] for o in others], ensure_ascii=False),
        price=first.record.price,
        currency=first.record.currency,
        cosines=json.dumps([ratio(one.cosine) for one in (first, *others)]),
    )


def _found(one: KeptObject, answer: Answer, taken: set[str]) -> RetaggedObject:
    if answer.status == "unmatched":
        return RetaggedObject(one, "unmatched", answer, None)
    first = answer.candidates[0]
    ordinal = 0
    while (new := tag_id(one.content_id, one.space_id, first.shard.sha256, first.record.product_id, ordinal)) in taken:
        ordinal += 1
    taken.add(new)
    blank = Draft(
        new, one.content_id, "", 0, "", "", one.space_id, "", "", 0.0, 0.0, "", one.start_s, one.end_s, "[]", one.vector
    )
    return RetaggedObject(one, "found", answer, _anew(replace(blank, looked_again=one.looked_again), answer))
