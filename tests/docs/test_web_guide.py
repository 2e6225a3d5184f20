"""The commands of docs/web.md, run as they are written: the page is there, and a browser takes the catalogue."""

from __future__ import annotations

import os
import re
import shlex
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import urllib3
from playwright.sync_api import Browser, expect

from edge.defaults import demo_shard
from tests.docs.code_blocks import REPOSITORY, shown_commands
from tests.web.node import node

GUIDE = REPOSITORY / "docs/web.md"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder as `make demo` leaves it, as far as the document needs it, with `python` being this one."""
    node()
    (tmp_path / "build/demo").mkdir(parents=True)
    (tmp_path / "build/demo/shard").symlink_to(demo_shard())
    python = tmp_path / "bin/python"
    python.parent.mkdir()
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    return tmp_path


def environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "PATH": f"{folder / 'bin'}:{os.environ['PATH']}", "PYTHONPATH": str(REPOSITORY)}


def test_the_guide_leads_to_a_page_with_the_published_catalogue(browser: Browser, folder: Path) -> None:
    shown = [command.words for command in shown_commands(GUIDE)]
    assert [words[:2] for words in shown].count(("make", "web")) == 1
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = str(probe.getsockname()[1])
    *before, serve = [words for words in shown if words[0] == "python"]
    subprocess.run(["make", "-s", "web"], cwd=REPOSITORY, check=True, capture_output=True, timeout=600)
    for words in before:
        done = subprocess.run(words, cwd=folder, env=environment(folder), capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{shlex.join(words)}\n{done.stderr}"
    code = re.search(r"[A-Z0-9]{4,}(?:-[A-Z0-9]{4,})+", done.stdout)
    assert code is not None, done.stdout
    words = [port if word == "8123" else word for word in serve]
    with (folder / "said").open("w") as said:
        service = subprocess.Popen(words, cwd=folder, env=environment(folder), stdout=said, stderr=said)
    try:
        wait_for(f"http://127.0.0.1:{port}/")
        visit(browser, f"http://127.0.0.1:{port}/", code[0])
    finally:
        service.terminate()
        service.wait(30)


def wait_for(address: str) -> None:
    for _ in range(300):
        try:
            if urllib3.request("GET", address, retries=False).status == 200:
                return
        except urllib3.exceptions.HTTPError:
            pass
        time.sleep(0.1)
    raise AssertionError(f"{address} does not answer")


def visit(browser: Browser, address: str, code: str) -> None:
    """Connect with the code that was printed, and find the catalogue there."""
    page = browser.new_page()
    page.goto(address)
    page.get_by_text("Connect this device").click()
    page.get_by_label("One-time code").fill(code)
    page.get_by_role("button", name="Connect", exact=True).click()
    expect(page.get_by_text("This device is connected.")).to_be_visible(timeout=30_000)
    page.get_by_role("switch").click()
    expect(page.get_by_text("Ready.")).to_be_visible(timeout=60_000)
    page.get_by_text("How it runs here").click()
    assert "40 products" in page.locator(".how").inner_text()
    assert page.get_by_text("Demo catalogue").count() == 0
