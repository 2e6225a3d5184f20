"""`edge retag`: what a newer catalogue says of kept vectors, and what becomes of the drafts."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge.bundle import Matching, load_bundle
from edge.cli import main
from edge.defaults import default_bundle
from edge.gallery import Gallery
from edge.golden import golden_folder
from edge.outbox import drafts
from edge.outbox.choosing import choose
from edge.outbox.draft_tables import SCHEMA
from edge.outbox.drafts import SourceDraft, count, find, keep, newest, of_source
from edge.outbox.retagging import Catalogue, Retagged, retag
from edge.shard import ProductRecord, Shard, open_shard, write_shard
from edge.shard.content import canonical_columns
from edge.shard.vectors import Int8s, quantize
from edge.tags import Candidate, Moment, Tag, TagRun, Unmatched
from tests.outbox.device import CROP, NOW_S, accept, run_of, waiting
from tests.small_shards import make_shard

NDIM = 8
MATCHING = Matching(0.7, 0.05)
OAT, RYE, TEA = np.eye(NDIM)[:3]
RECORDS = {
    "oat": ProductRecord("oat", "Oat drink", price="1.00", currency="EUR"),
    "rye": ProductRecord("rye", "Rye bread", price="2.00", currency="EUR"),
    "tea": ProductRecord("tea", "Green tea"),
}


def shop(folder: Path, version: int = 1, **vectors: Any) -> Shard:
    """A catalogue of these products, each with one view, or a record and a view."""
    records, views = [], []
    for product_id, value in vectors.items():
        record, vector = value if isinstance(value, tuple) else (RECORDS[product_id], value)
        records.append(record)
        views.append(vector)
    stacked = np.array(views).reshape(-1, NDIM)
    return make_shard(folder / f"shard-{version}", records, [*range(len(records))], stacked, version=version)


def vector(*parts: float) -> Int8s:
    return quantize(np.array([parts + (0.0,) * (NDIM - len(parts))]))[0]


def tag_of(shard: Shard, seen: Int8s, raised: float = 0.0) -> Tag:
    """The tag that `edge tag` makes of a vector; `raised` is what a second look adds to the second product."""
    found = Gallery([shard], shard.space_id).search(seen[None].astype(np.float32), 5)
    candidates = [
        Candidate(0, shard.record(row).product_id, shard.record(row).title, float(value) + raised * (place == 1))
        for place, (row, value) in enumerate(zip(found.product[0], found.similarity[0], strict=True))
        if row >= 0
    ]
    candidates.sort(key=lambda candidate: -candidate.similarity)
    margin = candidates[0].similarity - candidates[1].similarity if len(candidates) > 1 else 1.0
    status = "match" if margin >= MATCHING.margin_threshold else "ambiguous"
    moment = Moment(0.0, (0, 0, 9, 9), CROP, seen)
    return Tag(hashlib.sha256(seen.tobytes()).hexdigest()[:16], status, tuple(candidates), margin, 1.0, 2.0, moment, ())


def kept(home: Path, shard: Shard, *seen: Int8s, raised: float = 0.0, objects: tuple[Int8s, ...] = ()) -> TagRun:
    run = run_of(shard, [tag_of(shard, one, raised) for one in seen])
    unmatched = tuple(
        Unmatched(3.0, 4.0, Moment(3.0, (0, 0, 9, 9), CROP, one), (), Candidate(0, "oat", "Oat drink", 0.1))
        for one in objects
    )
    run = replace(run, sources=(replace(run.sources[0], unmatched=unmatched),))
    keep(home, run, NOW_S)
    return run


def everything(home: Path) -> list[SourceDraft]:
    return list(choose(home, [], every=True).sources)


def again(home: Path, *shards: Shard, decided: dict[str, str] | None = None) -> Retagged:
    catalogue = Catalogue(Gallery(shards, shards[0].space_id), lambda shard, looked_again: MATCHING)
    return retag(everything(home), catalogue, decided or {})


def changes(retagged: Retagged) -> list[str]:
    return [one.change for one in retagged.all]


def test_without_drafts_there_is_nothing_to_ask(tmp_path: Path) -> None:
    assert again(tmp_path / "home", shop(tmp_path, oat=OAT)).all == ()


def test_an_unchanged_catalogue_changes_nothing_also_after_a_second_look(tmp_path: Path) -> None:
    shard = shop(tmp_path, oat=OAT, rye=RYE)
    kept(tmp_path / "home", shard, vector(0.8, 0.5), vector(0.75, 0.7), raised=0.2, objects=(vector(0, 0, 1),))
    retagged = again(tmp_path / "home", shard)
    assert changes(retagged) == ["same", "same", "unmatched"]
    assert [one.now == one.was for one in retagged.tags] == [True, True]
    raised = retagged.tags[1].was
    assert raised.product_id == "rye" and json.loads(raised.cosines or "")[0] < raised.similarity


def test_what_a_second_look_decided_stands_while_the_pictures_do(tmp_path: Path) -> None:
    kept(tmp_path / "home", shop(tmp_path, oat=OAT, rye=RYE), vector(0.75, 0.7), raised=0.2)
    more = shop(tmp_path, 2, oat=OAT, rye=RYE, tea=TEA)
    (one,) = again(tmp_path / "home", more).tags
    assert one.change == "same" and one.now is not None and one.now.catalog_version == 2
    another_picture = shop(tmp_path, 3, oat=OAT, rye=RYE + 0.3 * TEA)
    (one,) = again(tmp_path / "home", another_picture).tags
    assert one.change in ("product", "ambiguous"), "the evidence was of another picture"


@pytest.mark.parametrize(
    ("newer", "change"),
    [
        ({"oat": OAT, "rye": RYE}, "same"),
        ({"oat": (replace(RECORDS["oat"], price="1.20"), OAT), "rye": RYE}, "details"),
        ({"oat": (replace(RECORDS["oat"], title="Oat drink, new"), OAT)}, "details"),
        ({"oat": OAT, "tea": OAT + 0.05 * TEA}, "ambiguous"),
        ({"oat": OAT - 0.5 * TEA, "tea": OAT + 0.1 * RYE}, "product"),
        ({"oat": TEA, "rye": RYE}, "no_match"),
        ({"rye": RYE}, "gone"),
        ({}, "gone"),
    ],
)
def test_says_what_changed(tmp_path: Path, newer: dict[str, Any], change: str) -> None:
    kept(tmp_path / "home", shop(tmp_path, oat=OAT, rye=RYE), vector(1, 0.2))
    (one,) = again(tmp_path / "home", shop(tmp_path, 2, **newer)).tags
    assert one.change == change
    assert (one.now is None) == (change in ("no_match", "gone")), "a draft without an answer stays as it was"


def test_an_ambiguous_tag_becomes_clear(tmp_path: Path) -> None:
    kept(tmp_path / "home", shop(tmp_path, oat=OAT, rye=OAT + 0.02 * RYE), vector(1, 0))
    (one,) = again(tmp_path / "home", shop(tmp_path, 2, oat=OAT, rye=RYE)).tags
    assert (one.was.status, one.change) == ("ambiguous", "clear") and one.now is not None
    assert one.now.status == "match"


def test_an_object_that_the_catalogue_has_now_becomes_a_tag_that_can_be_decided_on(tmp_path: Path) -> None:
    home = tmp_path / "home"
    kept(home, shop(tmp_path, oat=OAT), objects=(vector(0, 0, 1), vector(0, 0, 1, 0.01), vector(0, 0, 0, 1)))
    assert count(home) == drafts.DraftCount(1, 0, 3)
    retagged = again(home, shop(tmp_path, 2, oat=OAT, tea=TEA))
    assert changes(retagged) == ["found", "found", "unmatched"]
    drafts.update(home, [], [(one.was, one.now) for one in retagged.objects if one.now is not None])
    assert count(home) == drafts.DraftCount(1, 2, 1)
    first, second = (draft for draft, _ in newest(home, 5))
    assert first.tag_id != second.tag_id and {first.product_id, second.product_id} == {"tea"}
    assert (first.start_s, first.title, first.catalog_version) == (3.0, "Green tea", 2)
    assert changes(again(home, shop(tmp_path, 3, oat=OAT, tea=TEA))) == ["same", "same", "unmatched"]


def test_of_two_catalogues_the_newer_is_believed(tmp_path: Path) -> None:
    old = shop(tmp_path, 1, oat=OAT)
    kept(tmp_path / "home", old, vector(1, 0.1))
    (one,) = again(tmp_path / "home", old, shop(tmp_path, 2, oat=(replace(RECORDS["oat"], price="9"), OAT))).tags
    assert one.change == "details" and one.now is not None and one.now.catalog_version == 2


def test_a_decided_tag_is_asked_and_stays(tmp_path: Path) -> None:
    home = tmp_path / "home"
    kept(home, shop(tmp_path, oat=OAT), vector(1, 0.1))
    tag_id = newest(home, 1)[0][0].tag_id
    (one,) = again(home, shop(tmp_path, 2, tea=OAT), decided={tag_id: "accepted"}).tags
    assert (one.change, one.now, one.decided) == ("product", None, "accepted")


def test_tagging_the_same_video_again_replaces_its_objects(tmp_path: Path) -> None:
    shard = shop(tmp_path, oat=OAT)
    kept(tmp_path / "home", shard, objects=(vector(0, 0, 1), vector(0, 1)))
    kept(tmp_path / "home", shard, objects=(vector(0, 1),))
    assert count(tmp_path / "home").objects == 1


def test_objects_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drafts, "KEPT_OBJECTS", 3)
    kept(tmp_path / "home", shop(tmp_path, oat=OAT), objects=tuple(vector(0, n, 1) for n in range(5)))
    (source,) = everything(tmp_path / "home")
    assert len(source.objects) == 3 and source.objects[-1].vector == vector(0, 4, 1).tobytes()


OLD_TABLES = """
CREATE TABLE sources (
    content_id TEXT PRIMARY KEY, path TEXT NOT NULL, kind TEXT NOT NULL, tagged_at_s REAL NOT NULL
);
CREATE TABLE tags (
    place INTEGER PRIMARY KEY AUTOINCREMENT, tag_id TEXT NOT NULL UNIQUE,
    content_id TEXT NOT NULL, catalog TEXT NOT NULL, catalog_version INTEGER NOT NULL, shard_sha256 TEXT NOT NULL,
    shard_path TEXT NOT NULL, space_id TEXT NOT NULL, product_id TEXT NOT NULL, title TEXT NOT NULL,
    similarity REAL NOT NULL, margin REAL NOT NULL, status TEXT NOT NULL, start_s REAL NOT NULL, end_s REAL NOT NULL,
    alternatives TEXT NOT NULL, vector BLOB
);
CREATE INDEX tags_of_source ON tags (content_id);
"""


def drafts_of_the_first_version(home: Path, shard: Shard) -> str:
    """Write `drafts.db` as the version before this one did, with one tag of the vector that is oat's."""
    home.mkdir()
    with closing(sqlite3.connect(home / "drafts.db")) as rows, rows:
        rows.executescript(OLD_TABLES)
        rows.execute("PRAGMA user_version = 1")
        rows.execute("INSERT INTO sources VALUES (?, 'clip.mp4', 'video', 1)", ("c" * 64,))
        tag = ("ab" * 8, "c" * 64, "small", 1, shard.sha256, str(shard.root), shard.space_id, "oat", "Oat drink")
        rows.execute(
            "INSERT INTO tags (tag_id, content_id, catalog, catalog_version, shard_sha256, shard_path, space_id, "
            "product_id, title, similarity, margin, status, start_s, end_s, alternatives, vector) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0.995, 0.8, 'match', 0, 1, '[[\"rye\", 0.0995]]', ?)",
            (*tag, vector(1, 0.1).tobytes()),
        )
    return "ab" * 8


def test_drafts_of_the_first_version_are_read_before_they_are_brought_up_to_date(tmp_path: Path) -> None:
    home, shard = tmp_path / "home", shop(tmp_path, oat=OAT, rye=RYE)
    tag_id = drafts_of_the_first_version(home, shard)
    assert count(home) == drafts.DraftCount(1, 1, 0)
    (draft,) = find(home, [tag_id])[0]
    assert (draft.price, draft.cosines, draft.looked_again) == (None, None, None)
    assert newest(home, 1)[0][1] == "clip.mp4" and of_source(home, "c" * 64, "").objects == ()
    assert changes(again(home, shop(tmp_path, 2, oat=OAT, rye=RYE))) == ["same"]


def test_the_first_write_brings_drafts_up_to_date_and_loses_none(tmp_path: Path) -> None:
    home, shard = tmp_path / "home", shop(tmp_path, oat=OAT, rye=RYE)
    tag_id = drafts_of_the_first_version(home, shard)
    run = kept(home, shard, vector(0.1, 1), objects=(vector(0, 0, 1),))
    assert run.sources[0].content_id == "c" * 64
    with closing(sqlite3.connect(home / "drafts.db")) as rows:
        assert rows.execute("PRAGMA user_version").fetchone() == (SCHEMA,)
    assert find(home, [tag_id])[0][0].title == "Oat drink" and count(home) == drafts.DraftCount(1, 2, 1)
    retagged = again(home, shop(tmp_path, 2, oat=OAT, rye=RYE))
    assert changes(retagged) == ["same", "same", "unmatched"]
    drafts.update(home, [one.now for one in retagged.tags if one.now], [])
    assert find(home, [tag_id])[0][0].price == "1.00"


# the command, on a picture that was really tagged


@pytest.fixture(scope="module")
def tagged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("tagged") / "home"
    assert main(["tag", str(golden_folder() / "two.png"), "--home", str(home)]) == 0
    return home


@pytest.fixture
def home(tagged: Path, tmp_path: Path) -> Path:
    (tmp_path / "home").mkdir()
    for file in tagged.iterdir():
        (tmp_path / "home" / file.name).write_bytes(file.read_bytes())
    return tmp_path / "home"


def command(home: Path, *words: object, code: int = 0) -> dict[str, Any]:
    document = home.parent / "retag.json"
    document.unlink(missing_ok=True)
    assert main(["retag", *map(str, words), "--home", str(home), "--json", str(document)]) == code
    return dict(json.loads(document.read_text())) if document.exists() else {}


def without(shard: Shard, product_id: str, out: Path, space_id: str | None = None) -> Path:
    """Write the demo catalogue anew, as version 2, without a product."""
    rows = [row for row in range(shard.products) if shard.texts("product_id")[row] != product_id]
    records = [shard.record(row) for row in rows]
    views = [view for row in rows for view in range(*shard.views_of(row).indices(shard.views))]
    product = [number for number, row in enumerate(rows) for _ in range(*shard.views_of(row).indices(shard.views))]
    columns = canonical_columns(records, shard.keys[views], shard.vectors[views], np.array(product))
    write_shard(out, "demo", 2, space_id or shard.space_id, columns)
    return out


def test_a_tagged_picture_is_named_by_path_by_tag_and_by_content(home: Path) -> None:
    path = golden_folder() / "two.png"
    whole = command(home, path)
    assert [tag["change"] for tag in whole["tags"]] == ["same", "same"] and len(whole["objects"]) == 1
    tag_id = whole["tags"][0]["tag_id"]
    assert [tag["tag_id"] for tag in command(home, tag_id[:6])["tags"]] == [tag_id]
    content_id = newest(home, 1)[0][0].content_id
    assert len(command(home, content_id[:20])["tags"]) == 2 and len(command(home, "--all")["tags"]) == 2
    assert len(command(home, tag_id, path, tag_id)["tags"]) == 2, "named twice, asked once"


def test_a_catalogue_that_lost_a_product_says_so_and_the_draft_can_still_be_decided_on(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from edge.defaults import demo_shard

    lost = newest(home, 1)[0][0]
    newer = without(open_shard(demo_shard()), lost.product_id, tmp_path / "newer")
    document = command(home, "--all", "--shard", newer)
    (gone,) = [tag for tag in document["tags"] if tag["change"] != "same"]
    assert gone["change"] in ("gone", "product") and gone["was"]["product_id"] == lost.product_id
    assert lost.title in capsys.readouterr().out
    other = next(tag for tag in document["tags"] if tag["change"] == "same")
    assert other["updated"] and find(home, [other["tag_id"]])[0][0].catalog_version == 2
    assert main(["accept", other["tag_id"], "--home", str(home)]) == 0 and len(waiting(home)) == 1


def test_a_dry_run_changes_nothing(home: Path, tmp_path: Path) -> None:
    from edge.defaults import demo_shard

    before = newest(home, 9)
    newer = without(open_shard(demo_shard()), before[0][0].product_id, tmp_path / "newer")
    assert command(home, "--all", "--dry-run", "--shard", newer)["changes"]
    assert newest(home, 9) == before


def test_a_decision_stays(home: Path, tmp_path: Path) -> None:
    from edge.defaults import demo_shard

    decided = newest(home, 1)[0][0]
    assert main(["accept", decided.tag_id, "--home", str(home)]) == 0
    newer = without(open_shard(demo_shard()), "nothing", tmp_path / "newer")
    document = command(home, decided.tag_id, "--shard", newer)
    assert document["tags"][0]["decided"] == "accepted" and not document["tags"][0]["updated"]
    assert find(home, [decided.tag_id])[0][0] == decided


def test_a_space_that_no_catalogue_has_any_more_is_one_sentence(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept(home, shop(tmp_path, oat=OAT), vector(1))  # of an invented space
    document = command(home, "--all", code=4)
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "which no catalogue here is of any more" in error and "tag it again" in error
    assert [tag["change"] for tag in document["tags"]] == ["same", "same"], "the others are still asked"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ((), 2, "name drafts, or give --all"),
        (("--all", "abcd"), 2, "name drafts, or give --all"),
        (("nowhere.mp4",), 3, "no source that was tagged here"),
        (("abcd",), 3, "no draft abcd is known here"),
        (("ab",), 3, "no source that was tagged here"),
        (("abcd", "--shard", "nowhere"), 4, "no such file"),
    ],
)
def test_wrong_calls_get_one_sentence(
    home: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], code: int, said: str
) -> None:
    assert main(["retag", *words, "--home", str(home)]) == code
    error = capsys.readouterr().err
    assert said in error and len(error.strip().splitlines()) == 1


def test_a_tag_without_a_vector_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    space_id = load_bundle(default_bundle()).space_id
    shard = make_shard(tmp_path / "s", [RECORDS["oat"]], [0], np.ones((1, 128)), space_id=space_id)
    tag = tag_of(shard, quantize(np.ones((1, 128)))[0])
    run = run_of(shard, [replace(tag, best=replace(tag.best, vector=None))])
    keep(tmp_path / "home", replace(run, bundle=load_bundle(default_bundle())), NOW_S)
    command(tmp_path / "home", "--all", "--shard", shard.root, code=3)
    assert "no vector of tag" in capsys.readouterr().err
    assert accept(tmp_path / "home").problems == ()


def test_what_was_tagged_without_a_product_is_tagged_again_with_it(tagged: Path, tmp_path: Path) -> None:
    from edge.defaults import demo_shard

    anew = {draft.product_id for draft, _ in newest(tagged, 9)}
    lacking = without(open_shard(demo_shard()), min(anew), tmp_path / "lacking")
    home = tmp_path / "home"
    picture = tmp_path / "two.png"
    picture.write_bytes((golden_folder() / "two.png").read_bytes())
    assert main(["tag", str(picture), "--shard", str(lacking), "--home", str(home)]) == 0
    assert min(anew) not in {draft.product_id for draft, _ in newest(home, 9)}
    picture.unlink()  # nothing is opened
    document = command(home, "--all", "--shard", demo_shard())
    assert {"found", "product"} & set(document["changes"])
    assert {draft.product_id for draft, _ in newest(home, 9)} == anew
