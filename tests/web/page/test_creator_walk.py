"""From a clip on a creator's screen to a row in the server's database, with everything real in between."""

from __future__ import annotations

import json
from pathlib import Path

from playwright.sync_api import BrowserContext, expect

from edge.bundle import load_bundle
from edge.defaults import default_bundle
from tests.web.page.creator import (
    PATIENCE_MS,
    choose,
    connect,
    drop,
    products,
    suggestions,
    switch,
    wait_until_done,
)
from tests.web.page.serving import serving_folder
from tests.web.site import Site


def test_a_dropped_clip_becomes_a_row_in_the_servers_database(visit: BrowserContext, service: Site, clip: Path) -> None:
    page, asked = visit.new_page(), []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(service.address)
    assert not switch(page).is_checked()
    assert drop(page, clip)
    page.locator("video").wait_for()
    page.wait_for_timeout(300)
    assert not [url for url in asked if "engine" in url or ".onnx" in url or "ort" in url.split("/")[-1]]

    switch(page).click()
    wait_until_done(page)
    first = suggestions(page).filter(has_text="Match").first
    title = first.get_by_role("heading").inner_text()
    needed = load_bundle(default_bundle()).matching.similarity_threshold
    assert f"where {needed:.2f} is needed" in first.inner_text() and first.locator("figure img").count() == 2
    moment = page.get_by_role("button", name=f"{title}, ").first
    moment.click()
    page.wait_for_function("document.querySelector('video').currentTime > 0.5")
    expect(page.locator(".box", has_text=title)).to_be_visible()

    first.get_by_role("button", name="Accept").click()
    assert products(page) == [title]
    connect(page, service.code())
    assert service.rows() == []
    page.get_by_text(f"Accepted: {title}").click()
    shown = dict(zip(page.locator("th code").all_inner_texts(), page.locator("td").all_inner_texts(), strict=True))
    page.get_by_role("button", name="Send 1 decision").click()
    expect(page.get_by_text("Sent. The server has your decision.")).to_be_visible(timeout=PATIENCE_MS)
    (row,) = service.rows()
    assert (row.kind, row.product_id, row.event_id) == ("accepted", shown["product_id"], shown["event_id"])
    assert shown["embedding"] == "empty"

    with page.expect_download() as download:
        page.get_by_role("button", name="Download tags").click()
    document = json.loads(Path(download.value.path()).read_text())
    tags = [tag for source in document["sources"] for tag in source["tags"]]
    assert document["schema"] == 1 and row.tag_id in [tag["tag_id"] for tag in tags]
    foreign = [url for url in asked if not url.startswith((service.address, "blob:", "data:"))]
    assert foreign == []


def test_offline_everything_goes_on_and_is_sent_when_the_server_is_back(
    visit: BrowserContext, service: Site, short_clip: Path
) -> None:
    page = visit.new_page()
    page.goto(service.address)
    switch(page).click()
    expect(page.get_by_text("Ready.")).to_be_visible(timeout=PATIENCE_MS)
    page.wait_for_function("navigator.serviceWorker.controller !== null", timeout=PATIENCE_MS)
    page.get_by_text("Connect this device").click()
    page.get_by_label("One-time code").fill(service.code())
    page.get_by_role("button", name="Connect", exact=True).click()
    expect(page.get_by_text("This device is connected.")).to_be_visible(timeout=PATIENCE_MS)
    page.wait_for_timeout(1000)  # the draft is kept

    before = len(service.rows())
    service.stop()
    page.reload()
    choose(page, short_clip)
    wait_until_done(page)
    suggestions(page).first.get_by_role("button", name="Accept").click()
    page.get_by_role("button", name="Send 1 decision").click()
    expect(page.get_by_text("They are sent as soon as it is back")).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_text("Offline", exact=True)).to_be_visible()

    service.start()
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(page.get_by_text("Sent. The server has your decision.")).to_be_visible(timeout=PATIENCE_MS)
    assert len(service.rows()) == before + 1


def test_a_reload_in_the_middle_loses_neither_finds_nor_decisions(
    visit: BrowserContext, service: Site, clip: Path
) -> None:
    page = visit.new_page()
    page.goto(service.address)
    page.get_by_label("Caption").fill("Breakfast on the desk")
    choose(page, clip)
    switch(page).click()
    accept = suggestions(page).first.get_by_role("button", name="Accept")
    accept.wait_for(timeout=PATIENCE_MS)
    accept.click()
    page.wait_for_timeout(1500)  # found so far, and kept
    (title,) = products(page)
    assert "Done:" not in page.locator(".identify").inner_text()

    page.reload()
    expect(page.get_by_text("Stopped when the page was closed.")).to_be_visible()
    expect(page.locator(".products strong")).to_have_text([title])
    assert page.get_by_label("Caption").input_value() == "Breakfast on the desk"
    assert "1 decision waits" in page.locator(".leaving").inner_text()
    page.wait_for_function("document.querySelector('video').readyState > 0")
    page.get_by_role("button", name="Look again").click()
    wait_until_done(page)
    assert products(page) == [title] and suggestions(page).count() > 1


def test_cancelling_works_at_once_and_keeps_what_was_found(visit: BrowserContext, service: Site, clip: Path) -> None:
    page = visit.new_page()
    page.goto(service.address)
    choose(page, clip)
    switch(page).click()
    suggestions(page).first.wait_for(timeout=PATIENCE_MS)
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("Cancelled. What was found until then is kept.")).to_be_visible(timeout=500)
    found = suggestions(page).count()
    page.wait_for_timeout(1000)
    assert suggestions(page).count() == found >= 1
    page.get_by_role("button", name="Look again").click()
    expect(page.get_by_text("about ")).to_be_visible(timeout=PATIENCE_MS)


def test_what_cannot_be_read_gets_one_sentence_and_the_others_go_on(
    visit: BrowserContext, service: Site, short_clip: Path, tmp_path: Path
) -> None:
    letter, empty, huge = (tmp_path / name for name in ("letter.mp4", "empty.mp4", "huge.mp4"))
    letter.write_text("Dear reader, this is no video. " * 50)
    empty.write_bytes(b"")
    with huge.open("wb") as file:
        file.truncate(4 << 30)
    page = visit.new_page()
    page.goto(service.address)
    choose(page, letter, empty, huge, short_clip)
    switch(page).click()
    expect(page.locator(".strip li.done")).to_have_count(1, timeout=PATIENCE_MS)
    reports = page.locator(".reports li").all_inner_texts()
    assert [name in report for name, report in zip(("letter", "empty", "huge"), reports, strict=True)] == [True] * 3
    assert suggestions(page).count() >= 1


def test_a_plain_host_shows_the_demo_catalogue_and_complains_of_nothing(
    visit: BrowserContext, built_page: Path, short_clip: Path
) -> None:
    with serving_folder(built_page) as address:
        page = visit.new_page()
        page.goto(address)
        choose(page, short_clip)
        switch(page).click()
        wait_until_done(page)
        expect(page.get_by_text("Demo catalogue")).to_be_visible()
        page.wait_for_timeout(500)
        assert suggestions(page).count() >= 1 and page.locator(".notice").count() == 0
        page.close()
