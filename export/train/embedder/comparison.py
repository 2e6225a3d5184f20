"""Was it worth it? Two embedders on the same pictures of a user's products, and the thresholds that fit the new one.

All products stand in the index, each by its packshots; a picture finds its product if none is more similar. Intervals
are 95 %, paired (both embedders answer the same pictures), by bootstrap over products: see
`export.evaluation.bootstrap`.

    >>> compare(rank(former, products, products.comparing), rank(new, products, products.comparing), products)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edge.bundle import Matching
from edge.detections import Float32s
from edge.preprocessing import ImageArray
from export.evaluation.bootstrap import ratio_interval
from export.train.embedder.own_products import OwnProducts, Question

Embed = Callable[[Sequence[ImageArray]], Float32s]
Flags = npt.NDArray[np.bool_]
SIMILARITIES = tuple(round(0.4 + 0.01 * i, 2) for i in range(56))
MARGINS = (0.01, 0.02, 0.03, 0.04, 0.05, 0.07, 0.1)


@dataclass(frozen=True)
class Ranking:
    """What an embedder says to some questions.

    Attributes:
        similarity: (n, products) to the nearest packshot of each product.
        product: (n,) row of the product that is shown.
        learnt: (n,) that product was learnt.
    """

    similarity: Float32s
    product: npt.NDArray[np.int64]
    learnt: Flags

    def __len__(self) -> int:
        return len(self.product)

    def places(self) -> npt.NDArray[np.int64]:
        """Return (n,) how many products are more similar than the one that is shown."""
        own = self.similarity[np.arange(len(self)), self.product]
        return np.asarray((self.similarity > own[:, None]).sum(axis=1), np.int64)

    def without_own(self) -> Ranking:
        """Return the same questions to an index from which the product that is shown was taken out."""
        similarity = self.similarity.copy()
        similarity[np.arange(len(self)), self.product] = -1
        return Ranking(similarity, self.product, self.learnt)


@dataclass(frozen=True)
class Comparison:
    """Two embedders, picture by picture.

    Attributes:
        former, new: answers to the same questions.
        drawn: the pictures are scenes drawn around packshots.
        learnt: training gained something; else the weights are the first ones.
    """

    former: Ranking
    new: Ranking
    drawn: bool
    learnt: bool = True

    def gain(self, chosen: Flags | None = None) -> tuple[float, tuple[float, float] | None]:
        """Return the gain in recall@1 and its interval, None where fewer than two products bear it."""
        chosen = np.ones(len(self.new), np.bool_) if chosen is None else chosen
        gained = (self.new.places() == 0).astype(np.float64) - (self.former.places() == 0)
        counts = np.stack([gained, np.ones(len(gained))], axis=1)[chosen]
        bounds = ratio_interval(counts, self.new.product[chosen], np.zeros(len(counts), np.int32))
        return float(gained[chosen].mean()), bounds

    def document(self) -> dict[str, Any]:
        """Return all figures."""
        groups = {"all": np.ones(len(self.new), np.bool_), "learnt": self.new.learnt, "never_seen": ~self.new.learnt}
        by = {name: self._figures(chosen) for name, chosen in groups.items() if chosen.any()}
        return {"drawn": self.drawn, "by": by, "verdict": self.verdict()}

    def verdict(self) -> str:
        """Return one sentence that says whether the new embedder is worth using."""
        gain, bounds = self.gain()
        low, high = bounds or (-1.0, 1.0)
        on = " on scenes drawn around packshots, which are easier than photos" if self.drawn else ""
        if low > 0:
            return f"better by {gain:.3f} R@1 ({low:.3f} to {high:.3f}){on}: use the new bundle{self._caution()}"
        if high < 0:
            return f"worse by {-gain:.3f} R@1 ({-high:.3f} to {-low:.3f}){on}: keep the bundle that you have"
        where = on or f" on {len(self.new)} photos of {len(np.unique(self.new.product))} products"
        spread = f" ({low:+.3f} to {high:+.3f})" if bounds else ""
        todo = "give more photos to know" if self.learnt else "training gained nothing, keep the bundle that you have"
        return f"not told apart: {gain:+.3f} R@1{spread}{where}: {todo}"

    def _caution(self) -> str:
        fresh = ~self.new.learnt
        if not fresh.any():
            return ""
        gain, bounds = self.gain(fresh)
        lost = bounds is not None and bounds[1] < 0
        return f"; but products that it never saw lose {-gain:.3f}: train again when products come" if lost else ""

    def _figures(self, chosen: Flags) -> dict[str, Any]:
        gain, bounds = self.gain(chosen)
        return {
            "pictures": int(chosen.sum()),
            "products": len(np.unique(self.new.product[chosen])),
            "former_recall_at_1": float((self.former.places()[chosen] == 0).mean()),
            "new_recall_at_1": float((self.new.places()[chosen] == 0).mean()),
            "gain": gain,
            "gain_ci95": None if bounds is None else list(bounds),
        }


def rank(embed: Embed, products: OwnProducts, questions: Sequence[Question]) -> Ranking:
    """Ask an embedder some questions about a user's products."""
    vectors = embed([question.picture for question in questions])
    similarity = np.stack([(vectors @ embed(shots).T).max(axis=1) for shots in products.packshots], axis=1)
    shown = np.array([question.product for question in questions], np.int64)
    return Ranking(similarity, shown, np.array([question.learnt for question in questions], np.bool_))


def mean_reciprocal_rank(ranking: Ranking) -> float:
    """Return the mean of 1 / place of the product that is shown, 0..1."""
    return float((1 / (1 + ranking.places())).mean())


def choose_matching(former: Ranking, present: Matching, new: Ranking) -> Matching:
    """Choose thresholds for the new embedder.

    As many right tags as can be had with no more false ones than the former embedder gives at its own thresholds. False
    is a tag of another product, and any tag where the product that is shown was taken out of the index. Of equals, the
    thresholds next to the present ones are taken.

    Args:
        former: answers of the former embedder.
        present: its thresholds.
        new: answers of the new embedder to the same questions.
    """
    _, allowed = _tags(former, present)

    def worth(matching: Matching) -> tuple[int, float]:
        right, false = _tags(new, matching)
        moved = abs(matching.similarity_threshold - present.similarity_threshold)
        moved += abs(matching.margin_threshold - present.margin_threshold)
        return (right, -moved) if false <= allowed else (-false, -moved)

    grid = [Matching(similarity, margin) for similarity in SIMILARITIES for margin in MARGINS]
    return max([*grid, present], key=worth)


def _tags(ranking: Ranking, matching: Matching) -> tuple[int, int]:
    """Count right and false tags."""
    if ranking.similarity.shape[1] < 2:
        return 0, 0
    right, false = 0, 0
    for asked in (ranking, ranking.without_own()):
        second, first = np.sort(asked.similarity, axis=1)[:, -2:].T
        tagged = (first >= matching.similarity_threshold) & (first - second >= matching.margin_threshold)
        hit = tagged & (asked.similarity.argmax(axis=1) == asked.product) & (asked is ranking)
        right, false = right + int(hit.sum()), false + int((tagged & ~hit).sum())
    return right, false
