"""Pictures of every state of the page for docs/web.md: `python -m tests.web.page.pictures FOLDER [NAME...]`.

What can be shown with everything real is: the page of `make web`, `server serve`, the demo clip and photos. What comes
rarely (a full storage, a newer page) is shown over doubles. Files are WebP.
"""

from __future__ import annotations

import io
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect

from edge.bundle import load_bundle
from edge.defaults import default_bundle
from edge.pipeline import Kit
from edge.shard import open_shard
from export.demo.walk import build_demo_shard
from export.render.demo_media import DemoMedia, write_demo_media
from server.publishing import publish
from tests.server.shop import FORCED, NOW, Shop
from tests.service.chromium import browser_path, browsing
from tests.web.node import WEB, run_tool
from tests.web.page.creator import PATIENCE_MS, choose, suggestions, switch, wait_until_done
from tests.web.page.serving import serving_folder
from tests.web.page.states import STATES
from tests.web.site import Site

DESKTOP, PHONE = ViewportSize(width=1280, height=860), ViewportSize(width=360, height=740)
LOOKS = {"desktop": (DESKTOP, "light"), "dark": (DESKTOP, "dark"), "phone": (PHONE, "light")}
FEWER = {
    "dark": {"empty", "found", "ambiguous", "decided", "post"},
    "phone": {"empty", "working", "found", "decided", "leaving", "photos"},
}
"""Looks of which not every state is taken."""
RARE = {
    "no-match": ".found-side",
    "partial": ".identify",
    "restarted": ".found-side",
    "cancelled": ".identify",
    "broken": ".identify",
    "newer": ".notices",
    "storage-full": ".notices",
    "wrong-code": ".leaving",
    "searching": "dialog",
    "asking": "dialog",
}
"""States over doubles, and the part of the page that shows them."""
TWIN = ("jaspra-day-milk-glacier-1-l", "jaspra-day-milk-glacier-light-1-l"), ("Glacier 1 L", "Glacier Light 1 L")


@dataclass
class Camera:
    """Writes pictures of one look of the page.

    Attributes:
        folder: where to.
        look: "desktop", "dark" or "phone".
        wanted: states to take; empty: all.
    """

    folder: Path
    look: str
    wanted: tuple[str, ...]

    def take(self, page: Page, state: str, part: str | None = None) -> None:
        """Write what is in the window, or a part of the page."""
        if (self.wanted and state not in self.wanted) or state not in FEWER.get(self.look, {state}):
            return
        page.mouse.move(0, 0)
        page.wait_for_timeout(300)
        data = page.locator(part).first.screenshot() if part else page.screenshot()
        name = f"{self.look}-{state}.webp"
        Image.open(io.BytesIO(data)).convert("RGB").save(self.folder / name, quality=84, method=6)
        print(name, (self.folder / name).stat().st_size)


def creators_way(page: Page, site: Site, media: DemoMedia, camera: Camera) -> None:
    """Take the pictures of a creator's way from an empty page to sent decisions."""
    page.goto(site.address)
    switch(page).wait_for()
    camera.take(page, "empty")
    choose(page, media.clip)
    page.wait_for_timeout(500)
    switch(page).click()
    page.get_by_role("progressbar").wait_for()
    camera.take(page, "loading", ".identify")
    suggestions(page).first.wait_for(timeout=PATIENCE_MS)
    camera.take(page, "working")
    wait_until_done(page)
    page.get_by_label("Caption").fill("What is on my desk this week")
    page.locator(".moment.match").nth(2).click()
    page.evaluate("scrollTo(0, 0)")
    camera.take(page, "found")
    page.get_by_text("How it runs here").click()
    camera.take(page, "how", ".identify")
    page.get_by_text("How it runs here").click()
    camera.take(page, "ambiguous", ".suggestion.ambiguous")
    page.locator(".unmatched-objects").scroll_into_view_if_needed()
    camera.take(page, "unmatched", ".unmatched-objects")
    suggestions(page).nth(0).get_by_role("button", name="Accept").click()
    suggestions(page).nth(1).get_by_role("button", name="Accept").click()
    page.locator(".choice").first.click()
    suggestions(page).last.get_by_role("button", name="Not this").click()
    page.locator(".suggestions").scroll_into_view_if_needed()
    page.evaluate("scrollTo(0, document.querySelector('.suggestions').offsetTop - 30)")
    camera.take(page, "decided")
    page.locator(".events summary").first.click()
    page.locator(".finish").scroll_into_view_if_needed()
    camera.take(page, "leaving", ".leaving")
    page.locator(".events summary").first.click()
    page.locator(".finish").evaluate("(finish) => scrollTo(0, finish.offsetTop - 20)")
    camera.take(page, "post", ".finish")
    page.get_by_label("One-time code").fill(site.code())
    page.get_by_role("button", name="Connect", exact=True).click()
    page.get_by_role("button", name=re.compile("^Send . decisions")).wait_for(timeout=PATIENCE_MS)
    site.stop()
    page.get_by_role("button", name=re.compile("^Send . decisions")).click()
    page.get_by_text("as soon as it is back").wait_for(timeout=PATIENCE_MS)
    camera.take(page, "offline", ".leaving")
    site.start()
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(page.get_by_text("Sent. The server has")).to_be_visible(timeout=PATIENCE_MS)
    camera.take(page, "sent", ".leaving")


def interrupted(page: Page, site: Site, media: DemoMedia, camera: Camera) -> None:
    """Take the picture of a page that was loaded anew in the middle."""
    page.goto(site.address)
    choose(page, media.clip)
    switch(page).click()
    suggestions(page).first.wait_for(timeout=PATIENCE_MS)
    page.wait_for_timeout(800)
    page.reload()
    page.get_by_text("Stopped when the page was closed.").wait_for()
    camera.take(page, "interrupted", ".identify")


def with_a_look_alike(media: DemoMedia) -> DemoMedia:
    """Add a product with the very pictures of another one, so that the clip shows what is ambiguous."""
    lines = media.items_csv.read_text().splitlines()
    twins = [line.replace(*TWIN[0], 1).replace(*TWIN[1]) for line in lines if line.startswith(TWIN[0][0])]
    media.items_csv.write_text("\n".join([*lines, *twins, ""]))
    return media


def photos(page: Page, site: Site, media: DemoMedia, camera: Camera) -> None:
    """Take the picture of a post of photos."""
    page.goto(site.address)
    choose(page, *sorted(media.photos.glob("hard*.jpg"))[:4])
    switch(page).click()
    wait_until_done(page)
    camera.take(page, "photos")


def rarities(browser: Browser, address: str, clip: Path, folder: Path, camera: Camera) -> None:
    """Take the pictures of what comes rarely."""

    def named(name: str) -> Path:
        return Path(shutil.copy(clip, folder / name))

    for state in STATES:
        if state.name in RARE and (not camera.wanted or state.name in camera.wanted):
            with looking(browser, camera.look) as context:
                page = context.new_page()
                page.goto(address + state.address)
                state.reach(page, named)
                camera.take(page, state.name, RARE[state.name])


@contextmanager
def looking(browser: Browser, look: str) -> Iterator[BrowserContext]:
    """Yield a browser that looks so."""
    size, scheme = LOOKS[look]
    context = browser.new_context(
        viewport=size,
        color_scheme="dark" if scheme == "dark" else "light",
        locale="en-US",
        reduced_motion="reduce",
    )
    yield context
    context.close()


def take_all(folder: Path, wanted: tuple[str, ...], looks: tuple[str, ...]) -> None:
    """Write all pictures into a folder."""
    path = browser_path()
    assert path is not None, "Chromium is not on this machine"
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        media = with_a_look_alike(write_demo_media(scratch / "demo"))
        shard = build_demo_shard(media, Kit.open(load_bundle(default_bundle()), []), scratch / "shard")
        run_tool(
            "vite/bin/vite.js", "build", "--config", "tests/double/vite.config.ts", "--outDir", str(scratch / "double")
        )
        shop = Shop.open(scratch)
        publish(shop.repository, open_shard(shard), shop.ring, FORCED, NOW)
        site = Site(shop, WEB / "dist", in_processes=True)
        site.start()
        steps: tuple[Callable[[Page, Site, DemoMedia, Camera], None], ...] = (creators_way, photos, interrupted)
        with browsing(path) as browser, serving_folder(scratch / "double") as address:
            for look in looks:
                camera = Camera(folder, look, wanted)
                for step in steps:
                    with looking(browser, look) as context:
                        step(context.new_page(), site, media, camera)
                if look == "desktop":
                    rarities(browser, address, media.clip, scratch, camera)
        site.stop()


if __name__ == "__main__":
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    take_all(out, tuple(sys.argv[2:]), tuple(LOOKS))
