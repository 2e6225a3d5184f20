"""Every state of the page: readable by a screen reader, by day, by night, on a phone, by keyboard, in two languages."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect

from tests.web.node import WEB
from tests.web.page.conftest import Named
from tests.web.page.creator import choose, products, suggestions, switch, wait_until_done
from tests.web.page.states import STATES, State

AXE = (WEB / "node_modules" / "axe-core" / "axe.min.js").read_text() if (WEB / "node_modules").exists() else ""
NAME = "(e => e.getAttribute('aria-label') || e.labels?.[0]?.innerText || e.innerText)(document.activeElement)"
NO_STORAGE = "Object.defineProperty(self, 'indexedDB', { get() { throw new DOMException('no', 'SecurityError') } })"
PHONE = ViewportSize(width=360, height=740)


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.name)
def test_no_state_shuts_anybody_out_or_breaks_out_of_a_phone(
    visit: BrowserContext, doubled: str, named: Named, state: State
) -> None:
    page = visit.new_page()
    page.goto(doubled + state.address)
    state.reach(page, named)
    assert barriers(page) == []
    page.emulate_media(color_scheme="dark")
    assert barriers(page, "{ runOnly: ['color-contrast'] }") == [], "in the dark"
    page.set_viewport_size(PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def barriers(page: Page, options: str = "{}") -> list[str]:
    """Return what axe-core calls serious or critical."""
    page.evaluate(AXE)
    found: list[dict[str, Any]] = page.evaluate(f"axe.run({options}).then((results) => results.violations)")
    return [
        f"{one['id']}: {node['html'][:120]} {node.get('failureSummary', '')[:200]}"
        for one in found
        for node in one["nodes"]
        if one["impact"] in ("serious", "critical")
    ]


def test_the_whole_walk_needs_no_mouse(visit: BrowserContext, doubled: str, named: Named) -> None:
    page = visit.new_page()
    page.goto(doubled + "?pace=5")
    switch(page).wait_for()
    keys = page.keyboard
    keys.press("Tab")
    assert focused(page) == "Skip to the content"
    with page.expect_file_chooser() as chooser:
        tab_to(page, "Choose files")
        keys.press("Enter")
    chooser.value.set_files(named("trip.mp4"))
    tab_to(page, "Identify similar objects")
    keys.press("Space")
    wait_until_done(page)
    tab_to(page, "Accept")
    keys.press("Enter")
    expect(page.locator(".products strong")).to_have_count(1)
    page.wait_for_timeout(100)
    assert focused(page).startswith("Quince")  # the next suggestion, an ambiguous one
    keys.press("Enter")
    page.wait_for_timeout(100)
    keys.press("r")
    page.wait_for_timeout(100)
    keys.press("c")
    page.get_by_role("dialog").wait_for()
    keys.type("plum")
    keys.press("ArrowDown")
    assert "Plum Jam" in focused(page)
    keys.press("Enter")
    assert len(products(page)) == 3 and "Plum Jam, 340 g" in products(page)
    assert "4 of 4 decided" in page.locator(".suggestions").inner_text()
    tab_to(page, "One-time code")
    keys.type("GOOD-CODE")
    keys.press("Enter")
    tab_to(page, r"Send 4 decisions \(.*\)")
    keys.press("Enter")
    expect(page.get_by_text("The server has your 4 decisions")).to_be_visible()


def test_escape_closes_a_dialog_and_the_focus_goes_back(visit: BrowserContext, doubled: str, named: Named) -> None:
    page = visit.new_page()
    page.goto(doubled + "?pace=5")
    choose(page, named("trip.mp4"))
    page.get_by_role("button", name="Start over").press("Enter")
    page.get_by_role("dialog").wait_for()
    page.keyboard.press("Escape")
    assert page.get_by_role("dialog").count() == 0 and focused(page) == "Start over"


def test_consent_to_share_is_off_and_for_one_decision(visit: BrowserContext, doubled: str, named: Named) -> None:
    page = visit.new_page()
    page.goto(doubled + "?pace=5&enrolled=1")
    choose(page, named("trip.mp4"))
    switch(page).click()
    wait_until_done(page)
    page.get_by_role("button", name="Accept all 3").click()
    expect(page.locator(".events details")).to_have_count(3)
    page.locator(".events summary").first.click()
    box = page.get_by_role("checkbox", name="Also share what it looks like").first
    assert not box.is_checked()
    box.check()
    embeddings = page.locator(".events tr", has_text="embedding").locator("td")
    page.wait_for_timeout(100)
    texts = [text for text in embeddings.all_text_contents()]
    assert len([text for text in texts if text != "empty"]) == 1


def test_the_page_speaks_german_where_the_browser_does(browser: Browser, doubled: str, named: Named) -> None:
    context = browser.new_context(locale="de-AT", viewport=PHONE, reduced_motion="reduce")
    page = context.new_page()
    page.goto(doubled + "?pace=5")
    choose(page, named("trip.mp4"))
    page.get_by_role("switch", name="Ähnliche Objekte erkennen").click()
    expect(page.get_by_text("Fertig: 4 Vorschläge")).to_be_visible()
    assert page.evaluate("document.documentElement.lang") == "de"
    assert "2,29" in suggestions(page).first.inner_text()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    context.close()


def test_an_object_without_a_match_can_be_named_and_taken_out_again(
    visit: BrowserContext, doubled: str, named: Named
) -> None:
    page = visit.new_page()
    page.goto(doubled + "?pace=5")
    choose(page, named("trip.mp4"))
    switch(page).click()
    wait_until_done(page)
    page.get_by_role("button", name="Name it").click()
    page.get_by_role("dialog").get_by_role("button", name="Quince Jelly").click()
    assert products(page) == ["Quince Jelly, 340 g"] and "added by you" in page.locator(".products").inner_text()
    assert "Nothing leaves" in page.locator(".leaving").inner_text()
    page.get_by_role("button", name="Remove Quince Jelly").click()
    assert products(page) == []


def test_a_browser_that_keeps_nothing_says_so_and_goes_on(visit: BrowserContext, doubled: str, named: Named) -> None:
    visit.add_init_script(NO_STORAGE)
    page = visit.new_page()
    page.goto(doubled + "?pace=5")
    expect(page.get_by_text("This browser keeps nothing")).to_be_visible()
    choose(page, named("trip.mp4"))
    switch(page).click()
    wait_until_done(page)
    assert suggestions(page).count() == 4 and "Draft kept" not in page.locator(".post").inner_text()


def test_a_second_tab_begins_a_draft_of_its_own(visit: BrowserContext, doubled: str, named: Named) -> None:
    one, other = visit.new_page(), visit.new_page()
    one.goto(doubled)
    one.get_by_label("Caption").fill("first")
    choose(one, named("trip.mp4"))
    one.wait_for_timeout(1000)
    other.goto(doubled)
    assert other.get_by_label("Caption").input_value() == ""
    one.close()
    other.close()
    third = visit.new_page()
    third.goto(doubled)
    expect(third.get_by_label("Caption")).to_have_value("first")
    assert third.get_by_role("button", name="trip.mp4", exact=True).count() == 1


def focused(page: Page) -> str:
    """Return the name of what has the focus."""
    name: str = page.evaluate(NAME)
    return name.strip()


def tab_to(page: Page, name: str) -> None:
    """Press Tab until something of this name (a regular expression) has the focus."""
    for _ in range(60):
        if re.fullmatch(name, focused(page)):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"the keyboard never reaches {name!r}")
