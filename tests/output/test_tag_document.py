"""The tag document: what is written is read back the same, and what is not a document is refused by its field."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.document import document_from_json, document_of, read_document, tag_document
from edge.errors import ArtefactRefused, InputError
from edge.tagging import tag_id
from tests.output.invented_runs import a_run, a_source, a_tag, an_unmatched, oat

RUNS = [
    a_run(),
    a_run(a_source()),
    a_run(a_source(path="broken.jpg", kind="image", error="broken.jpg: the picture ends in the middle")),
    a_run(a_source(oat(), unmatched=(an_unmatched(),)), demo=True),
    a_run(
        a_source(a_tag(("oat", "日本 \U0001f600 <b>", 1.0), margin=1.0)), a_source(oat(status="ambiguous", margin=0.0))
    ),
]


@pytest.mark.parametrize("run", RUNS, ids=["no source", "nothing found", "broken", "demo", "two sources"])
def test_reads_back_what_was_written(run: Any, tmp_path: Path) -> None:
    path = tmp_path / "tags.json"
    path.write_text(json.dumps(tag_document(run), ensure_ascii=False), encoding="utf-8")
    assert read_document(path) == document_of(run)


def test_notes_are_there_only_where_something_gave_way() -> None:
    source = replace(a_source(), notes=("taken at its own speed: 3 glances came too late",))
    run = a_run(source, a_source())
    told = tag_document(run)["sources"]
    assert [one.get("notes") for one in told] == [source.notes, None]
    assert document_from_json(json.loads(json.dumps(tag_document(run))), "tags.json") == document_of(run)
    wrong = json.loads(json.dumps(tag_document(run)))
    wrong["sources"][0]["notes"] = [7]
    with pytest.raises(InputError, match=r"sources\[0\]\.notes"):
        document_from_json(wrong, "tags.json")


def test_has_exactly_the_promised_fields() -> None:
    document = tag_document(a_run(a_source(oat(), unmatched=(an_unmatched(),))))
    assert list(document) == ["schema", "bundle", "shards", "sources", "timing_ms"]
    assert set(document["bundle"]) == {"name", "sha256", "space_id"}
    assert document["shards"] == ({"catalog": "spring", "version": 3, "items": 1, "sha256": "5a" * 32},)
    (source,) = document["sources"]
    assert list(source) == [
        *("path", "kind", "duration_s", "resolution_wh", "partial", "frames_decoded", "frames_detected"),
        *("crops_embedded", "error", "tags", "unmatched"),
    ]
    (tag,) = source["tags"]
    assert tag == {
        "tag_id": "0123456789abcdef",
        "status": "match",
        "product_id": "oat",
        "title": "Oat drink 1 l",
        "shard": 0,
        "similarity": 0.8432,
        "margin": 0.2,
        "start_s": 1.0,
        "end_s": 3.0,
        "best": {"timestamp_s": 1.0, "xyxy": (10.0, 20.0, 60.0, 80.0)},
        "alternatives": ({"product_id": "oat-b", "similarity": 0.6432},),
    }
    assert source["unmatched"] == ({"start_s": 2.0, "end_s": 2.0, "xyxy": (5.0, 5.0, 30.0, 40.0)},)
    assert document["timing_ms"] == {"decode": 10.0, "detect": 200.0, "embed": 30.0, "search": 1.0, "total": 250.0}


def test_says_that_the_demo_catalogue_is_invented() -> None:
    assert tag_document(a_run(demo=True))["notice"] == "demo catalogue of invented products"
    assert "notice" not in tag_document(a_run(demo=False))


def test_survives_a_file_name_that_is_not_utf8() -> None:
    path = b"caf\xe9.mp4".decode("utf-8", "surrogateescape")
    document = tag_document(a_run(a_source(path=path, error=f"{path}: no such file")))
    json.dumps(document, ensure_ascii=False).encode("utf-8")
    assert document["sources"][0]["path"] == "caf?.mp4"


def test_finds_a_tag_by_its_id() -> None:
    document = document_of(a_run(a_source(), a_source(oat(tag_id="f" * 16))))
    found = document.tag("f" * 16)
    assert found is not None and found.product_id == "oat"
    assert document.tag("0" * 16) is None


def test_tag_id_follows_the_written_rule() -> None:
    text = "tag:1\nc0ffee\n5bace\n5ba4d\noat-1l\n2"
    assert tag_id("c0ffee", "5bace", "5ba4d", "oat-1l", 2) == hashlib.sha256(text.encode()).hexdigest()[:16]
    assert re.fullmatch("[0-9a-f]{16}", tag_id("", "", "", "日本", 0))


def _changed(*path: Any, value: Any) -> Any:
    """Return a good document with one field replaced; `...` as the value takes the field away."""
    document = json.loads(json.dumps(tag_document(a_run(a_source(oat(), unmatched=(an_unmatched(),))))))
    place = document
    for step in path[:-1]:
        place = place[step]
    if value is ...:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return document


@pytest.mark.parametrize(
    ("document", "named"),
    [
        (_changed("sources", value=...), "sources: expected a list, found nothing"),
        (_changed("sources", value={}), "sources: expected a list"),
        (_changed("sources", 0, value=7), "sources[0]: expected an object, found 7"),
        (_changed("sources", 0, "kind", value="film"), "sources[0].kind: expected image or video, found 'film'"),
        (_changed("sources", 0, "partial", value=0), "sources[0].partial: expected true or false"),
        (_changed("sources", 0, "resolution_wh", value=[1]), "sources[0].resolution_wh: expected 2 numbers"),
        (_changed("sources", 0, "frames_decoded", value=1.5), "sources[0].frames_decoded: expected a whole number"),
        (_changed("sources", 0, "tags", 0, "margin", value=True), "sources[0].tags[0].margin: expected a number"),
        (_changed("sources", 0, "tags", 0, "similarity", value=1.5), "similarity: expected a number from -1 to 1"),
        (_changed("sources", 0, "tags", 0, "start_s", value=10**400), "start_s: expected a number"),
        (
            _changed("sources", 0, "tags", 0, "shard", value=1),
            "sources[0].tags[0].shard: expected a number from 0 to 0",
        ),
        (_changed("sources", 0, "tags", 0, "best", "xyxy", value=[9, 0, 1, 1]), "best.xyxy: expected a box"),
        (_changed("timing_ms", "total", value=float("nan")), "timing_ms.total: expected a number"),
        (_changed("bundle", "sha256", value=None), "bundle.sha256: expected a text"),
    ],
)
def test_refuses_a_wrong_field_by_name(document: Any, named: str) -> None:
    with pytest.raises(InputError, match=re.escape(named)) as refusal:
        document_from_json(document, "tags.json")
    assert str(refusal.value).startswith("tags.json: ") and "\n" not in str(refusal.value)


def test_refuses_another_schema() -> None:
    with pytest.raises(ArtefactRefused, match="schema 2"):
        document_from_json(_changed("schema", value=2), "tags.json")


@pytest.mark.parametrize("content", [b"", b"not json", b"\xff\xfe", b"[" * 100_000, b"[]", b"null"])
def test_refuses_a_file_that_is_no_document(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "tags.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"tags\.json: "):
        read_document(path)


def test_refuses_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        read_document(tmp_path / "tags.json")


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(), lambda c: st.lists(c) | st.dictionaries(st.text(), c)
    )
)
def test_refuses_any_other_json_with_a_sentence(value: Any) -> None:
    good = _changed("schema", value=1)
    for broken in (value, {"schema": 1, "sources": value}, {**good, "sources": [value]}, {**good, "bundle": value}):
        with pytest.raises((InputError, ArtefactRefused)):
            document_from_json(broken, "x")
