"""The operator's page in a real Chromium: by keyboard, without scripts, on a phone, in the dark."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.service.invented_fleet import invented_shop
from tests.service.operator_pictures import DESKTOP, PAGES, PHONE, log_in
from tests.service.running import Running, running


@pytest.fixture(scope="module")
def service(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Return a service of two processes with eight devices and what they decided."""
    folder = tmp_path_factory.mktemp("operator")
    database = f"sqlite:///{folder / 'server.sqlite3'}"
    shop = invented_shop(folder, database)
    with running(shop.repository.root, database, "--workers", "2", "--refresh-hours", "0") as service:
        yield service


def test_an_operator_logs_in_finds_the_wrong_picture_filters_and_logs_out(browser: Browser, service: Running) -> None:
    context = browser.new_context(viewport=DESKTOP, java_script_enabled=False)
    page, failed, asked = context.new_page(), [], []
    page.on("console", lambda message: failed.append(message.text))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(service.address + "/admin/devices")
    page.get_by_label("Password").fill("not the password")
    page.get_by_role("button", name="Log in").click()
    assert page.get_by_role("alert").inner_text() == "This is not the password."
    failed.clear()  # that the answer was 403
    log_in(page, service.address)

    table = page.get_by_role("table", name="Products that are often rejected")
    row = table.get_by_role("row").nth(1)
    assert "Quince jelly, 340 g" in row.inner_text() and "Plum jam" in row.inner_text()
    assert table.get_by_role("row").count() == 2
    assert page.get_by_role("img", name="Shares of accepted").count() == 1  # the narrow one is hidden from all
    assert page.get_by_role("link", name="Sea salt <b>500 g</b>").count() == 1
    row.get_by_role("link", name="Quince jelly").click()
    page.get_by_role("heading", name="Quince jelly", level=1).wait_for()
    assert "Often rejected" in page.inner_text("main")

    page.get_by_role("link", name="All decisions").click()
    every = page.inner_text(".totals")
    page.get_by_label("From").fill("2020-01-01")
    page.get_by_label("Up to and with").fill("2020-01-31")
    page.get_by_label("Catalogue").select_option("shop")
    page.get_by_role("button", name="Show").click()
    assert "since=2020-01-01" in page.url and "catalog=shop" in page.url
    assert page.inner_text(".totals") != every and "No decision was received" in page.inner_text("main")
    assert page.get_by_label("From").input_value() == "2020-01-01"

    page.get_by_role("button", name="Log out").click()
    page.get_by_label("Password").wait_for()
    page.goto(service.address + "/admin/devices")
    assert page.url.endswith("/admin/login")
    assert failed == [] and all(url.startswith(service.address) for url in asked)
    context.close()


def test_every_page_fits_a_phone_is_readable_in_the_dark_and_breaks_no_policy(
    browser: Browser, service: Running
) -> None:
    context = browser.new_context(viewport=PHONE, color_scheme="dark")
    page, failed = context.new_page(), []
    page.on("console", lambda message: failed.append(message.text))
    log_in(page, service.address)
    for path in PAGES.values():
        page.goto(service.address + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], path
        ground, ink = page.evaluate("(s => [s.backgroundColor, s.color])(getComputedStyle(document.body))")
        assert brightness(ground) < 40 and brightness(ink) > 180
    assert failed == []
    context.close()


def test_the_whole_page_can_be_walked_with_the_keyboard(browser: Browser, service: Running) -> None:
    context = browser.new_context(viewport=DESKTOP)
    page = context.new_page()
    log_in(page, service.address)
    reached = []
    for _ in range(12):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.name || document.activeElement.innerText"))
    assert reached[0] == "Skip to the content"
    for name in ("Decisions", "Catalogues", "Devices", "Refused events", "Log out", "catalog", "since"):
        assert name in reached
    context.close()


def brightness(colour: str) -> float:
    """Return the mean of "rgb(r, g, b)"."""
    parts = colour.removeprefix("rgb(").removesuffix(")").split(",")
    return sum(map(float, parts)) / 3
