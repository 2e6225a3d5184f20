"""Catalogues in the browser: the same bytes as in Python, verified, kept, updated, refused."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page

from edge.bundle_description import Matching
from edge.defaults import demo_shard
from edge.shard import open_shard
from edge.shard.calibration import Calibration, Trial, Way, write_calibration
from server.publishing import publish as publish_shard
from server.releases import named_files
from server.rotation import rotate
from tests.server.shop import FORCED, NOW, Shop
from tests.web.conftest import SPACE_ID
from tests.web.site import Site

UPDATE = "told(() => catalogs.update())"


def newest(site: Site) -> str:
    """Return the identity that is published."""
    return site.shop.index().generations[0].newest.sha256


def open_catalogue(page: Page) -> dict[str, Any]:
    """Open what the page has, and return its name."""
    name: dict[str, Any] = page.evaluate("catalogs.open().then(([first]) => ({...first.name, demo: first.demo}))")
    return name


def noted(page: Page) -> list[str]:
    """Return the names of what the user is told."""
    found: list[str] = page.evaluate("catalogs.notes().map(note => note.name)")
    return found


def publish(site: Site, version: int, **options: Any) -> None:
    """Publish a state of the catalogue."""
    site.shop.publish(version, **{"space_id": SPACE_ID, "pictures": True, **options})


def public(site: Site, pattern: str) -> list[Path]:
    """Return published files."""
    return sorted(site.shop.public.glob(pattern))


def test_without_a_publication_the_demo_catalogue_is_opened(
    context: BrowserContext, tmp_path: Path, courier: Path
) -> None:
    site = Site(Shop.open(tmp_path), courier)
    site.start()
    page = site.open(context)
    demo = open_shard(demo_shard())
    assert open_catalogue(page) == {"catalog": "demo", "version": 1, "items": 40, "sha256": demo.sha256, "demo": True}
    assert noted(page) == []
    record = demo.record(3)
    assert page.evaluate("id => catalogs.record('demo', id).title", record.product_id) == record.title
    picture = page.evaluate(BYTES_OF, ["demo", record.product_id])
    assert bytes(picture) == demo.thumbnail(3)
    assert page.evaluate(UPDATE)["name"] == "not_published"
    site.stop()


BYTES_OF = """async ([catalog, product_id]) => {
    const picture = await catalogs.thumbnail(catalog, product_id);
    return picture && [...new Uint8Array(await picture.arrayBuffer())];
}"""


def test_a_first_visit_brings_the_published_catalogue_and_keeps_it(context: BrowserContext, site: Site) -> None:
    page = site.open(context)
    assert open_catalogue(page) == {"catalog": "shop", "version": 1, "items": 41, "sha256": newest(site), "demo": False}
    columns = page.evaluate(
        "catalogs.open().then(([c]) => [c.space_id, c.ndim, ...['keys', 'vectors', 'title'].map("
        "name => [...new Uint8Array(c.columns[name])])])"
    )
    shard = open_shard(site.shop.folder / "shard-1")
    assert columns[:2] == [SPACE_ID, 8]
    assert [bytes(one) for one in columns[2:]] == [shard.columns[n].tobytes() for n in ("keys", "vectors", "title")]
    site.stop()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.evaluate("space_id => { globalThis.catalogs = courier.createCatalogs({ space_id }) }", SPACE_ID)
    assert open_catalogue(page)["sha256"] == shard.sha256 and asked == []
    assert page.evaluate("catalogs.record('shop', 'p007').title") == "product 7"
    assert page.evaluate("catalogs.record('shop', 'p0071')") is None
    found = page.evaluate("catalogs.find('BETTER product', 3).map(one => one.product_id)")
    assert found == ["p001"]
    assert page.evaluate("catalogs.find('  ', 3)") == []
    assert page.evaluate("catalogs.find('product 3', 2).map(one => one.title)") == ["product 3", "product 30"]


def test_a_delta_leads_to_the_identity_that_was_signed(context: BrowserContext, site: Site) -> None:
    page = site.open(context)
    open_catalogue(page)
    publish(site, 2)
    publish(site, 3)
    done = page.evaluate(UPDATE)["value"]
    assert (done["way"], done["from_version"], done["to_version"]) == ("delta", 1, 3)
    assert 0 < done["bytes_received"] < 4000
    assert open_catalogue(page)["sha256"] == newest(site) == open_shard(site.shop.folder / "shard-3").sha256
    again = page.evaluate(UPDATE)["value"]
    assert again == {"way": "none", "from_version": 3, "to_version": 3, "bytes_received": 0}


def test_a_delta_that_was_altered_is_refused_and_the_old_catalogue_stays(context: BrowserContext, site: Site) -> None:
    page = site.open(context)
    before = open_catalogue(page)
    publish(site, 2)
    for file in named_files(site.shop.index()):
        path = site.shop.public / "files" / file.sha256[:2] / file.sha256
        path.write_bytes(path.read_bytes()[:-1] + b"x")
    told = page.evaluate(UPDATE)
    assert told["name"] == "altered" and "what is here stays" in told["sentence"]
    assert open_catalogue(page) == before


def test_where_a_delta_is_gone_the_full_shard_is_fetched(context: BrowserContext, site: Site) -> None:
    page = site.open(context)
    open_catalogue(page)
    publish(site, 2)
    for delta in site.shop.index().generations[0].deltas:
        (site.shop.public / "files" / delta.file.sha256[:2] / delta.file.sha256).unlink()
    assert page.evaluate(UPDATE)["value"]["way"] == "full"
    assert open_catalogue(page)["sha256"] == newest(site)


def test_a_kept_catalogue_that_was_damaged_gives_way_to_the_one_before(context: BrowserContext, site: Site) -> None:
    page = site.open(context)
    first = open_catalogue(page)
    publish(site, 2)
    page.evaluate(UPDATE)
    second = open_catalogue(page)
    assert page.evaluate(DAMAGE, second["sha256"])
    assert open_catalogue(page) == first
    assert page.evaluate(UPDATE)["value"]["way"] in ("delta", "full")
    assert open_catalogue(page) == second


DAMAGE = """async (sha256) => {
    const cache = await caches.open("taglet-catalogs/");
    const name = `https://kept.invalid/shards/${sha256}`;
    const bytes = new Uint8Array(await (await cache.match(name)).arrayBuffer());
    bytes[bytes.length - 1] ^= 1;
    await cache.put(name, new Response(bytes));
    return true;
}"""


def test_a_catalogue_for_other_models_is_refused(context: BrowserContext, tmp_path: Path, courier: Path) -> None:
    shop = Shop.open(tmp_path)
    shop.publish(1)
    site = Site(shop, courier)
    site.start()
    page = site.open(context)
    assert open_catalogue(page)["demo"] and noted(page) == ["other_space"]
    assert page.evaluate(UPDATE)["name"] == "other_space"
    site.stop()


def test_a_signature_that_is_wrong_is_refused(context: BrowserContext, site: Site) -> None:
    path = site.shop.public / "metadata/timestamp.json"
    value = json.loads(path.read_text())
    value["signed"]["expires"] = "2090-01-01T00:00:00Z"
    path.write_text(json.dumps(value))
    page = site.open(context)
    assert open_catalogue(page)["demo"] and noted(page) == ["unsigned"]


def test_an_older_state_is_refused(context: BrowserContext, site: Site, tmp_path: Path) -> None:
    page = site.open(context)
    shutil.copytree(site.shop.public / "metadata", tmp_path / "old")
    publish(site, 2)
    page.evaluate(UPDATE)
    shutil.copytree(tmp_path / "old", site.shop.public / "metadata", dirs_exist_ok=True)
    assert page.evaluate(UPDATE)["name"] == "rolled_back"
    assert open_catalogue(page)["version"] == 2


def test_what_has_expired_is_refused_also_after_the_clock_went_back(context: BrowserContext, site: Site) -> None:
    page = site.open(context)
    open_catalogue(page)
    publish(site, 2)
    set_clock = (
        "days => { globalThis.catalogs = courier.createCatalogs({ now_s: () => Date.now() / 1000 + days * 86400 }) }"
    )
    page.evaluate(set_clock, 5)
    assert page.evaluate(UPDATE)["value"]["way"] == "delta"  # this device has seen a time in five days
    publish(site, 3, now=NOW - timedelta(days=4))  # expired in three days
    page.evaluate(set_clock, 0)
    told = page.evaluate(UPDATE)
    assert told["name"] == "expired" and "check the clock" in told["sentence"]
    assert open_catalogue(page)["version"] == 2


def test_keys_that_were_replaced_are_followed_and_the_old_ones_count_no_more(
    context: BrowserContext, site: Site
) -> None:
    page = site.open(context)
    open_catalogue(page)
    old = (site.shop.public / "metadata/timestamp.json").read_bytes()
    for role in ("timestamp", "targets", "root"):
        rotate(site.shop.repository, site.shop.ring, role, NOW)
    publish(site, 2)
    assert page.evaluate(UPDATE)["value"]["to_version"] == 2
    (site.shop.public / "metadata/timestamp.json").write_bytes(old)
    assert page.evaluate(UPDATE)["name"] == "unsigned"


def test_a_thumbnail_that_was_altered_is_not_shown(context: BrowserContext, site: Site) -> None:
    page = site.open(context)
    open_catalogue(page)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    assert bytes(page.evaluate(BYTES_OF, ["shop", "p002"])) == b"picture of p002"
    assert len(asked) == 2  # the head, and one range
    assert bytes(page.evaluate(BYTES_OF, ["shop", "p002"])) == b"picture of p002" and len(asked) == 2
    entries = site.shop.index().generations[0].newest.thumbnails.entries
    path = site.shop.public / "files" / entries.sha256[:2] / entries.sha256
    path.write_bytes(path.read_bytes().replace(b"picture of p003", b"another of p003"))
    assert page.evaluate(BYTES_OF, ["shop", "p003"]) is None
    site.stop()
    assert page.evaluate(BYTES_OF, ["shop", "p004"]) is None
    assert bytes(page.evaluate(BYTES_OF, ["shop", "p002"])) == b"picture of p002"


def test_a_server_that_answers_with_web_pages_is_no_server(context: BrowserContext, site: Site) -> None:
    page = site.open(context)
    before = open_catalogue(page)
    site.stop()
    with answering_pages(site.port):
        told = page.evaluate(UPDATE)
        assert told["name"] == "captive" and "sign in to this network" in told["sentence"]
        assert page.evaluate("told(() => outbox.enrol('0000-0000-0000-0000'))")["name"] == "captive"
    told = page.evaluate(UPDATE)
    assert told["name"] == "offline" and "try again later" in told["sentence"]
    assert open_catalogue(page) == before


@contextmanager
def answering_pages(port: int) -> Iterator[None]:
    """Answer everything with a web page, as the portal of a hotel does."""

    class Portal(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = b"<!doctype html><title>Welcome, please pay</title>"
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET

        def log_message(self, *words: Any) -> None:
            pass

    ThreadingHTTPServer.allow_reuse_address = True
    server = ThreadingHTTPServer(("127.0.0.1", port), Portal)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_without_room_the_catalogue_works_until_the_page_is_closed(context: BrowserContext, site: Site) -> None:
    page = context.new_page()
    page.goto(site.address)
    site.limit(page, 1)
    page = site.open(context)
    assert open_catalogue(page)["sha256"] == newest(site)
    assert noted(page) == ["storage_full"]
    publish(site, 2)
    assert page.evaluate(UPDATE)["value"]["to_version"] == 2
    assert open_catalogue(page)["version"] == 2


def test_a_browser_that_keeps_nothing_fetches_the_catalogue_each_time(context: BrowserContext, site: Site) -> None:
    context.add_init_script(
        "delete globalThis.caches; Object.defineProperty(globalThis, 'indexedDB', { value: undefined })"
    )
    page = site.open(context)
    assert open_catalogue(page)["sha256"] == newest(site) and noted(page) == ["no_storage"]


def test_two_tabs_bring_a_catalogue_once(context: BrowserContext, site: Site) -> None:
    pages = [site.open(context), site.open(context)]
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    for page in pages:
        page.evaluate("globalThis.opening = catalogs.open()")
    for page in pages:
        page.evaluate("opening")
        assert open_catalogue(page)["sha256"] == newest(site)
    files = [url for url in asked if "/files/" in url]
    assert files and len(files) == len(set(files))


@pytest.mark.parametrize("name", ["1.root.json", "2.snapshot.json", "2.targets.json"])
def test_metadata_that_is_no_metadata_is_refused(context: BrowserContext, site: Site, name: str) -> None:
    (site.shop.public / "metadata" / name).write_text("{}")
    page = site.open(context)
    assert open_catalogue(page)["demo"] and noted(page) == ["contradiction"]


def test_a_root_that_the_page_came_with_is_believed_and_no_other(
    context: BrowserContext, shop: Shop, courier: Path, tmp_path: Path
) -> None:
    shutil.copytree(courier, tmp_path / "page")
    site = Site(shop, tmp_path / "page")
    stranger = Shop.open(tmp_path / "stranger")
    root = tmp_path / "page/root.json"
    root.write_bytes((stranger.public / "metadata/1.root.json").read_bytes())
    site.start()
    page = site.open(context)
    pinned = "() => { globalThis.catalogs = courier.createCatalogs({ pinned: true }) }"
    page.evaluate(pinned)
    assert open_catalogue(page)["demo"] and noted(page) == ["unsigned"]
    root.write_bytes((shop.public / "metadata/1.root.json").read_bytes())
    (tmp_path / "page/index.html").touch()  # as a build would
    page.evaluate(pinned)
    assert open_catalogue(page)["sha256"] == newest(site)
    site.stop()


def test_thresholds_of_a_catalogue_come_with_it_and_go_with_it(
    context: BrowserContext, tmp_path: Path, courier: Path
) -> None:
    shop = Shop.open(tmp_path)
    shard = shop.shard(1, space_id=SPACE_ID)
    alone = Way(None, Matching(0.81, 0.07), None, (Trial("nothing", 10, None, 0, 0.3),))
    write_calibration(shard.root, Calibration(shard.sha256, SPACE_ID, "b" * 64, 0.05, 0.95, "photos", (alone,)))
    publish_shard(shop.repository, shard, shop.ring, FORCED, NOW)
    site = Site(shop, courier)
    site.start()
    page = site.open(context)
    matching = "catalogs.open().then(([first]) => first.matching)"
    assert page.evaluate(matching) == {"similarity_threshold": 0.81, "margin_threshold": 0.07}
    site.stop()
    assert page.evaluate(matching) == {"similarity_threshold": 0.81, "margin_threshold": 0.07}
    site.start()
    publish(site, 2)
    assert page.evaluate(UPDATE)["value"]["way"] == "delta"
    assert page.evaluate(matching) is None
    site.stop()
