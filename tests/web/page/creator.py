"""What a creator does on the page, in the words of the page."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

PATIENCE_MS = 60_000.0
DROP = """async ({ name, kind, content }) => {
    const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File([bytes], name, { type: kind }));
    const how = { dataTransfer, bubbles: true, cancelable: true };
    const tell = (event) => document.body.dispatchEvent(new DragEvent(event, how));
    tell("dragenter");
    await new Promise((resolve) => setTimeout(resolve, 50));
    const shown = document.querySelector(".drop-now") !== null;
    tell("drop");
    return shown;
}"""


def drop(page: Page, path: Path, kind: str = "video/mp4") -> bool:
    """Drag a file over the page and let it go; says whether the page showed that it takes it."""
    content = base64.b64encode(path.read_bytes()).decode()
    return bool(page.evaluate(DROP, {"name": path.name, "kind": kind, "content": content}))


def choose(page: Page, *paths: Path) -> None:
    """Choose files with the browser's picker."""
    page.locator("input[type=file]").first.set_input_files(paths)


def switch(page: Page) -> Locator:
    """Return the switch "Identify similar objects"."""
    return page.get_by_role("switch", name="Identify similar objects")


def suggestions(page: Page) -> Locator:
    """Return the suggestions."""
    return page.get_by_role("article")


def wait_until_done(page: Page) -> None:
    """Wait until everything was looked through."""
    expect(page.get_by_text("Done:")).to_be_visible(timeout=PATIENCE_MS)


def products(page: Page) -> Sequence[str]:
    """Return the titles of the post's products."""
    return page.locator(".products strong").all_inner_texts()


def connect(page: Page, code: str) -> None:
    """Connect the device with a one-time code."""
    page.get_by_label("One-time code").fill(code)
    page.get_by_role("button", name="Connect", exact=True).click()
    expect(page.get_by_role("button", name="Send 1 decision")).to_be_visible(timeout=PATIENCE_MS)
