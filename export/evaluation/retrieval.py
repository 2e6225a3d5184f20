"""How good the answers are: recall, tags that are right, tags that should not be there.

A query is a photo that shows one product of the catalogue, or none. A photo gives any number of crops, and each crop
its nearest products. The definitions, all shares of 0..1:

- **recall_at_1, recall_at_5** (over photos that show a product): the product stands first, or among the first five,
  of the photo's main object, whose tag `edge tag` puts first; see `edge.prominence`. A photo in which nothing was
  detected is a miss.
- A **tag** is what `edge tag` reports as a match: the first product of a crop, if its similarity reaches the
  bundle's threshold and its lead over the next product the margin. A product found in several crops of one photo is
  one tag, judged by its best crop. An ambiguous answer is no tag, and neither is one about a part of another object.
- **tag_precision** (over tags): the tag names the product that the photo shows. Photos are labelled with one
  product, so a right tag of a second product in the background counts as wrong.
- **tag_recall** (over photos that show a product): that product was tagged.
- **false_tag_rate** (over photos that show nothing from the catalogue): there was any tag.
- **wrong_tag_rate** (over photos that show a product): there was any tag of another product.

Intervals are 95 %, by bootstrap over products; see `export.evaluation.bootstrap`.

    >>> figures = measure(Answers.empty(), Matching(similarity_threshold=0.5, margin_threshold=0.05))
    >>> figures.value["recall_at_1"] is None
    True
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edge.bundle import Matching
from edge.detections import Float32s, Int32s, require_shape
from edge.matches import Matches
from edge.prominence import parts
from export.evaluation.bootstrap import Float64s, ratio_interval

NOTHING = -1
AMONG = 5
# columns of a tally, and which of them make each figure
SHOWS, FIRST, AMONG_FIVE, TAGS, RIGHT_TAGS, TAGGED, EMPTY, EMPTY_TAGGED, MISTAGGED = range(9)
FIGURES = {
    "recall_at_1": (FIRST, SHOWS),
    "recall_at_5": (AMONG_FIVE, SHOWS),
    "tag_precision": (RIGHT_TAGS, TAGS),
    "tag_recall": (TAGGED, SHOWS),
    "false_tag_rate": (EMPTY_TAGGED, EMPTY),
    "wrong_tag_rate": (MISTAGGED, SHOWS),
}


@dataclass(frozen=True)
class Answers:
    """What the kit said about n photos, with m crops in all.

    Attributes:
        expected: int32 (n,) row of the product that the photo shows, or `NOTHING`.
        photo: int32 (m,) row of the photo that a crop is cut from; of each photo, the main object's crop first.
        xyxy: float32 (m, 4) box of each crop in pixels of its photo.
        matches: m queries against one shard.
    """

    expected: Int32s
    photo: Int32s
    xyxy: Float32s
    matches: Matches

    def __post_init__(self) -> None:
        require_shape("expected", self.expected, (None,))
        require_shape("photo", self.photo, (len(self.matches),))
        require_shape("xyxy", self.xyxy, (len(self.matches), 4))

    def __len__(self) -> int:
        return len(self.expected)

    @classmethod
    def empty(cls) -> Answers:
        """Return zero photos."""
        none = np.zeros(0, np.int32)
        return cls(none, none, np.zeros((0, 4), np.float32), Matches.empty(0, AMONG))


@dataclass(frozen=True)
class Figures:
    """Figures over some photos; None where there is nothing to measure.

    Attributes:
        queries: number of photos.
        value: figure by name, 0..1.
        ci95: lower and upper bound by the same names.
    """

    queries: int
    value: dict[str, float | None]
    ci95: dict[str, tuple[float, float] | None]

    def document(self) -> dict[str, Any]:
        """Return the figures as they stand in the result document."""
        ci95 = {name: None if bounds is None else [round(b, 4) for b in bounds] for name, bounds in self.ci95.items()}
        value = {name: None if v is None else round(v, 4) for name, v in self.value.items()}
        return {"queries": self.queries, **value, "ci95": ci95}


def measure(answers: Answers, matching: Matching, seed: int = 0) -> Figures:
    """Measure all photos together.

    Args:
        answers: what the kit said.
        matching: thresholds that make an answer a tag.
        seed: seed of the bootstrap.
    """
    return _figures(tally(answers, matching), answers.expected, seed)


def measure_by_group(answers: Answers, matching: Matching, group: list[str], seed: int = 0) -> dict[str, Figures]:
    """Measure each group of photos by itself, in the order of their names.

    Args:
        answers: what the kit said about n photos.
        matching: thresholds that make an answer a tag.
        group: n names; photos with an empty name belong to no group.
        seed: seed of the bootstrap.
    """
    counts = tally(answers, matching)
    names = np.array(group, np.str_)
    return {
        name: _figures(counts[names == name], answers.expected[names == name], seed)
        for name in sorted(set(group) - {""})
    }


def tally(answers: Answers, matching: Matching) -> Float64s:
    """Count what each photo adds to the figures.

    Returns:
        float64 (n, 9), the columns named at the head of this module.
    """
    counts = np.zeros((len(answers), 9))
    counts[:, SHOWS] = answers.expected != NOTHING
    counts[:, EMPTY] = answers.expected == NOTHING
    photos, main = np.unique(answers.photo, return_index=True)
    hit = answers.matches.product[main, :AMONG] == answers.expected[photos, None]
    shows = counts[photos, SHOWS] > 0
    counts[photos, FIRST] = hit[:, 0] & shows
    counts[photos, AMONG_FIVE] = hit.any(axis=1) & shows
    photo, product = tags(answers, matching)
    right = product == answers.expected[photo]
    counts[:, TAGS] = np.bincount(photo, minlength=len(answers))
    counts[:, RIGHT_TAGS] = counts[:, TAGGED] = np.bincount(photo[right], minlength=len(answers))
    counts[:, EMPTY_TAGGED] = counts[:, EMPTY] * (counts[:, TAGS] > 0)
    counts[:, MISTAGGED] = counts[:, SHOWS] * (counts[:, TAGS] > counts[:, RIGHT_TAGS])
    return counts


@dataclass(frozen=True)
class PossibleTags:
    """Every tag that thresholds low enough would let through: of each photo, at most one for each product.

    Attributes:
        photo: int32 (k,) row of the photo.
        product: int32 (k,) row of the product.
        similarity: float64 (k,), -1..1.
        margin: float64 (k,), lead over the next product, 0..2; 1 where there is no next one.
    """

    photo: Int32s
    product: Int32s
    similarity: Float64s
    margin: Float64s

    def given(self, matching: Matching) -> npt.NDArray[np.bool_]:
        """Return (k,): which of them `edge tag` gives as a match."""
        return (self.similarity >= matching.similarity_threshold) & (self.margin >= matching.margin_threshold)


def possible_tags(answers: Answers) -> PossibleTags:
    """Return every tag that some thresholds let through.

    The best crop of a product in a photo, and what outdoes it, are the same at every threshold that it passes: whatever
    outdoes it is more similar. So a tag is given or not by its own two numbers, and a higher threshold gives no tag
    that a lower one does not.
    """
    product = answers.matches.product[:, 0]
    similarity = answers.matches.similarity.astype(np.float64)
    rows = np.flatnonzero(product >= 0)
    rows = rows[np.lexsort((-similarity[rows, 0], product[rows], answers.photo[rows]))]
    new = np.ones(len(rows), np.bool_)
    new[1:] = (np.diff(product[rows]) != 0) | (np.diff(answers.photo[rows]) != 0)
    best = rows[new]
    best = best[~_parts(answers, best)]
    margin = _margin(answers.matches, similarity)[best]
    return PossibleTags(answers.photo[best], product[best], similarity[best, 0], margin)


def tags(answers: Answers, matching: Matching) -> tuple[Int32s, Int32s]:
    """Return photo and product of every tag that `edge tag` would give as a match."""
    possible = possible_tags(answers)
    given = possible.given(matching)
    return possible.photo[given], possible.product[given]


def _parts(answers: Answers, rows: npt.NDArray[np.intp]) -> npt.NDArray[np.bool_]:
    """Tell which of these rows are about a part of another object of the same photo."""
    told = np.zeros(len(rows), np.bool_)
    for photo in np.unique(answers.photo[rows]):
        here = answers.photo[rows] == photo
        seen = rows[here]
        told[here] = parts(answers.xyxy[seen], answers.matches.product[seen, 0], answers.matches.similarity[seen, 0])
    return told


def _margin(matches: Matches, similarity: Float64s) -> Float64s:
    """Return (m,) leads of the first product over the second; 1 where there is no second."""
    if similarity.shape[1] < 2:
        return np.ones(len(similarity))
    return np.where(matches.product[:, 1] >= 0, similarity[:, 0] - similarity[:, 1], 1.0)


def _figures(counts: Float64s, expected: Int32s, seed: int) -> Figures:
    empty = expected == NOTHING
    cluster = np.where(empty, -1 - np.arange(len(expected)), expected)
    total = counts.sum(axis=0)
    value: dict[str, float | None] = {}
    ci95: dict[str, tuple[float, float] | None] = {}
    for name, (part, whole) in FIGURES.items():
        value[name] = float(total[part] / total[whole]) if total[whole] else None
        ci95[name] = ratio_interval(counts[:, [part, whole]], cluster, empty.astype(np.int32), seed=seed)
    return Figures(len(counts), value, ci95)
