"""Two embedders on the same pictures: gain, verdict, thresholds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="PyTorch is the extra [train]")

from edge.bundle import Matching  # noqa: E402
from export.train.embedder.comparison import (  # noqa: E402
    Comparison,
    Ranking,
    choose_matching,
    mean_reciprocal_rank,
    rank,
)
from export.train.embedder.own_products import OwnProducts, Question  # noqa: E402

pytestmark = pytest.mark.torch
PRODUCTS, EACH = 20, 3


def _ranking(right: float, seed: int = 0, fresh: int = 0) -> Ranking:
    """Return answers of which a share is right; the last `fresh` products were not learnt."""
    rng = np.random.default_rng(seed)
    product = np.repeat(np.arange(PRODUCTS), EACH)
    similarity = rng.uniform(0.2, 0.6, (len(product), PRODUCTS)).astype(np.float32)
    hit = rng.random(len(product)) < right
    similarity[np.arange(len(product)), np.where(hit, product, (product + 1) % PRODUCTS)] = 0.8
    return Ranking(similarity, product, product < PRODUCTS - fresh)


def test_equal_embedders_are_not_told_apart() -> None:
    same = Comparison(_ranking(0.6), _ranking(0.6), drawn=False)
    assert same.gain() == (0, (0, 0))
    assert same.verdict().startswith("not told apart: +0.000 R@1") and "60 photos of 20 products" in same.verdict()


def test_training_that_gained_nothing_says_so() -> None:
    assert (
        Comparison(_ranking(0.6), _ranking(0.6), False, learnt=False)
        .verdict()
        .endswith("keep the bundle that you have")
    )


@pytest.mark.parametrize(("before", "after", "verdict"), [(0.3, 0.95, "better by 0."), (0.95, 0.3, "worse by 0.")])
def test_clear_differences_are_told(before: float, after: float, verdict: str) -> None:
    told = Comparison(_ranking(before), _ranking(after), drawn=False)
    assert told.verdict().startswith(verdict)
    assert told.document()["by"]["all"]["gain"] == pytest.approx(told.gain()[0])


def test_comparison_on_scenes_says_so() -> None:
    assert "scenes drawn around packshots" in Comparison(_ranking(0.2), _ranking(1.0), drawn=True).verdict()
    assert "scenes drawn around packshots" in Comparison(_ranking(0.5), _ranking(0.5), drawn=True).verdict()


def test_loss_on_products_never_seen_is_told_beside_the_gain() -> None:
    former, new = _ranking(0.1, fresh=3), _ranking(1.0, fresh=3)
    fresh = ~new.learnt
    swapped = new.similarity.copy()
    swapped[fresh] = _ranking(0.0).similarity[fresh]
    better = former.similarity.copy()
    better[fresh] = new.similarity[fresh]
    told = Comparison(
        Ranking(better, former.product, former.learnt), Ranking(swapped, new.product, new.learnt), drawn=False
    )
    assert told.gain(fresh)[0] == -1
    assert "use the new bundle; but products that it never saw lose 1.000" in told.verdict()
    assert set(told.document()["by"]) == {"all", "learnt", "never_seen"}


def test_one_product_bears_no_interval() -> None:
    one = Ranking(np.array([[0.9, 0.1]], np.float32), np.array([0]), np.array([True]))
    told = Comparison(one, one, drawn=False)
    assert told.gain() == (0, None) and told.verdict().startswith("not told apart: +0.000 R@1 on 1 photos")


def test_reciprocal_rank_of_first_and_second_place() -> None:
    similarity = np.array([[0.9, 0.1], [0.9, 0.1]], np.float32)
    assert mean_reciprocal_rank(Ranking(similarity, np.array([0, 1]), np.array([True, True]))) == 0.75


@settings(max_examples=25, deadline=None)
@given(before=st.floats(0.2, 1), after=st.floats(0.2, 1), seed=st.integers(0, 50), at=st.sampled_from([0.5, 0.7, 0.79]))
def test_chosen_thresholds_give_no_more_false_tags_than_before(
    before: float, after: float, seed: int, at: float
) -> None:
    former, new, present = _ranking(before, seed), _ranking(after, seed + 1), Matching(at, 0.03)
    chosen = choose_matching(former, present, new)
    assert _false(new, chosen) <= _false(former, present) or _false(new, chosen) == 0 or _no_better(new, chosen)


def _false(ranking: Ranking, matching: Matching) -> int:
    count = 0
    for similarity, index in ((ranking.similarity, True), (ranking.without_own().similarity, False)):
        for row, own in zip(similarity, ranking.product, strict=True):
            second, first = np.sort(row)[-2:]
            tagged = first >= matching.similarity_threshold and first - second >= matching.margin_threshold
            count += bool(tagged and not (index and row.argmax() == own))
    return count


def _no_better(ranking: Ranking, chosen: Matching) -> bool:
    """Tell whether the strictest thresholds that are tried would give as many false tags."""
    return _false(ranking, Matching(0.95, 0.1)) >= _false(ranking, chosen)


def test_equal_embedders_keep_their_thresholds() -> None:
    same, present = _ranking(1.0), Matching(0.7, 0.03)
    assert choose_matching(same, present, same) == present


def test_nearest_packshot_of_a_product_counts() -> None:
    def embed(pictures: object) -> np.ndarray:
        values = [float(picture.mean()) / 100 for picture in pictures]  # type: ignore[attr-defined]
        return np.stack([np.cos(values), np.sin(values)], axis=1).astype(np.float32)

    def flat(value: int) -> np.ndarray:
        return np.full((4, 4, 3), value, np.uint8)

    products = OwnProducts(((flat(0), flat(150)), (flat(60),)), {0: ()}, (), (), False)
    found = rank(embed, products, (Question(flat(150), 0, True), Question(flat(60), 1, False)))
    assert found.places().tolist() == [0, 0] and found.learnt.tolist() == [True, False]
    assert found.similarity[0, 0] == pytest.approx(1)
