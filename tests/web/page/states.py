"""The states of the page and how to bring it there, over doubles of its rooms (web_demo/tests/double)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.web.page.creator import choose, suggestions, switch, wait_until_done

Files = Callable[[str], Path]


@dataclass(frozen=True)
class State:
    """A state.

    Attributes:
        name: in one word.
        reach: brings the page there.
        address: what the double is told.
    """

    name: str
    reach: Callable[[Page, Files], None]
    address: str = "?pace=5"


def _empty(page: Page, files: Files) -> None:
    switch(page).wait_for()


def _chosen(page: Page, files: Files) -> None:
    choose(page, files("trip.mp4"))
    page.locator("video").wait_for()


def _loading(page: Page, files: Files) -> None:
    _chosen(page, files)
    switch(page).click()
    page.get_by_role("progressbar").wait_for()


def _working(page: Page, files: Files) -> None:
    _loading(page, files)
    page.get_by_text("about").first.wait_for()


def _found(page: Page, files: Files, name: str = "trip.mp4") -> None:
    choose(page, files(name))
    switch(page).click()
    wait_until_done(page)


def _opened(page: Page, files: Files) -> None:
    _found(page, files)
    for summary in page.locator("summary").all():
        summary.click()


def _decided(page: Page, files: Files) -> None:
    _found(page, files)
    page.get_by_role("button", name="Accept all 3").click()
    page.get_by_role("button", name="Neither").click()
    expect(page.locator(".events details")).to_have_count(4)
    page.locator(".events summary").first.click()


def _searching(page: Page, files: Files) -> None:
    _found(page, files)
    page.get_by_role("button", name="Another product").first.click()
    page.get_by_role("searchbox").fill("jam")


def _sent(page: Page, files: Files) -> None:
    _found(page, files)
    page.get_by_role("button", name="Accept", exact=True).first.click()
    page.get_by_role("button", name="Send 1 decision").click()
    page.get_by_text("Sent. The server").wait_for()


def _away(page: Page, files: Files) -> None:
    _found(page, files)
    page.get_by_role("button", name="Accept", exact=True).first.click()
    page.get_by_role("button", name="Send 1 decision").click()
    page.get_by_text("as soon as it is back").wait_for()


def _wrong_code(page: Page, files: Files) -> None:
    page.get_by_text("Connect this device").click()
    page.get_by_label("One-time code").fill("BAD-CODE")
    page.get_by_role("button", name="Connect", exact=True).click()
    page.get_by_role("alert").wait_for()


def _nothing(page: Page, files: Files) -> None:
    _found(page, files, "nothing.mp4")
    page.get_by_text("Nothing of your catalogues was found").wait_for()


def _partial(page: Page, files: Files) -> None:
    _found(page, files, "partial.mp4")
    page.get_by_text("Partial result").wait_for()


def _broken(page: Page, files: Files) -> None:
    choose(page, files("broken.mp4"), files("trip.mp4"))
    switch(page).click()
    page.locator(".reports .bad").wait_for()
    suggestions(page).nth(3).wait_for()


def _restarted(page: Page, files: Files) -> None:
    choose(page, files("hung.mp4"))
    switch(page).click()
    page.locator(".reports .bad").wait_for()


def _cancelled(page: Page, files: Files) -> None:
    _loading(page, files)
    suggestions(page).first.wait_for()
    page.get_by_role("button", name="Cancel").click()
    page.get_by_text("Cancelled.").wait_for()


def _newer(page: Page, files: Files) -> None:
    _found(page, files)
    page.get_by_text("new version of this page").wait_for()
    page.get_by_text("now at version 4").wait_for()


def _full(page: Page, files: Files) -> None:
    _found(page, files)
    page.get_by_role("button", name="Accept", exact=True).first.click()
    page.get_by_text("storage is full").wait_for()


def _asking(page: Page, files: Files) -> None:
    _chosen(page, files)
    page.get_by_role("button", name="Start over").click()


STATES = (
    State("empty", _empty),
    State("chosen", _chosen),
    State("loading", _loading, "?pace=400"),
    State("working", _working, "?pace=300"),
    State("found", _found),
    State("opened", _opened),
    State("decided", _decided),
    State("searching", _searching),
    State("sent", _sent, "?pace=5&enrolled=1"),
    State("offline", _away, "?pace=5&enrolled=1&away=1"),
    State("wrong-code", _wrong_code),
    State("no-match", _nothing),
    State("partial", _partial),
    State("broken", _broken),
    State("restarted", _restarted),
    State("cancelled", _cancelled, "?pace=150"),
    State("newer", _newer, "?pace=5&newer=1&enrolled=1"),
    State("storage-full", _full, "?pace=5&full=1"),
    State("asking", _asking),
)
