"""Pictures of the operator's page with an invented fleet: `python -m tests.service.operator_pictures FOLDER`.

docs/images/operator.png is the upper part of desktop-decisions.png.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, ViewportSize

from tests.service.chromium import browser_path, browsing
from tests.service.invented_fleet import invented_shop
from tests.service.operator_visit import PASSWORD
from tests.service.running import running

PAGES = {
    "decisions": "/admin",
    "product": "/admin/product?catalog=shop&product=jam-quince",
    "catalogues": "/admin/catalogues",
    "devices": "/admin/devices",
    "refused": "/admin/refused",
}
PHONE, DESKTOP = ViewportSize(width=360, height=740), ViewportSize(width=1180, height=900)


def log_in(page: Page, address: str) -> None:
    """Open the page with the password, by keyboard."""
    page.goto(address + "/admin")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Decisions", exact=True).wait_for()


def take(address: str, folder: Path) -> None:
    """Write a picture of every page, on a desktop by day and by night, and on a phone."""
    path = browser_path()
    assert path is not None, "Chromium is not on this machine"
    with browsing(path) as browser:
        for name, size, scheme in (("desktop", DESKTOP, "light"), ("dark", DESKTOP, "dark"), ("phone", PHONE, "light")):
            page = browser.new_context(viewport=size, color_scheme=scheme).new_page()
            page.goto(address + "/admin/login")
            page.screenshot(path=folder / f"{name}-login.png")
            log_in(page, address)
            for what, where in PAGES.items():
                page.goto(address + where)
                page.screenshot(path=folder / f"{name}-{what}.png", full_page=True)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        database = f"sqlite:///{Path(scratch) / 'server.sqlite3'}"
        shop = invented_shop(Path(scratch), database)
        with running(shop.repository.root, database, "--refresh-hours", "0") as service:
            take(service.address, Path(sys.argv[1]))
