"""What the operator's page shows of untrusted decisions: counted right, escaped, and moved by no single device."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.admin.certainty import often_rejected, wilson
from server.admin.plot import LEFT, RIGHT, plot_of
from server.database import operator as kept
from server.database.decisions import DAY_S, Counts, ProductCounts, Step, Window, course, products
from server.database.enrolment import revoke
from tests.server.shop import FORCED, Shop, make_shard
from tests.service.fleet import Clock, Counter, an_event
from tests.service.operator_visit import ON_SQLITE, Visit, decide, operator_of

HOSTILE = "\"><script>alert(1)</script><img src=x onerror=alert(1)>{{1111*1111}}'\u202e"
DAY = DAY_S


@pytest.fixture(autouse=True)
def quick_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "METHOD", "scrypt:1024:8:1")


@pytest.fixture
def visit(counter: Counter) -> Visit:
    return operator_of(counter)


def product_rows(visit: Visit, caption: str, **query: str) -> str:
    """Return one table of the first page."""
    page = visit.client.get("/admin", query_string=query).text
    tables = re.findall(r"<table><caption>.*?</table>", page, re.DOTALL)
    return next((table for table in tables if caption in table), "")


def test_an_empty_database_is_said_on_every_page(visit: Visit) -> None:
    assert "No decision was received" in visit.text("/admin")
    assert "No product is." in visit.text("/admin")
    assert "No decision was received" in visit.text("/admin/product", catalog="shop", product="p001")
    assert "No device was enrolled yet" in visit.text("/admin/devices")
    assert "No event was refused" in visit.text("/admin/refused")


def test_decisions_are_counted_by_product_with_title_and_shares(visit: Visit) -> None:
    till = visit.counter.device()
    decide(till, "yes", 6)
    decide(till, "no", 3, kind="rejected")
    decide(till, "other", 1, kind="corrected", corrected_to="p002")
    decide(till, "gone", 1, product_id="left the catalogue")
    page = visit.text("/admin")
    assert "product 1, better shop · p001 10 60 % 6 10 % 1 30 % 3 1" in page
    assert "left the catalogue shop · not in the newest catalogue 1" in page
    one = visit.text("/admin/product", catalog="shop", product="p001")
    assert "Corrected to" in one and "product 2 shop · p002 1 1" in one
    assert "40 % on average, 95 % interval 4 % to 92 %" in one.replace("\xa0", " ")


def test_the_last_decision_on_a_tag_counts_whatever_the_device_says_of_time(visit: Visit, clock: Clock) -> None:
    till = visit.counter.device()
    till.send([an_event(1, kind="rejected", tag_id="a" * 16)])
    till.send([an_event(2, tag_id="a" * 16, made_at_s=0)])
    visit.counter.device("till 2").send([an_event(3, tag_id="a" * 16)])
    found, _ = products(visit.counter.engine, Window(), 10)
    assert [(p.counts, p.devices) for p in found] == [(Counts(2, 0, 0), 2)]


def test_filters_by_catalogue_and_day(visit: Visit, clock: Clock) -> None:
    till = visit.counter.device()
    decide(till, "shop", 2)
    decide(till, "other", 3, catalog="other")
    begin = clock.now_s
    clock.now_s += 10 * DAY
    decide(till, "later", 4)
    visit = operator_of(visit.counter)
    first, last = (f"{datetime.fromtimestamp(s, UTC):%Y-%m-%d}" for s in (begin, clock.now_s))
    for query, count in (
        ({}, 9),
        ({"catalog": "other"}, 3),
        ({"catalog": "nothing"}, 0),
        ({"until": first}, 5),
        ({"since": last}, 4),
        ({"since": last, "until": last, "catalog": "other"}, 0),
        ({"since": ""}, 9),
    ):
        assert f"Decisions {count} Accepted" in visit.text("/admin", **query), query
    assert re.search(
        rf'id="since" name="since" type="date" value="{last}"', visit.client.get(f"/admin?since={last}").text
    )
    assert 'value="' not in product_rows(visit, "most decisions")


@ON_SQLITE
@pytest.mark.parametrize(
    "query",
    [
        *(
            {"since": text}
            for text in ("x", "2026-13-01", "20261127", "9999-12-31", "0001-01-01", "1; DROP TABLE events")
        ),
        *({"page": text} for text in ("0", "-1", "x", "9999999", "1e3", "²")),
        {"since": "2026-11-27", "until": "2026-11-26"},
        {"catalog": "a\0b"},
        {"catalog": "x" * 1_001},
    ],
)
def test_filters_that_are_none_are_said_in_one_sentence(visit: Visit, query: dict[str, str]) -> None:
    assert "This was not done" in visit.text("/admin", 400, **query)
    visit.text("/admin/product", 400)


@ON_SQLITE
def test_an_injection_is_a_name_like_any_other(visit: Visit) -> None:
    decide(visit.counter.device(), "yes", 1)
    for text in ("' OR 1=1 --", '"; DROP TABLE events; --', "%", "_hop"):
        assert "Decisions 0 Accepted" in visit.text("/admin", catalog=text)
        assert "No decision" in visit.text("/admin/product", catalog="shop", product=text)
    assert len(visit.counter.rows()) == 1


@ON_SQLITE
def test_a_long_table_has_pages(visit: Visit) -> None:
    till = visit.counter.device()
    till.send([an_event(n, product_id=f"item {n:03}") for n in range(120)])
    first, last = visit.text("/admin"), visit.text("/admin", page="3")
    assert "page 1 of 3 Next" in first and "item 049" in first and "item 050" not in first
    assert "Previous page 3 of 3" in last and "item 119" in last
    assert "the table has fewer pages" in visit.text("/admin", page="4")


def publish_titles(shop: Shop, titles: dict[str, str]) -> None:
    from server.publishing import publish
    from tests.server.shop import NOW

    shard = make_shard(shop.folder / "hostile", 2, titles)
    publish(shop.repository, shard, shop.ring, FORCED, NOW)


def test_hostile_texts_stay_text_wherever_they_are_shown(visit: Visit, shop: Shop) -> None:
    publish_titles(shop, {"p001": HOSTILE, "p002": HOSTILE + " two"})
    for number in range(4):
        till = visit.counter.device(f"<b>{number}{HOSTILE[:-1]}"[:80])
        decide(till, "no", 3, kind="corrected", corrected_to="p002")
        decide(till, "odd", 3, kind="corrected", product_id=HOSTILE, corrected_to=HOSTILE + "!")
        till.send([{"schema": HOSTILE + "\0"}, {HOSTILE: 1}])
    query = {"catalog": "shop", "product": HOSTILE}
    paths = [("/admin", {}), ("/admin", {"catalog": HOSTILE}), ("/admin/product", query)]
    paths += [("/admin/product", {**query, "product": "p001"}), ("/admin/devices", {}), ("/admin/refused", {})]
    for path, values in paths:
        page = visit.client.get(path, query_string=values).text
        assert page.startswith("<!doctype html>")
        assert "<script" not in page and "<img" not in page and "<b>" not in page and "1234321" not in page
        assert "alert(1)" in page or "schema" in page  # it is there, as text
    assert "alert(1)" in visit.client.get("/admin").text


def test_products_that_several_devices_reject_are_named_with_what_they_are_instead(visit: Visit) -> None:
    for number in range(5):
        till = visit.counter.device(f"till {number}")
        decide(till, "wrong", 3, kind="corrected", product_id="p003", corrected_to="p004")
        decide(till, "once", 1, kind="corrected", product_id="p003", corrected_to="p009")
        decide(till, "fine", 5, product_id="p005")
    table = product_rows(visit, "often rejected")
    assert "product 3" in table and "product 5" not in table
    assert table.index("product 4") > table.index("product 3") and "product 9" not in table
    assert "15 times, by 5 devices" in table
    assert "Often rejected" in visit.text("/admin/product", catalog="shop", product="p003")
    assert "picture the right one" not in visit.text("/admin/product", catalog="shop", product="p005")


@ON_SQLITE
def test_one_device_makes_no_product_bad_however_much_it_sends(visit: Visit) -> None:
    for number in range(4):
        decide(visit.counter.device(f"till {number}"), "fine", 3)
    rogue = visit.counter.device("rogue")
    decide(rogue, "no", 490, kind="rejected")
    decide(rogue, "alone", 490, kind="rejected", product_id="p002")
    assert "No product is." in visit.text("/admin")


@ON_SQLITE
def test_three_events_make_no_product_bad(visit: Visit) -> None:
    for number in range(3):
        decide(visit.counter.device(f"till {number}"), "no", 1, kind="rejected")
    assert "No product is." in visit.text("/admin")


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)).filter(any), max_size=30), st.integers(1, 10**6))
def test_no_device_alone_decides_what_is_often_rejected(others: list[tuple[int, int]], sent: int) -> None:
    """Devices that all accept, and one that rejects as often as it likes: never enough."""
    votes = [0.0 for _ in others] + [1.0]
    counts = Counts(sum(map(sum, others)), 0, sent)
    product = ProductCounts("shop", "p", counts, len(votes), sum(votes) / len(votes))
    assert often_rejected([product]) == []


@given(st.floats(0, 1), st.integers(1, 10**9))
def test_the_interval_holds_the_share_and_shrinks(share: float, count: int) -> None:
    low, high = wilson(share, count)
    assert 0 <= low <= share + 1e-12 and share - 1e-12 <= high <= 1
    wide_low, wide_high = wilson(share, count / 2)
    assert high - low <= wide_high - wide_low


def test_the_interval_is_that_of_the_textbook() -> None:
    assert wilson(0.0, 0) == (0.0, 1.0)
    assert wilson(0.5, 10) == pytest.approx((0.2366, 0.7634), abs=1e-4)
    assert wilson(1.0, 3) == pytest.approx((0.4385, 1.0), abs=1e-4)


def test_a_course_has_every_day_and_never_too_many_steps(visit: Visit, clock: Clock) -> None:
    till = visit.counter.device()
    for days in (0, 3, 3.2, 400):
        clock.now_s += days * DAY
        decide(till, f"after {days}", 1)
        steps, step_s = course(visit.counter.engine, Window())
        assert len(steps) <= 65 and sum(step.counts.all for step in steps) == len(visit.counter.rows())
        assert all(b.start_s - a.start_s == step_s for a, b in pairwise(steps))
        assert step_s == (DAY if days < 400 else 7 * DAY)


@given(st.lists(st.builds(Counts, *[st.integers(0, 1_000)] * 3), max_size=70), st.sampled_from([340.0, 860.0]))
def test_everything_of_a_plot_is_within_it(counts: list[Counts], width: float) -> None:
    plot = plot_of([Step(DAY * n, count) for n, count in enumerate(counts)], width, "any")
    for bar in plot.bars:
        assert bar.x >= LEFT and bar.x + bar.width <= width - RIGHT + 1e-6
        assert bar.y >= 0 and bar.y + bar.height <= plot.height
    dates = [label for label in plot.labels if label.anchor == "middle"]
    assert all(a.x - b.x >= 80 for a, b in pairwise(dates))  # ten letters take some 70


def test_devices_stand_with_the_version_of_their_last_event(visit: Visit, clock: Clock) -> None:
    old, new, out = (visit.counter.device(name) for name in ("old", "new", "out"))
    visit.counter.device("silent")
    decide(old, "a", 2, catalog_version=1)
    decide(new, "a", 1, catalog_version=1)
    clock.now_s += 60
    decide(new, "b", 1, catalog_version=2, made_at_s=0)
    decide(out, "a", 1, catalog_version=2)
    revoke(visit.counter.engine, "out", clock.now_s)
    page = visit.text("/admin/devices")
    seen = f"{datetime.fromtimestamp(clock.now_s, UTC):%Y-%m-%d %H:%M} UTC"
    assert f"shop 2 1 {seen}" in page
    assert re.search(r"shop 1 1 20", page)
    assert re.search(r"silent \w{32} never – 0", page) and re.search(r"new \w{32} \S+ \S+ UTC shop 2 2", page)
    assert "shut out" in page


@ON_SQLITE
def test_versions_stand_with_sizes_and_expiries(visit: Visit, shop: Shop, clock: Clock) -> None:
    shop.publish(2, pictures=True)
    page = visit.text("/admin/catalogues")
    assert "All is in order." in page and "timestamp in order" in page
    assert re.search(r"2 41 41 100 % [\d.]+ kB [\d,.]+ k?B [\d.]+ k?B 1 41", page), page
    clock.now_s += 6 * DAY
    assert "Someone must act. timestamp expires" in operator_of(visit.counter).text("/admin/catalogues")
    (shop.public / "metadata/timestamp.json").unlink()
    assert "cannot be read" in operator_of(visit.counter).text("/admin/catalogues")


def test_refused_events_are_counted_by_reason_and_go_with_their_device(visit: Visit, clock: Clock) -> None:
    till = visit.counter.device()
    assert till.results([{"schema": 2}, {"schema": 2}, an_event()]) == ["refused", "refused", "stored"]
    clock.now_s += 60
    till.results([{"schema": 2}])
    page = visit.text("/admin/refused")
    assert re.search(r"till 1 event: schema 2, this version reads 1: update it 3 ", page)
    own = visit.counter.client.get("/api/v1/device", headers=till.headers).json
    assert [refusal["count"] for refusal in own["refused"]] == [3]
    assert visit.counter.client.delete("/api/v1/device", headers=till.headers).status_code == 204
    assert "No event was refused" in visit.text("/admin/refused")


def test_a_device_cannot_fill_the_table_of_refusals(visit: Visit) -> None:
    till = visit.counter.device()
    for start in range(0, 100, 25):
        till.send([{"schema": f"{start + n}"} for n in range(25)])
    assert "(20 in all)" in visit.text("/admin/refused")


@ON_SQLITE
def test_every_table_has_a_caption_and_headings_and_every_field_a_label(visit: Visit) -> None:
    for number in range(4):
        decide(visit.counter.device(f"till {number}"), "no", 3, kind="corrected", corrected_to="p002")
        visit.counter.device(f"till {number}").send([None])
    for path in (
        "/admin",
        "/admin/product?catalog=shop&product=p001",
        "/admin/catalogues",
        "/admin/devices",
        "/admin/refused",
    ):
        page = visit.client.get(path).text
        tables = re.findall(r"<table>.*?</table>", page, re.DOTALL)
        assert tables and all(t.startswith("<table><caption>") and 'scope="col"' in t for t in tables), path
        assert len(re.findall(r"<h1>", page)) == 1 and '<html lang="en">' in page and "<main" in page
        labelled = set(re.findall(r'<label for="(\w+)"', page))
        fields = set(re.findall(r'<(?:input|select) id="(\w+)"', page))
        assert fields == labelled
        assert len(re.findall(r"<title>[^<]+ · Taglet</title>", page)) == 1
