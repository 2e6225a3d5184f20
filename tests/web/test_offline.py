"""The page without its server: it opens, knows the catalogue, keeps decisions, and sends them when it is back."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.server.shop import Shop
from tests.web.site import NOTHING_KEPT, Site, until

READY = "(globalThis.offline = startOffline()).ready.then(problem => problem?.name ?? null)"


@pytest.fixture
def real(shop: Shop, courier: Path, tmp_path: Path) -> Iterator[Site]:
    """Return `server serve`, whose page can be changed."""
    shutil.copytree(courier, tmp_path / "page")
    site = Site(shop, tmp_path / "page", in_processes=True)
    site.start()
    yield site
    site.stop()


def test_after_one_visit_everything_works_with_the_server_process_ended(context: BrowserContext, real: Site) -> None:
    page = real.open(context)
    assert page.evaluate(READY) is None
    sha256 = page.evaluate("catalogs.open().then(([first]) => first.name.sha256)")
    page.evaluate("code => outbox.enrol(code)", real.code())
    page.evaluate("decide(1)")
    real.stop()

    page = real.open(context)  # a new tab, then the same loaded anew
    page.reload()
    page = real.open(context)
    assert page.evaluate("crossOriginIsolated") is True
    assert page.evaluate("catalogs.open().then(([first]) => first.name.sha256)") == sha256
    assert page.evaluate("catalogs.notes()") == []
    page.evaluate("decide(2, 'rejected')")
    page.evaluate("() => { globalThis.said = []; keepSending(outbox, problem => said.push(problem?.name ?? 'sent')) }")
    until(page, "said.includes('offline')")
    assert page.evaluate("outbox.waiting().then(({ events }) => events.length)") == 2
    page.reload()
    page = real.open(context)
    assert sorted(page.evaluate("outbox.decisions().then(found => [...found.values()].map(one => one.kind))")) == [
        "accepted",
        "rejected",
    ]

    real.start()
    page.evaluate("() => { globalThis.said = []; keepSending(outbox, problem => said.push(problem?.name ?? 'sent')) }")
    until(page, "said.includes('sent')")
    assert [row.kind for row in real.rows()] == ["accepted", "rejected"]
    page.evaluate("outbox.push()")
    assert len(real.rows()) == 2


def test_a_newer_page_waits_until_it_is_asked_for(context: BrowserContext, real: Site) -> None:
    page = real.open(context)
    assert page.evaluate(READY) is None
    assert built(page) == "first"
    rebuild(real.page)
    other = real.open(context)
    assert built(other) == "first"
    other.evaluate("() => { globalThis.heard = 0; (globalThis.offline = startOffline()).newer(() => heard++) }")
    until(other, "heard > 0")
    page.reload()
    assert built(page) == "first"  # another tab is open, which still uses it
    with other.expect_navigation():
        other.evaluate("offline.renew()")
    assert built(other) == "second"
    real.stop()
    other.reload()
    assert built(other) == "second"
    kept = other.evaluate("caches.open('taglet-page/').then(cache => cache.keys()).then(keys => keys.length)")
    assert kept == len(hashes_of(real.page))  # those of the first page are gone


def built(page: Page) -> str:
    """Return which page is open."""
    return "second" if "second" in page.evaluate("fetch('manifest.webmanifest').then(a => a.text())") else "first"


def hashes_of(folder: Path) -> set[str]:
    """Return the hashes of the files that a page is made of."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".br"]
    return {sha256(path) for path in files if path.name not in ("service-worker.js", "_headers")}


def sha256(path: Path) -> str:
    """Return the hash of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def rebuild(folder: Path) -> None:
    """Build the page anew: another manifest, and a service worker that knows it."""
    for path in folder.rglob("*.br"):
        path.unlink()
    manifest, worker = folder / "manifest.webmanifest", folder / "service-worker.js"
    before = sha256(manifest)
    manifest.write_text(manifest.read_text().replace("Taglet", "Taglet, second"))
    after = sha256(manifest)
    assert before in worker.read_text()
    worker.write_text(worker.read_text().replace(before, after))
    index = folder / "index.html"
    index.touch()


def test_a_page_that_is_only_half_there_is_not_kept(context: BrowserContext, site: Site, tmp_path: Path) -> None:
    shutil.copytree(site.page, tmp_path / "half")
    (tmp_path / "half/bundle/bundle.json").write_text("{}")
    (tmp_path / "half/bundle/bundle.json.br").unlink()
    other = Site(site.shop, tmp_path / "half")
    other.start()
    page = other.open(context)
    assert page.evaluate(READY) == "not_kept"
    other.stop()


def test_without_room_the_page_works_and_says_that_it_is_not_kept(context: BrowserContext, site: Site) -> None:
    page = context.new_page()
    page.goto(site.address)
    site.limit(page, 1)
    page = site.open(context)
    assert page.evaluate(READY) == "not_kept"
    assert page.evaluate("catalogs.open().then(([first]) => first.name.catalog)") == "shop"


def test_a_browser_without_service_workers_says_so(context: BrowserContext, site: Site) -> None:
    context.add_init_script(NOTHING_KEPT + "delete Navigator.prototype.serviceWorker;")
    assert site.open(context).evaluate(READY) == "no_offline"


def test_the_page_can_be_installed_and_breaks_no_policy(context: BrowserContext, site: Site) -> None:
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(site.address)
    until(page, "globalThis.courier !== undefined")
    page.evaluate("courier.startOffline().ready")
    page.evaluate("courier.createCatalogs().open()")
    errors = context.new_cdp_session(page).send("Page.getInstallabilityErrors")["installabilityErrors"]
    assert {error["errorId"] for error in errors} <= {"in-incognito"}, errors
    assert page.evaluate("crossOriginIsolated") is True
    assert [text for text in complaints if "404" not in text] == []  # that there is no newer root
    page.evaluate(
        "document.head.append(Object.assign(document.createElement('script'), { text: 'globalThis.bad = 1' }))"
    )
    assert page.evaluate("globalThis.bad === undefined") and "Content Security Policy" in complaints[-1]


def test_the_operators_page_and_the_service_go_past_the_worker(context: BrowserContext, site: Site) -> None:
    page = site.open(context)
    assert page.evaluate(READY) is None
    page.goto(site.address + "admin/login")
    assert "Password" in page.inner_text("body")
    answer = page.request.get(site.address + "healthz")
    assert answer.json()["database"] is True
