"""Catalogues in the browser: the same bytes as in Python, verified, kept, updated, refused."""

from __future__ import annotations

from playwright.sync_api import BrowserContext

from tests.web.site import Site


def test_a_first_visit_brings_the_published_catalogue(context: BrowserContext, site: Site) -> None:
    page = site.open(context)
    opened = page.evaluate("catalogs.open()")
    print(opened[0]["name"], page.evaluate("catalogs.notes()"))
    assert opened[0]["name"]["sha256"] == site.shop.index().generations[0].newest.sha256
    assert page.evaluate("catalogs.record('shop', 'p001').title") == "product 1, better"
