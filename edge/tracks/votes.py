"""What a track is: one to three of its crops are asked, and the answers are one vote.

>>> answers = [candidates_of_the_best_crop, candidates_of_the_next]
>>> if not is_settled(answers, matchings): ...        # ask the third
>>> fused(answers)[0].product_id
'oat-drink-1l'
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from edge.bundle import Matching
from edge.tags import Candidate

SURE = 2.0
"""Times the margin threshold: so much lead needs no third crop, and no more than a brief track."""
NEARLY = 0.05
"""So far below the similarity threshold a track may still continue an appearance of its product."""
Answer = Sequence[Candidate]
Status = Literal["match", "ambiguous", "unmatched"]


def is_settled(answers: Sequence[Answer], matchings: Sequence[Matching]) -> bool:
    """Return whether a track needs no further crop: two answers that say the same clearly.

    Args:
        answers: candidates of each crop that was asked, best first.
        matchings: thresholds of each shard.
    """
    if len(answers) < 2:
        return False
    together = fused(answers)
    if not together:
        return True
    matched = [is_match(answer, matchings) for answer in answers]
    if not any(matched):
        return True
    same = len({(answer[0].shard, answer[0].product_id) for answer in answers}) == 1
    return all(matched) and same and is_clear(together, matchings)


def fused(answers: Sequence[Answer]) -> tuple[Candidate, ...]:
    """Return one ranking from the rankings of several crops.

    A product's similarity is the mean of its two best ones (its only one, where one crop was asked); in a ranking that
    does not hold it, it counts as much as the last product there. So one good crop alone does not make a tag, and one
    bad crop alone does not prevent it. Equal ones stand in the order in which they were first named.
    """
    rankings = [answer for answer in answers if answer]
    named = {(c.shard, c.product_id): c for answer in rankings for c in reversed(answer)}
    order = list(dict.fromkeys((c.shard, c.product_id) for answer in rankings for c in answer))
    tables = [{(c.shard, c.product_id): c.similarity for c in answer} for answer in rankings]

    def similarity(key: tuple[int, str]) -> float:
        found = [table.get(key, answer[-1].similarity) for table, answer in zip(tables, rankings, strict=True)]
        best = sorted(found, reverse=True)[:2]
        return sum(best) / len(best)

    together = [Candidate(named[key].shard, named[key].product_id, named[key].title, similarity(key)) for key in order]
    return tuple(sorted(together, key=lambda candidate: -candidate.similarity))


def is_match(candidates: Answer, matchings: Sequence[Matching]) -> bool:
    """Return whether the first product is similar enough."""
    return bool(candidates) and candidates[0].similarity >= matchings[candidates[0].shard].similarity_threshold


def margin(candidates: Answer) -> float:
    """Return the lead of the first product over the second; 1 where there is no second."""
    return candidates[0].similarity - candidates[1].similarity if len(candidates) > 1 else 1.0


def status(candidates: Answer, matchings: Sequence[Matching]) -> Status:
    """Return what is said of an object.

    Args:
        candidates: products, best first.
        matchings: thresholds of each shard.
    """
    if not is_match(candidates, matchings):
        return "unmatched"
    return "match" if margin(candidates) >= matchings[candidates[0].shard].margin_threshold else "ambiguous"


def is_nearly(candidates: Answer, matchings: Sequence[Matching]) -> bool:
    """Return whether an unmatched object would be a match if the threshold were `NEARLY` lower."""
    if not candidates or is_match(candidates, matchings):
        return False
    thresholds = matchings[candidates[0].shard]
    near = candidates[0].similarity >= thresholds.similarity_threshold - NEARLY
    return near and margin(candidates) >= thresholds.margin_threshold


def is_clear(candidates: Answer, matchings: Sequence[Matching]) -> bool:
    """Return whether the first product leads by `SURE` times what is needed."""
    return bool(candidates) and margin(candidates) >= SURE * matchings[candidates[0].shard].margin_threshold
