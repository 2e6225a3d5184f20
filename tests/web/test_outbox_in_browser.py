"""Decisions in the browser: kept before anything is sent, sent exactly once, shown as they leave."""

from __future__ import annotations

import base64
import json
from typing import Any

from playwright.sync_api import BrowserContext, Page, Route

from edge.events import FIELDS, read_event
from tests.web.site import NOTHING_KEPT, Site

ENROL = "code => outbox.enrol(code)"
PUSH = "told(() => outbox.push())"


def enrolled(context: BrowserContext, site: Site) -> Page:
    """Return a page whose device is enrolled."""
    page = site.open(context)
    page.evaluate(ENROL, site.code())
    return page


def decided(page: Page) -> dict[str, str]:
    """Return what is decided, by the number of the tag."""
    found = page.evaluate("outbox.decisions().then(found => [...found].map(([id, one]) => [id, one.kind]))")
    return {str(int(tag_id, 16)): kind for tag_id, kind in found}


def waiting(page: Page) -> list[dict[str, Any]]:
    """Return the events that wait."""
    found: list[dict[str, Any]] = page.evaluate("outbox.waiting().then(({ events }) => events)")
    return found


def test_an_empty_outbox_has_nothing_to_send(context: BrowserContext, site: Site) -> None:
    page = site.open(context)
    assert page.evaluate("outbox.waiting()") == {"events": [], "bodies": [], "bytes": 0}
    assert page.evaluate(PUSH)["name"] == "not_enrolled"
    page.evaluate(ENROL, site.code())
    assert page.evaluate(PUSH)["value"] == {"sent": 0, "acknowledged": 0, "refused": []}
    assert decided(page) == {}


def test_what_is_shown_is_what_leaves_and_what_the_server_has(context: BrowserContext, site: Site) -> None:
    page = enrolled(context, site)
    page.evaluate("decide(1)")
    page.evaluate("decide(2, 'corrected', 'p005', Int8Array.of(1, -2, 127))")
    page.evaluate("decide(3, 'rejected')")
    shown = page.evaluate("outbox.waiting()")
    for event in shown["events"]:
        assert list(event) == list(FIELDS)
        read_event(event)
    assert base64.b64decode(shown["events"][1]["embedding"]) == bytes([1, 254, 127])
    with page.expect_request("**/api/v1/events") as sent:
        assert page.evaluate(PUSH)["value"] == {"sent": 3, "acknowledged": 3, "refused": []}
    body = sent.value.post_data_buffer or b""
    assert len(body) == shown["bytes"] and sent.value.headers["content-encoding"] == "gzip"
    assert [json.loads(text)["events"] for text in shown["bodies"]] == [shown["events"]]
    rows = site.rows()
    assert [row.event_id for row in rows] == [event["event_id"] for event in shown["events"]]
    assert [(row.kind, row.corrected_to, row.embedding) for row in rows] == [
        ("accepted", None, None),
        ("corrected", "p005", bytes([1, 254, 127])),
        ("rejected", None, None),
    ]
    assert {row.shard_sha256 for row in rows} == {site.shop.index().generations[0].newest.sha256}
    assert waiting(page) == [] and decided(page) == {"1": "accepted", "2": "corrected", "3": "rejected"}


def test_deciding_again_replaces_what_has_not_left_and_follows_what_has(context: BrowserContext, site: Site) -> None:
    page = enrolled(context, site)
    page.evaluate("decide(1)")
    first = waiting(page)
    page.evaluate("decide(1)")
    assert waiting(page) == first
    page.evaluate("decide(1, 'rejected')")
    assert [event["kind"] for event in waiting(page)] == ["rejected"]
    page.evaluate("decide(1, 'rejected', null, Int8Array.of(5))")
    assert [bool(event["embedding"]) for event in waiting(page)] == [True]
    page.evaluate("decide(1, 'rejected')")
    assert [event["embedding"] for event in waiting(page)] == [None]
    page.evaluate(PUSH)
    page.evaluate("decide(1)")
    page.evaluate(PUSH)
    assert [row.kind for row in site.rows()] == ["rejected", "accepted"]


def test_an_answer_that_is_lost_costs_a_second_sending_and_stores_once(context: BrowserContext, site: Site) -> None:
    page = enrolled(context, site)
    page.evaluate("globalThis.outbox = courier.createOutbox({ pause: async () => undefined })")
    page.evaluate("decide(1)")
    asked: list[int] = []

    def lose(route: Route) -> None:
        route.fetch()
        asked.append(1)
        route.abort()

    context.route("**/api/v1/events", lose)
    assert page.evaluate(PUSH)["name"] == "offline"
    assert len(asked) == 4 and len(waiting(page)) == 1 and len(site.rows()) == 1
    page.evaluate("decide(1, 'rejected')")  # the first may have been heard: another one follows it
    context.unroute("**/api/v1/events")
    assert page.evaluate(PUSH)["value"]["acknowledged"] == 2
    assert [row.kind for row in site.rows()] == ["accepted", "rejected"]


def test_a_server_that_asks_for_patience_gets_it(context: BrowserContext, site: Site) -> None:
    page = enrolled(context, site)
    page.evaluate(
        "globalThis.waits = []; globalThis.outbox = courier.createOutbox({ pause: async s => void waits.push(s) })"
    )
    page.evaluate("decide(1)")
    context.route("**/api/v1/events", lambda route: route.fulfill(status=503, headers={"Retry-After": "7"}))
    assert page.evaluate(PUSH)["name"] == "busy"
    waits = page.evaluate("waits")
    assert len(waits) == 3 and all(7 <= wait <= 7 + 0.5 * 2**n for n, wait in enumerate(waits))
    context.unroute("**/api/v1/events")
    context.route("**/api/v1/events", lambda route: route.fulfill(status=429, headers={"Retry-After": "3600"}))
    assert page.evaluate(PUSH)["name"] == "busy" and len(page.evaluate("waits")) == 3
    assert len(waiting(page)) == 1


def test_what_the_server_refuses_is_kept_apart_and_sent_again_when_asked(context: BrowserContext, site: Site) -> None:
    page = enrolled(context, site)
    page.evaluate("decide(1)")
    page.evaluate("decide(2)")
    event_id = waiting(page)[0]["event_id"]

    def refuse(route: Route) -> None:
        answer = {"event_id": event_id, "status": "refused", "error": "never"}
        route.fulfill(json={"results": [answer, {"event_id": "f" * 32, "status": "stored", "error": None}]})

    context.route("**/api/v1/events", refuse)
    told = page.evaluate(PUSH)
    assert told["name"] == "unanswered" and len(waiting(page)) == 1
    context.unroute("**/api/v1/events")
    refused = page.evaluate("outbox.refused()")
    assert [(one["event"]["event_id"], one["error"]) for one in refused] == [(event_id, "never")]
    assert page.evaluate("outbox.retry()") == 1
    assert page.evaluate(PUSH)["value"]["acknowledged"] == 2
    assert sorted(row.tag_id for row in site.rows()) == ["0" * 15 + "1", "0" * 15 + "2"]


def test_more_than_a_server_takes_at_once_goes_in_pieces(context: BrowserContext, site: Site) -> None:
    page = enrolled(context, site)
    page.evaluate("catalogs.open()")
    page.evaluate(
        """async () => {
            const [{ name, space_id }] = await catalogs.open();
            for (let i = 0; i < 520; i++) await outbox.decide("accepted", aTag(i), name, space_id, null, null);
        }"""
    )
    bodies = page.evaluate("outbox.waiting().then(({ bodies }) => bodies.map(text => JSON.parse(text).events.length))")
    assert bodies == [500, 20]
    sizes: list[int] = []

    def some(route: Route) -> None:
        sizes.append(len(route.request.post_data_buffer or b""))
        if sizes[-1] > 6000:
            route.fulfill(status=413, json={"error": "too much"})
        else:
            route.continue_()

    context.route("**/api/v1/events", some)
    assert page.evaluate(PUSH)["value"] == {"sent": 520, "acknowledged": 520, "refused": []}
    assert [row.tag_id for row in site.rows()] == [f"{n:016x}" for n in range(520)]
    assert len(sizes) > 5


def test_a_code_is_good_once_and_a_token_that_was_revoked_is_told(context: BrowserContext, site: Site) -> None:
    page = site.open(context)
    code = site.code()
    told = page.evaluate("code => told(() => outbox.enrol(code))", "0000-0000-0000-0000")
    assert told["name"] == "code_refused" and "unknown" in told["sentence"]
    page.evaluate(ENROL, code)
    assert page.evaluate("outbox.enrolled()")
    told = page.evaluate("code => told(() => outbox.enrol(code))", code)
    assert told["name"] == "code_refused" and "used already" in told["sentence"]
    page.evaluate("decide(1)")
    site.revoke()
    told = page.evaluate(PUSH)
    assert told["name"] == "token_unknown" and len(waiting(page)) == 1


def test_forgetting_deletes_there_and_here_and_keeps_what_was_not_sent(context: BrowserContext, site: Site) -> None:
    page = enrolled(context, site)
    page.evaluate("decide(1)")
    page.evaluate(PUSH)
    page.evaluate("decide(2)")
    page.evaluate("outbox.forget()")
    assert site.rows() == [] and not page.evaluate("outbox.enrolled()")
    assert decided(page) == {"2": "accepted"} and len(waiting(page)) == 1


def test_two_tabs_decide_and_send_each_decision_once(context: BrowserContext, site: Site) -> None:
    first, second = enrolled(context, site), site.open(context)
    for page in (first, second):
        page.evaluate("() => { globalThis.heard = 0; outbox.changed(() => heard++) }")
        page.evaluate("globalThis.working = Promise.all([1, 2, 3, 4].map(number => decide(number)))")
    for page in (first, second):
        page.evaluate("working")
    assert len(waiting(first)) == 4 and waiting(first) == waiting(second)
    for page in (first, second):
        page.evaluate("globalThis.working = told(() => outbox.push())")
    told = [page.evaluate("working") for page in (first, second)]
    assert sum(one["value"]["sent"] for one in told) == 4
    assert sorted(row.tag_id for row in site.rows()) == [f"{n:016x}" for n in (1, 2, 3, 4)]
    assert waiting(first) == waiting(second) == [] and decided(second) == decided(first)
    assert second.evaluate("heard") > 0


def test_a_decision_for_which_there_is_no_room_is_not_made(context: BrowserContext, site: Site) -> None:
    page = context.new_page()
    page.goto(site.address)
    site.limit(page, 30_000)
    page = site.open(context)
    page.evaluate("catalogs.open().then(([{ name, space_id }]) => { globalThis.shown = [name, space_id] })")
    made, told = page.evaluate(
        """async () => {
            for (let made = 0; made < 60; made++) {
                const vector = new Int8Array(4096).fill(made);
                const one = await told(() => outbox.decide("accepted", aTag(made), ...shown, null, vector));
                if (one.name) return [made, one];
            }
            return [60, {}];
        }"""
    )
    assert told["name"] == "storage_full" and "decide again" in told["sentence"]
    assert 0 < made < 60 and len(waiting(page)) == made and len(decided(page)) == made
    site.limit(page, 100_000_000)
    page.evaluate(ENROL, site.code())
    page.evaluate("decide(99)")
    assert page.evaluate(PUSH)["value"]["acknowledged"] == made + 1 == len(site.rows())


def test_without_a_database_decisions_are_sent_while_the_page_is_open(context: BrowserContext, site: Site) -> None:
    context.add_init_script(NOTHING_KEPT)
    page = enrolled(context, site)
    page.evaluate("decide(1)")
    page.evaluate("decide(1, 'rejected')")
    assert page.evaluate("outbox.notes().map(note => note.name)") == ["no_storage"]
    assert page.evaluate(PUSH)["value"]["acknowledged"] == 1
    assert [row.kind for row in site.rows()] == ["rejected"]


def test_a_decision_that_no_event_can_hold_is_refused_in_a_sentence(context: BrowserContext, site: Site) -> None:
    page = site.open(context)
    assert page.evaluate("told(() => decide(1, 'corrected'))")["name"] == "undecidable"
    assert page.evaluate("told(() => decide(1, 'corrected', 'p001'))")["name"] == "undecidable"
    assert page.evaluate("told(() => decide(1, 'corrected', 'x'.repeat(1001)))")["name"] == "undecidable"
    assert decided(page) == {}
