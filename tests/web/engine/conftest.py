"""Chromium, the built engine and the demo's media, once for all tests of the page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser

from edge.defaults import default_bundle, demo_shard
from edge.golden import golden_folder
from edge.media.videos import open_video
from export.render.clip import write_clip
from export.render.demo_script import demo_script
from export.render.products import demo_products, unlisted_products
from tests.web.engine.harness import Harness, built_harness, serving


@pytest.fixture(scope="session")
def chromium(browser: Browser) -> Browser:
    """Return the browser of all tests of the page: Playwright runs once in a process."""
    return browser


@pytest.fixture(scope="session")
def harness_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the built engine, or skip (in CI: fail)."""
    return built_harness(tmp_path_factory.mktemp("harness") / "dist")


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the demo's `clip.mp4`, and frames of it as photos."""
    folder = tmp_path_factory.mktemp("demo")
    write_clip(demo_script(demo_products(40, 0), unlisted_products(12, 0), 0), folder / "clip.mp4")
    with open_video(str(folder / "clip.mp4")) as video:
        for number, frame in enumerate(video.frames(2.0)):
            Image.fromarray(frame.image).save(folder / f"photo-{number}.jpg", quality=92)
    return folder


@pytest.fixture(scope="session")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder whose files the page can fetch; tests put what they need there."""
    return tmp_path_factory.mktemp("media")


@pytest.fixture(scope="session")
def folders(harness_folder: Path, media: Path, demo: Path) -> dict[str, Path]:
    """Return what is served."""
    kit = {"/bundle": default_bundle(), "/shard": demo_shard(), "/golden": golden_folder()}
    return {"": harness_folder, "/media": media, "/demo": demo, **kit}


@pytest.fixture(scope="session")
def address(folders: dict[str, Path]) -> Iterator[str]:
    """Serve everything, isolated and under the page's policy."""
    with serving(folders) as found:
        yield found


@pytest.fixture
def harness(chromium: Browser, address: str) -> Iterator[Harness]:
    """Open a page of its own."""
    opened = Harness(chromium, address)
    yield opened
    opened.page.close()
