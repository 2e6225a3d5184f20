"""A browser, the page's courier built for it, and the real service with a published catalogue, on the loopback."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext

from edge.defaults import default_bundle
from tests.server.shop import Shop
from tests.web.node import run_tool
from tests.web.site import Site

SPACE_ID = json.loads((default_bundle() / "bundle.json").read_text())["space_id"]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let fsync do nothing."""
    monkeypatch.setattr(os, "fsync", lambda handle: None)


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """Return a browser that was never anywhere."""
    context = browser.new_context()
    yield context
    context.close()


@pytest.fixture(scope="session")
def courier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a page that has the courier and nothing else."""
    folder = tmp_path_factory.mktemp("courier") / "dist"
    run_tool("vite/bin/vite.js", "build", "--config", "tests/browser/vite.config.ts", "--outDir", str(folder))
    return folder


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """Return a repository that nobody changes."""
    shop = Shop.open(tmp_path_factory.mktemp("published"))
    shop.publish(1, space_id=SPACE_ID, pictures=True)
    return shop


@pytest.fixture
def shop(published: Shop, tmp_path: Path) -> Shop:
    """Return a repository that has published version 1 of the catalogue "shop" for the bundle's embedding space."""
    return published.copied(tmp_path)


@pytest.fixture
def site(shop: Shop, courier: Path) -> Iterator[Site]:
    """Return the service with that catalogue and the courier's page."""
    site = Site(shop, courier)
    site.start()
    yield site
    site.stop()
