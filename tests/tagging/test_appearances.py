"""Sightings become tags: one product, one appearance, one tag."""

import numpy as np
import pytest

from edge.bundle import Matching
from edge.tagging import Appearances, Sighting, tag_id
from edge.tags import Candidate

MATCHING = Matching(similarity_threshold=0.5, margin_threshold=0.05)
CONTENT, SPACE, SHARDS = "c" * 64, "s" * 64, ["a" * 64]


def sighting(timestamp_s, product="oat", similarity=0.9, runner_up=0.3, xyxy=(10, 10, 50, 90), confidence=0.8):
    candidates = (
        Candidate(0, product, product.title(), similarity),
        Candidate(0, "other", "Other", runner_up),
    )
    return Sighting(timestamp_s, xyxy, confidence, np.full((300, 200, 3), 7, np.uint8), candidates)


def close(*sightings, max_gap_s=1.0):
    appearances = Appearances([MATCHING], max_gap_s)
    for one in sightings:
        appearances.observe(one)
    return appearances.close(CONTENT, SPACE, SHARDS)


def test_nothing_seen_gives_no_tags():
    assert close() == ((), ())


def test_a_product_seen_in_a_row_is_one_tag_from_first_to_last_sighting():
    tags, unmatched = close(sighting(0.0), sighting(0.5), sighting(1.0))
    assert [(t.start_s, t.end_s, t.status) for t in tags] == [(0.0, 1.0, "match")]
    assert unmatched == ()
    assert len(tags[0].trail) == 3


def test_a_product_that_comes_back_later_is_a_second_tag_with_another_id():
    tags, _ = close(sighting(0.0), sighting(5.0))
    assert [(t.start_s, t.end_s) for t in tags] == [(0.0, 0.0), (5.0, 5.0)]
    assert tags[0].tag_id != tags[1].tag_id


def test_two_products_at_once_are_two_tags():
    tags, _ = close(sighting(0.0, "oat"), sighting(0.0, "soy"), sighting(0.5, "oat"), sighting(0.5, "soy"))
    assert sorted(t.candidates[0].product_id for t in tags) == ["oat", "soy"]


def test_the_best_moment_is_the_most_similar_sighting():
    tags, _ = close(sighting(0.0, similarity=0.6), sighting(0.5, similarity=0.95), sighting(1.0, similarity=0.7))
    assert tags[0].best.timestamp_s == 0.5
    assert tags[0].candidates[0].similarity == 0.95
    assert tags[0].margin == pytest.approx(0.65)


def test_a_small_lead_is_ambiguous_and_lists_both():
    tags, _ = close(sighting(0.0, similarity=0.80, runner_up=0.78))
    assert tags[0].status == "ambiguous"
    assert [c.product_id for c in tags[0].candidates] == ["oat", "other"]


def test_below_the_threshold_is_unmatched_and_names_the_nearest():
    tags, unmatched = close(sighting(0.0, similarity=0.4), sighting(0.5, similarity=0.45))
    assert tags == ()
    assert [(u.start_s, u.end_s, u.nearest.product_id) for u in unmatched] == [(0.0, 0.5, "oat")]


def test_two_unmatched_objects_in_one_frame_stay_two():
    left, right = (0, 0, 40, 40), (100, 0, 140, 40)
    _, unmatched = close(sighting(0.0, similarity=0.1, xyxy=left), sighting(0.0, similarity=0.1, xyxy=right))
    assert len(unmatched) == 2


def test_an_empty_catalogue_leaves_objects_unmatched_without_a_nearest():
    nothing = Sighting(0.0, (0, 0, 9, 9), 0.9, np.zeros((9, 9, 3), np.uint8), ())
    tags, unmatched = close(nothing)
    assert tags == ()
    assert unmatched[0].nearest is None


def test_crops_are_kept_small():
    tags, _ = close(sighting(0.0))
    assert max(tags[0].best.crop.shape[:2]) <= 200


def test_tag_id_is_the_written_rule():
    # Recompute by hand with: printf 'tag:1\nc\ns\na\noat\n0' | sha256sum | cut -c1-16
    assert tag_id("c", "s", "a", "oat", 0) == "c8d73846988e0056"


def test_tag_id_depends_on_every_part():
    parts = ["c", "s", "a", "oat", 0]
    ids = {tag_id(*parts)}
    for index, other in enumerate(["d", "t", "b", "soy", 1]):
        ids.add(tag_id(*[*parts[:index], other, *parts[index + 1 :]]))
    assert len(ids) == 6
