"""Appearances become tags with ids of their own; a photo has each product once."""

import numpy as np
import pytest

from edge.photos import each_once
from edge.tagging import Identity, tag_id, tags_of, unmatched_of
from edge.tags import Candidate, Moment
from edge.tracks.appearances import Named

IDENTITY = Identity("c" * 64, "s" * 64, ("a" * 64, "b" * 64))
CROP = np.zeros((9, 9, 3), np.uint8)


def named(product="oat", similarity=0.9, status="match", start_s=0.0, fleeting=False, shard=0, runner_up=0.3):
    candidates = Candidate(shard, product, product.title(), similarity), Candidate(shard, "other", "Other", runner_up)
    box = (10.0, 10.0, 50.0, 90.0)
    best = Moment(start_s, box, CROP)
    return Named(((start_s, box), (start_s + 1, box)), 2, fleeting, status, candidates, best, 1)


def test_nothing_seen_gives_no_tags():
    assert tags_of([], IDENTITY) == ()
    assert unmatched_of([]) == ()
    assert each_once([]) == ([], [])


def test_a_tag_says_what_its_appearance_says():
    (tag,) = tags_of([named(similarity=0.95)], IDENTITY)
    assert (tag.start_s, tag.end_s, tag.status) == (0.0, 1.0, "match")
    assert tag.margin == pytest.approx(0.65)
    assert tag.tag_id == tag_id("c" * 64, "s" * 64, "a" * 64, "oat", 0)


def test_a_product_that_comes_back_has_the_next_ordinal():
    tags = tags_of([named(), named("soy"), named(start_s=5.0), named(shard=1)], IDENTITY)
    assert [tag.tag_id for tag in tags] == [
        tag_id("c" * 64, "s" * 64, "a" * 64, "oat", 0),
        tag_id("c" * 64, "s" * 64, "a" * 64, "soy", 0),
        tag_id("c" * 64, "s" * 64, "a" * 64, "oat", 1),
        tag_id("c" * 64, "s" * 64, "b" * 64, "oat", 0),
    ]


def test_a_small_lead_is_ambiguous_and_lists_both():
    (tag,) = tags_of([named(status="ambiguous")], IDENTITY)
    assert tag.status == "ambiguous"
    assert [c.product_id for c in tag.candidates] == ["oat", "other"]


def test_an_object_without_a_product_names_the_nearest_if_there_is_one():
    (unmatched,) = unmatched_of([named(status="unmatched", similarity=0.4)])
    assert unmatched.nearest.product_id == "oat"
    nothing = Named(((0.0, (0, 0, 9, 9)),), 1, False, "unmatched", (), Moment(0.0, (0, 0, 9, 9), CROP))
    assert unmatched_of([nothing])[0].nearest is None


def test_a_photo_has_each_product_once_as_it_is_most_similar():
    known, unknown = each_once([named(similarity=0.8), named("soy"), named(similarity=0.9), named(status="unmatched")])
    assert [(one.product[1], one.similarity, len(one.trail)) for one in known] == [("oat", 0.9, 4), ("soy", 0.9, 2)]
    assert len(unknown) == 1


def test_tag_id_is_the_written_rule():
    # Recompute by hand with: printf 'tag:1\nc\ns\na\noat\n0' | sha256sum | cut -c1-16
    assert tag_id("c", "s", "a", "oat", 0) == "c8d73846988e0056"


def test_tag_id_depends_on_every_part():
    parts = ["c", "s", "a", "oat", 0]
    ids = {tag_id(*parts)}
    for index, other in enumerate(["d", "t", "b", "soy", 1]):
        ids.add(tag_id(*[*parts[:index], other, *parts[index + 1 :]]))
    assert len(ids) == 6
