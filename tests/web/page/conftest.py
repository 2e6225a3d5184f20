"""The whole page as it is shipped, the real service, the page over doubles, and media of the project's own making."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from edge.defaults import demo_shard
from edge.shard import open_shard
from export.render.clip import write_clip
from export.render.demo_script import demo_script
from export.render.products import demo_products, unlisted_products
from server.publishing import publish
from tests.server.shop import FORCED, NOW, Shop
from tests.web.node import WEB, run_tool
from tests.web.page.serving import serving_folder
from tests.web.site import Site


@pytest.fixture(scope="session")
def built_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the page as `make web` builds it: that one if it is newer than its source, else one of its own."""
    made = WEB / "dist" / "index.html"
    sources = [path for folder in ("src", "build_steps") for path in (WEB / folder).rglob("*") if path.is_file()]
    sources += [WEB / "index.html", WEB / "vite.config.ts", WEB / "package-lock.json"]
    if made.exists() and made.stat().st_mtime > max(path.stat().st_mtime for path in sources):
        return made.parent
    folder = tmp_path_factory.mktemp("page") / "dist"
    run_tool("vite/bin/vite.js", "build", "--outDir", str(folder))
    return folder


@pytest.fixture(scope="module")
def service(built_page: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Return `server serve` over the published demo catalogue, with the page at /."""
    shop = Shop.open(tmp_path_factory.mktemp("service"))
    publish(shop.repository, open_shard(demo_shard()), shop.ring, FORCED, NOW)
    site = Site(shop, built_page, in_processes=True)
    site.start()
    yield site
    site.stop()


@pytest.fixture(scope="session")
def doubled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of the page over doubles of its rooms."""
    folder = tmp_path_factory.mktemp("double") / "dist"
    run_tool("vite/bin/vite.js", "build", "--config", "tests/double/vite.config.ts", "--outDir", str(folder))
    with serving_folder(folder) as address:
        yield address


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the demo clip: ten seconds, six products of the demo catalogue and one that is not in it."""
    path = tmp_path_factory.mktemp("media") / "clip.mp4"
    write_clip(demo_script(demo_products(40, 0), unlisted_products(12, 0), 0), path)
    return path


@pytest.fixture(scope="session")
def short_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the demo clip's first seconds: one product, and another that comes."""
    path = tmp_path_factory.mktemp("media") / "short.mp4"
    story = demo_script(demo_products(40, 0), unlisted_products(12, 0), 0)
    write_clip(replace(story, duration_s=3.2), path)
    return path


@pytest.fixture
def named(short_clip: Path, tmp_path: Path) -> Iterator[Named]:
    """Return a maker of clips whose name asks the double for something."""
    yield Named(short_clip, tmp_path)


class Named:
    """Copies of a clip under names."""

    def __init__(self, clip: Path, folder: Path) -> None:
        self.clip, self.folder = clip, folder

    def __call__(self, name: str) -> Path:
        """Return the copy."""
        return Path(shutil.copy(self.clip, self.folder / name))


@pytest.fixture
def visit(browser: Browser) -> Iterator[BrowserContext]:
    """Return a browser that was never anywhere, on a desktop, and fail for what it complains of."""
    context = browser.new_context(viewport={"width": 1280, "height": 860}, locale="en-US", reduced_motion="reduce")
    complaints: list[str] = []
    context.on("page", lambda page: _listen(page, complaints))
    yield context
    context.close()
    assert complaints == []


def _listen(page: Page, complaints: list[str]) -> None:
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: "Content Security" in message.text and complaints.append(message.text))
