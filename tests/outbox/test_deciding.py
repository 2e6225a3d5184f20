"""Decisions on tags: what is found, what replaces what, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edge.errors import InputError
from edge.outbox import drafts
from edge.outbox.deciding import Decision, decide, draft_of, product_for
from edge.outbox.drafts import count, keep, newest
from edge.outbox.store import look_into_outbox, open_outbox
from edge.shard import open_shard
from tests.outbox.device import NOW_S, accept, catalogue, device, reject, run_of, tag, waiting
from tests.small_shards import SPACE


def kinds(home: Path) -> list[str]:
    with look_into_outbox(home) as outbox:
        return [kept.event.kind for kept in outbox.waiting()[0]]


def test_nothing_tagged_is_nothing_to_decide_on(tmp_path: Path) -> None:
    done = accept(tmp_path, 0)
    assert done.decided == () and "no tag 0000000000000000 is known here" in done.problems[0]
    assert not list(tmp_path.iterdir()), "a question leaves no file behind"


def test_a_source_without_tags_leaves_no_draft(tmp_path: Path) -> None:
    keep(tmp_path / "home", run_of(catalogue(tmp_path / "shard"), []), NOW_S)
    assert not (tmp_path / "home").exists()


def test_an_accepted_tag_is_an_event_of_its_draft(tmp_path: Path) -> None:
    home = device(tmp_path)
    done = accept(home, 1)
    event = done.decided[0].event
    shard = open_shard(tmp_path / "shard")
    assert (event.kind, event.tag_id, event.product_id, event.corrected_to) == ("accepted", f"{1:016x}", "oat-1l", None)
    assert (event.catalog, event.catalog_version, event.shard_sha256) == ("small", 1, shard.sha256)
    assert (event.space_id, event.similarity, event.margin, event.status) == (SPACE, 0.8765, 0.3765, "match")
    assert event.made_at_s == NOW_S and event.embedding is None
    assert waiting(home) == [event.event_id] and done.waiting == 1


def test_one_unknown_tag_does_not_stop_the_others(tmp_path: Path) -> None:
    home = device(tmp_path)
    done = accept(home, 0, 77, 2)
    assert len(done.decided) == 2 and len(done.problems) == 1 and len(waiting(home)) == 2


def test_the_same_tag_named_twice_is_decided_once(tmp_path: Path) -> None:
    home = device(tmp_path)
    assert len(accept(home, 1, 1).decided) == 1 and len(waiting(home)) == 1


def test_the_same_decision_again_changes_nothing(tmp_path: Path) -> None:
    home = device(tmp_path)
    first = accept(home, 0)
    again = accept(home, 0, now_s=NOW_S + 60)
    assert again.decided[0].change == "same" and waiting(home) == [first.decided[0].event.event_id]


def test_another_decision_replaces_what_has_not_left(tmp_path: Path) -> None:
    home = device(tmp_path)
    accept(home, 0)
    assert reject(home, 0).decided[0].change == "replaced"
    assert kinds(home) == ["rejected"]


def test_another_decision_follows_what_may_have_left(tmp_path: Path) -> None:
    home = device(tmp_path)
    accept(home, 0)
    with open_outbox(home) as outbox:
        outbox.begin_attempt(waiting(home))
    assert reject(home, 0).decided[0].change == "further"
    assert kinds(home) == ["accepted", "rejected"]


def test_the_same_decision_after_it_was_acknowledged_is_not_sent_again(tmp_path: Path) -> None:
    home = device(tmp_path)
    accept(home, 0)
    with open_outbox(home) as outbox:
        outbox.settle(waiting(home), {})
    assert accept(home, 0).decided[0].change == "same" and waiting(home) == []


def test_consent_is_off_unless_it_is_given_and_can_be_taken_back(tmp_path: Path) -> None:
    home = device(tmp_path)
    assert accept(home, 0).decided[0].event.embedding is None
    shared = accept(home, 0, share=True).decided[0]
    assert shared.change == "replaced" and len(shared.event.embedding) == 8
    assert accept(home, 0).decided[0].change == "replaced"
    with look_into_outbox(home) as outbox:
        assert [kept.event.embedding for kept in outbox.waiting()[0]] == [None]


def test_consent_without_a_vector_is_refused_and_not_silently_dropped(tmp_path: Path) -> None:
    home = tmp_path / "home"
    keep(home, run_of(catalogue(tmp_path / "shard"), [tag(0, vector=False)]), NOW_S)
    done = accept(home, 0, share=True)
    assert done.decided == () and "no embedding" in done.problems[0]


@pytest.mark.parametrize("given", ["", "000", "zzzz", "00000000000000000", "../../etc", "0000' OR 1=1"])
def test_refuses_what_is_no_tag_id(tmp_path: Path, given: str) -> None:
    with pytest.raises(InputError, match="is no tag_id"):
        draft_of(device(tmp_path), given)


def test_a_beginning_that_two_tags_share_is_refused_with_both(tmp_path: Path) -> None:
    home = device(tmp_path)
    with pytest.raises(InputError, match=f"{2:016x}.*{1:016x}"):
        draft_of(home, "0000")
    assert draft_of(home, f" {1:016X}"[:17]).tag_id == f"{1:016x}"


def test_an_unambiguous_beginning_is_enough(tmp_path: Path) -> None:
    home = tmp_path / "home"
    keep(home, run_of(catalogue(tmp_path / "shard"), [tag(0xFEED << 48), tag(0xBEEF << 48)]), NOW_S)
    assert draft_of(home, "beef").tag_id == "beef000000000000"


def test_corrects_to_a_product_of_the_tags_own_catalogue_without_any_other(tmp_path: Path) -> None:
    draft = draft_of(device(tmp_path), f"{0:016x}")
    assert product_for(draft, "rye-500g", []) == "rye-500g"


def test_refuses_a_product_of_no_catalogue_and_names_those_that_are_near(tmp_path: Path) -> None:
    draft = draft_of(device(tmp_path), f"{0:016x}")
    with pytest.raises(InputError, match=r"did you mean oat-barista-1l \(Oat drink barista 1 l\)"):
        product_for(draft, "oat-barsta-1l", [])
    with pytest.raises(InputError, match="rye-500g"):
        product_for(draft, "rye", [])
    with pytest.raises(InputError, match="its product_id stands in the catalogue"):
        product_for(draft, "qqqqqqqqqqqq", [])


def test_a_correction_to_what_was_suggested_is_refused(tmp_path: Path) -> None:
    draft = draft_of(device(tmp_path), f"{0:016x}")
    with pytest.raises(InputError, match="edge accept"):
        product_for(draft, "oat-1l", [])


def test_a_catalogue_that_is_gone_leaves_the_others(tmp_path: Path) -> None:
    draft = draft_of(device(tmp_path), f"{0:016x}")
    other = catalogue(tmp_path / "other")
    for file in (tmp_path / "shard").iterdir():
        file.unlink()
    assert product_for(draft, "rye-500g", [other]) == "rye-500g"


def test_a_clock_of_1970_is_kept_as_it_is(tmp_path: Path) -> None:
    home = device(tmp_path)
    event = decide(home, Decision("accepted"), [f"{0:016x}"], 12.5).decided[0].event
    assert event.made_at_s == 12.5
    assert accept(home, 1, now_s=-5.0).decided[0].event.made_at_s == 0.0


def test_drafts_hold_vectors_and_alternatives_for_tagging_anew(tmp_path: Path) -> None:
    draft, path = newest(device(tmp_path), 1)[0]
    assert draft.vector is not None and len(draft.vector) == 8
    assert json.loads(draft.alternatives) == [["rye-500g", 0.5]] and path.endswith("clip-of-me.mp4")


def test_tagging_again_keeps_one_draft_and_the_decision(tmp_path: Path) -> None:
    home = device(tmp_path)
    accept(home, 0)
    keep(home, run_of(open_shard(tmp_path / "shard"), [tag(0)]), NOW_S)
    assert count(home).tags == 3 and accept(home, 0).decided[0].change == "same"


def test_old_drafts_make_room_for_new_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drafts, "KEPT_TAGS", 2)
    home = device(tmp_path, tags=3)
    assert [draft.tag_id for draft, _ in newest(home, 9)] == [f"{2:016x}", f"{1:016x}"]
    keep(home, run_of(open_shard(tmp_path / "shard"), [tag(7), tag(8)], content="e" * 64), NOW_S)
    assert (count(home).tags, count(home).sources) == (2, 1)
