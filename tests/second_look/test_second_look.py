"""Close calls are decided by what is printed on the products."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from edge import second_look
from edge.bundle import Matching
from edge.bundle_description import SecondLookPart
from edge.errors import ArtefactRefused, MissingExtra
from edge.preprocessing import ImageArray
from edge.second_look import SecondLook, open_second_look, why_not, with_evidence
from edge.shard import ProductRecord, Shard, open_shard, write_shard
from edge.shard.columns import Column
from edge.shard.content import canonical_columns
from edge.shard.keypoints import KEYPOINT_PACK
from edge.shard.pack import open_pack, write_pack
from edge.shard.vectors import quantize
from edge.sift import VIEW_SIDE, find_keypoints
from edge.tags import Candidate, Moment
from edge.tracks.appearances import Named, gather
from edge.tracks.naming import Reconsider, look_again
from edge.tracks.votes import status
from tests.second_look.prints import draw_print
from tests.small_shards import SPACE

RULE = SecondLookPart()
PRODUCTS = 4


@pytest.fixture(scope="module")
def shard(tmp_path_factory: pytest.TempPathFactory) -> Shard:
    """Four products, one view each; the last has no entry in the pack."""
    pytest.importorskip("cv2")
    root = tmp_path_factory.mktemp("catalogue") / "shard"
    entries = {n + 1: find_keypoints(draw_print(n), VIEW_SIDE, 500).to_bytes(4200) for n in range(PRODUCTS - 1)}
    columns = canonical_columns(
        [ProductRecord(f"p{n}", f"Product {n}") for n in range(PRODUCTS)],
        np.arange(1, PRODUCTS + 1, dtype=np.uint64),
        quantize(np.eye(PRODUCTS)),
        np.arange(PRODUCTS),
    )
    write_shard(root, "prints", 1, SPACE, columns, keypoints=entries)
    return open_shard(root)


def candidates(*order: int, lead: float = 0.01) -> tuple[Candidate, ...]:
    return tuple(Candidate(0, f"p{n}", f"Product {n}", 0.7 - lead * place) for place, n in enumerate(order))


def seen_in_a_shop(number: int) -> ImageArray:
    """A print at another size, turned a little, darker, before something else."""
    photo = Image.fromarray(draw_print(99, 400))
    photo.paste(Image.fromarray(draw_print(number)).resize((250, 250)).rotate(8, fillcolor="grey"), (60, 70))
    return (np.array(photo) * 0.7).astype(np.uint8)


def test_nothing_to_choose_from_stays_so(shard: Shard) -> None:
    again = SecondLook(RULE, (shard,))
    assert again.reorder(draw_print(0), ()) == ()
    assert again.reorder(draw_print(0), candidates(2)) == candidates(2)


@pytest.mark.parametrize("number", range(PRODUCTS - 1))
def test_a_picture_against_itself_wins(shard: Shard, number: int) -> None:
    others = [n for n in range(PRODUCTS) if n != number]
    found = SecondLook(RULE, (shard,)).reorder(draw_print(number), candidates(*others, number))
    assert found[0].product_id == f"p{number}"
    assert found[0].similarity - found[1].similarity > 0.1


def test_a_print_in_a_shop_photo_wins_whatever_the_order_of_the_others(shard: Shard) -> None:
    crop, again = seen_in_a_shop(1), SecondLook(RULE, (shard,))
    tied = [again.reorder(crop, candidates(*order, lead=0.0)) for order in itertools.permutations(range(PRODUCTS))]
    assert {found[0].product_id for found in tied} == {"p1"}
    assert len({frozenset((c.product_id, c.similarity) for c in found) for found in tied}) == 1


def test_of_two_sisters_the_one_in_the_photo_wins_against_a_better_embedding(tmp_path: Path) -> None:
    pytest.importorskip("cv2")
    sisters = [draw_print(0), draw_print(0)]
    sisters[1][130:, :70] = draw_print(50)[130:, :70]
    entries = {n + 1: find_keypoints(print_, VIEW_SIDE, 500).to_bytes(4200) for n, print_ in enumerate(sisters)}
    records = [ProductRecord(f"p{n}", f"Product {n}") for n in range(2)]
    columns = canonical_columns(records, np.array([1, 2], np.uint64), quantize(np.eye(2)), np.arange(2))
    write_shard(tmp_path / "shard", "sisters", 1, SPACE, columns, keypoints=entries)
    again = SecondLook(RULE, (open_shard(tmp_path / "shard"),))
    for right, wrong in ((0, 1), (1, 0)):
        photo = Image.fromarray(sisters[right]).resize((150, 150)).rotate(8, fillcolor="grey")
        found = again.reorder(np.array(photo), candidates(wrong, right, lead=0.05))
        assert [c.product_id for c in found] == [f"p{right}", f"p{wrong}"]


def test_a_clear_lead_is_not_looked_at_again(shard: Shard) -> None:
    clear = candidates(0, 1, 2, lead=RULE.margin_threshold + 0.01)
    assert SecondLook(RULE, (shard,)).reorder(seen_in_a_shop(1), clear) == clear


def test_products_beyond_those_looked_at_keep_their_place(shard: Shard) -> None:
    again = SecondLook(replace(RULE, products=2), (shard,))
    assert [c.product_id for c in again.reorder(seen_in_a_shop(1), candidates(0, 2, 1))] == ["p0", "p2", "p1"]


def test_a_crop_without_marks_changes_nothing(shard: Shard) -> None:
    flat = np.full((50, 30, 3), 128, np.uint8)
    assert SecondLook(RULE, (shard,)).reorder(flat, candidates(3, 2, 1)) == candidates(3, 2, 1)
    assert len(find_keypoints(flat[:1, :1], VIEW_SIDE, 10)) == 0


@given(st.floats(-1, 1), st.integers(0, 500), st.floats(0, 10))
def test_evidence_raises_within_bounds_and_chance_raises_nothing(s: float, agreeing: int, weight: float) -> None:
    raised = with_evidence(s, agreeing, weight)
    assert s - 1e-12 <= raised <= 1 + 1e-12
    assert with_evidence(s, agreeing + 1, weight) >= raised - 1e-12
    assert with_evidence(s, 3, weight) == pytest.approx(s)


def test_there_is_none_without_a_rule_a_pack_or_opencv(
    shard: Shard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_shard(tmp_path / "bare", "bare", 1, SPACE, shard.columns)
    bare = open_shard(tmp_path / "bare")
    assert bare.keypoints is None and bare.sha256 == shard.sha256, "the pack is no part of the identity"
    assert "the bundle has none" in str(why_not(None, [shard]))
    assert "--second-look" in str(why_not(RULE, [bare]))
    assert why_not(RULE, [bare, shard]) is None
    monkeypatch.setattr(second_look, "is_installed", lambda: False)
    assert "taglet[second-look]" in str(why_not(RULE, [shard]))
    assert open_second_look(RULE, [shard]) is None
    monkeypatch.setitem(__import__("sys").modules, "cv2", None)
    with pytest.raises(MissingExtra, match="second-look"):
        find_keypoints(draw_print(0), VIEW_SIDE, 10)


@pytest.mark.parametrize("name", ["keypoints.json", "keys.npy", "sha256.npy", "offsets.npy", "rows.npy"])
def test_rejects_an_altered_pack(tmp_path: Path, name: str) -> None:
    write_pack(tmp_path / "keypoints", KEYPOINT_PACK, {7: b"s" * 28, 8: b"e" * 28})
    path = tmp_path / "keypoints" / name
    content = bytearray(path.read_bytes())
    at = content.index(b"sha256") + 12 if name == "keypoints.json" else len(content) - 1
    content[at] = content[at] ^ 1 if name != "keypoints.json" else ord("x")
    path.write_bytes(content)
    with pytest.raises(ArtefactRefused):
        open_pack(tmp_path / "keypoints", KEYPOINT_PACK).get(8)


def test_rejects_an_entry_that_holds_no_keypoints(shard: Shard, tmp_path: Path) -> None:
    write_shard(tmp_path / "shard", "odd", 1, SPACE, shard.columns, keypoints={1: b"odd"})
    again = open_second_look(RULE, [open_shard(tmp_path / "shard")])
    assert again is not None
    with pytest.raises(ArtefactRefused, match="not keypoints"):
        again.reorder(draw_print(0), candidates(0, 1))


def test_every_row_of_the_pack_is_described_as_the_thumbnails_are(tmp_path: Path) -> None:
    write_pack(tmp_path / "keypoints", KEYPOINT_PACK, {})
    pack = open_pack(tmp_path / "keypoints", KEYPOINT_PACK)
    assert len(pack) == 0 and pack.get(1) is None
    assert Column.describe("keys", pack.columns["keys"]).dtype == "<u8"


MATCHINGS = (Matching(0.5, 0.05),)


def named(timestamp_s: float, first: str, similarity: float, second: str = "other") -> Named:
    found = (Candidate(0, first, first, similarity), Candidate(0, second, second, similarity - 0.01))
    box = (0.0, 0.0, 9.0, 9.0)
    best = Moment(timestamp_s, box, np.zeros((9, 9, 3), np.uint8))
    return Named(((timestamp_s, box),), 3, False, status(found, MATCHINGS), found, best, 2)


def swap(crop: ImageArray, found: tuple[Candidate, ...]) -> tuple[Candidate, ...]:
    """Decide for "right" with a similarity of 0.9, where it is among the candidates."""
    right = [replace(c, similarity=0.9) for c in found if c.product_id == "right"]
    return (*right, *(c for c in found if c.product_id != "right"))


def close(*tracks: Named, reconsider: Reconsider = swap) -> tuple[list[tuple[str, float, float]], int]:
    known, unknown = gather(tracks, 1.0, lambda track: look_again(track, reconsider, 0.5, MATCHINGS))
    return [(one.candidates[0].product_id, one.start_s, one.end_s) for one in known], len(unknown)


def test_a_track_is_looked_at_again_once() -> None:
    looks = []
    close(named(0.0, "a", 0.8), reconsider=lambda crop, found: looks.append(crop) or tuple(found))
    assert len(looks) == 1


def test_two_names_of_one_product_become_one_tag() -> None:
    assert close() == ([], 0)
    flicker = named(0.0, "right", 0.8), named(0.5, "wrong", 0.8, "right"), named(1.0, "right", 0.8)
    assert close(*flicker) == ([("right", 0.0, 1.0)], 0)
    assert close(named(0.0, "right", 0.8), named(5.0, "wrong", 0.8, "right"))[0] == [
        ("right", 0.0, 0.0),
        ("right", 5.0, 5.0),
    ]


def test_an_unsure_object_can_become_a_match_and_others_stay_unmatched() -> None:
    assert close(named(0.0, "wrong", 0.46, "right")) == ([("right", 0.0, 0.0)], 0)
    assert close(named(0.0, "wrong", 0.45)) == ([], 1)


def test_what_is_far_below_the_threshold_is_not_looked_at_again() -> None:
    assert close(named(0.0, "wrong", 0.44, "right")) == ([], 1)
