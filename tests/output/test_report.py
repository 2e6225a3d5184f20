"""The report: one file, nothing in it acts, nothing in it is loaded from elsewhere."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from edge.errors import OutputError
from edge.output.report import UNMATCHED_SHOWN, report_html, write_report
from edge.shard import ProductRecord
from edge.tags import Candidate
from tests.output.invented_runs import ShardInMemory, a_run, a_source, a_tag, an_unmatched, oat, webp

SHARD = ShardInMemory(
    [
        ProductRecord("oat", "Oat drink 1 l", "21.90", "SEK", "https://shop.example/oat", brand="Havre", in_stock=True),
        ProductRecord("oat-b", "Oat drink barista"),
    ],
    pictures={"oat": webp((20, 90, 200)), "oat-b": webp((200, 90, 20))},
)


class _Page(HTMLParser):
    """Gathers elements, attributes and text, and checks that what is opened is closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in ("meta", "br", "img"):
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def test_shows_a_run_without_sources() -> None:
    assert "No source was given" in _Page(report_html(a_run())).text


def test_shows_tag_product_and_runner_up() -> None:
    unmatched = an_unmatched(Candidate(0, "oat", "Oat drink 1 l", 0.41))
    page = _Page(report_html(a_run(a_source(oat(), unmatched=(unmatched,)), shard=SHARD)))
    for part in (
        "Oat drink 1 l",
        "Havre",
        "21.90 SEK",
        "in stock",
        "0.84",
        "0.20",
        "0:01.0 – 0:03.0",
        "Oat drink barista",
    ):
        assert part in page.text
    assert "Not in the catalogue: 1 object" in page.text and "0.41; 0.60 is needed" in page.text
    assert "spring, version 3" in page.text and "0.25 s" in page.text


def test_says_what_went_wrong_with_a_source() -> None:
    page = _Page(report_html(a_run(a_source(path="a.mp4", error="a.mp4: cut in the middle"), a_source(path="b.mp4"))))
    assert "Only part of this source could be read. a.mp4: cut in the middle" in page.text
    assert "Nothing that looks like a product was found here." in page.text


def test_says_that_the_demo_catalogue_is_invented() -> None:
    assert "demo catalogue of invented products" in _Page(report_html(a_run(demo=True))).text
    assert "invented" not in _Page(report_html(a_run(demo=False))).text


@pytest.mark.parametrize(
    "hostile", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{ 7*7 }}", "'</style>"]
)
def test_outside_text_stays_text(hostile: str) -> None:
    record = ProductRecord("p", hostile, hostile, hostile, "javascript:alert(1)", hostile, hostile)
    run = a_run(
        a_source(
            a_tag(("p", hostile, 0.8), ("p", hostile, 0.7), status="ambiguous"),
            path=f"{hostile}.mp4",
            error=hostile,
            unmatched=(an_unmatched(Candidate(0, "p", hostile, 0.1)),),
        ),
        shard=ShardInMemory([record], catalog=hostile, pictures={"p": webp((1, 2, 3))}),
        licences=({"name": hostile},),
    )
    page = _Page(report_html(run))
    assert page.all("script") == []
    assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)
    assert all((image["src"] or "").startswith("data:") for image in page.all("img"))
    assert hostile in page.text
    assert not any("javascript:" in str(value) for _, attributes in page.elements for value in attributes.values())


def test_loads_nothing_from_elsewhere() -> None:
    html = report_html(a_run(a_source(oat(), unmatched=(an_unmatched(),)), shard=SHARD, demo=True))
    page = _Page(html)
    assert re.findall(r"https?://[^\"' <]*", html) == ["https://shop.example/oat"]
    assert {tag for tag, _ in page.elements}.isdisjoint(
        {"script", "link", "iframe", "object", "form", "audio", "video"}
    )
    assert "url(" not in html and "@import" not in html
    policy = next(m["content"] for m in page.all("meta") if m.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None and policy.startswith("default-src 'none'; img-src data:;")


def test_every_picture_is_whole_and_described() -> None:
    page = _Page(report_html(a_run(a_source(oat(), unmatched=(an_unmatched(),)), shard=SHARD)))
    assert len(page.all("img")) == 2 and all(image["alt"] for image in page.all("img"))
    stored = {image["id"]: image["href"] for image in page.all("image")}
    assert len(stored) == 2
    assert {base64.b64decode((uri or "").partition(",")[2]) for uri in stored.values()} == set(SHARD.pictures.values())
    assert [(use["href"] or "")[1:] for use in page.all("use")] == list(stored)
    drawn = [svg for svg in page.all("svg") if "aria-hidden" not in svg]
    assert [svg["aria-label"] for svg in drawn] == [
        "Catalogue picture of Oat drink 1 l",
        "Catalogue picture of Oat drink barista",
    ]


def test_holds_a_catalogue_picture_once_however_often_it_is_shown() -> None:
    tags = [oat(tag_id=f"{i:016x}") for i in range(50)]
    page = _Page(report_html(a_run(a_source(*tags), shard=SHARD)))
    assert len(page.all("image")) == 2 and len(page.all("use")) == 100


def test_ids_are_unique_and_every_link_inside_leads_somewhere() -> None:
    tags = [oat(tag_id=f"{i:016x}") for i in range(3)]
    page = _Page(report_html(a_run(a_source(*tags), a_source(path="b.mp4"), shard=SHARD)))
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    targets = {
        (attributes.get("href") or "")[1:]
        for _, attributes in page.elements
        if (attributes.get("href") or "")[:1] == "#"
    }
    assert targets and targets <= set(ids)


def test_says_where_there_is_no_catalogue_picture() -> None:
    shard = replace(SHARD, pictures={})
    page = _Page(report_html(a_run(a_source(oat()), shard=shard)))
    assert "no picture" in page.text and page.all("image") == []


def test_keeps_a_crowd_of_unmatched_objects_short() -> None:
    crowd = tuple(an_unmatched() for _ in range(UNMATCHED_SHOWN + 5))
    page = _Page(report_html(a_run(a_source(unmatched=crowd))))
    assert len(page.all("img")) == UNMATCHED_SHOWN
    assert "and 5 more" in page.text and f"Not in the catalogue: {UNMATCHED_SHOWN + 5} objects" in page.text


def test_shows_no_timeline_for_a_picture() -> None:
    still = a_source(oat(trail=((0.0, (1.0, 1.0, 9.0, 9.0)),)), kind="image", path="a.jpg")
    html = report_html(a_run(still, shard=SHARD))
    assert 'class="timeline"' not in html and "seen at" not in html


def test_a_report_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match="cannot be written"):
        write_report(a_run(), tmp_path / "file" / "report.html")
    assert [p.name for p in tmp_path.iterdir()] == ["file"]
