"""What a first visit costs on the line: page, runtime, models and a catalogue of 1,000 views, each once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from playwright.sync_api import BrowserContext

from edge.golden import golden_folder
from server.publishing import publish
from tests.server.shop import FORCED, NOW, Shop, make_shard
from tests.web.conftest import SPACE_ID
from tests.web.page.creator import choose, switch, wait_until_done
from tests.web.relay import relay_to
from tests.web.site import Site, until

MOST_BYTES = 6_000_000
ALL_IS_HERE = """async () => {
    const has = async (name, part) => (await (await caches.open(name)).keys()).some(({ url }) => url.includes(part));
    return Boolean(navigator.serviceWorker.controller) && (await has("taglet-catalogs/", "shards/"));
}"""


def test_the_first_load_stays_below_six_megabytes(context: BrowserContext, built_page: Path, tmp_path: Path) -> None:
    shop = Shop.open(tmp_path)
    titles = {f"product-{number:04}": f"Oat drink with calcium, {number} ml" for number in range(1000)}
    shard = make_shard(tmp_path / "shard", 1, titles, space_id=SPACE_ID, ndim=128)
    publish(shop.repository, shard, shop.ring, FORCED, NOW)
    site = Site(shop, built_page)
    site.start()
    photo = golden_folder() / "one.png"
    with relay_to(site.port) as relay:
        page = context.new_page()
        page.goto(replace(site, port=relay.port).address)
        choose(page, photo)
        switch(page).click()
        wait_until_done(page)
        until(page, ALL_IS_HERE)
        kept = page.evaluate("caches.open('taglet-page/').then(c => c.keys()).then(keys => keys.length)")
    site.stop()
    assert kept > 50
    print(f"first load: {relay.received} bytes received, {relay.sent} sent")
    assert 4_000_000 < relay.received < MOST_BYTES
