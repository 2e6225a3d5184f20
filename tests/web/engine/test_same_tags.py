"""The same files give the same tags as in Python: the demo clip, photos, and the golden pictures."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser

from edge.bundle import load_bundle
from edge.defaults import default_bundle, demo_shard
from edge.document import document_from_json, tag_document
from edge.golden import golden_folder
from edge.kit import Kit
from edge.media.sources import open_source
from edge.pipeline import tag_source
from edge.shard import open_shard
from edge.tags import TagRun
from tests.web.engine.harness import Harness
from tests.web.engine.long_media import repeated


@pytest.fixture(scope="module")
def kit() -> Kit:
    """Return the packaged kit without a second look, which the browser has not."""
    return Kit.open(load_bundle(default_bundle()), [open_shard(demo_shard())], second_look=False)


@pytest.fixture(scope="module")
def opened(chromium: Browser, address: str) -> Iterator[Harness]:
    """Return a page with an open engine."""
    harness = Harness(chromium, address)
    assert "value" in harness.open()
    yield harness
    harness.page.close()


def in_python(kit: Kit, path: Path) -> dict[str, Any]:
    """Return the tag document of one file."""
    with open_source(str(path)) as source:
        found = tag_source(kit, source)
    document = tag_document(TagRun(kit.bundle, kit.gallery.shards, (found,), {}, demo=True, second_look=False))
    plain: dict[str, Any] = json.loads(json.dumps(document))
    return plain


def in_browser(opened: Harness, url: str) -> dict[str, Any]:
    """Return the tag document of one file, which Python can read."""
    document: dict[str, Any] = opened.tag(url)["value"]["document"]
    document_from_json(document, url)
    return document


def agree(found: dict[str, Any], wanted: dict[str, Any]) -> None:
    """Hold a document to Python's, but for path and timing: decoders round colours differently."""
    for key in ("schema", "notice", "second_look", "bundle", "shards"):
        assert found[key] == wanted[key]
    (source,), (expected,) = found["sources"], wanted["sources"]
    for key in ("kind", "duration_s", "resolution_wh", "partial", "frames_detected", "error"):
        assert source[key] == expected[key], key
    names = ("tag_id", "status", "product_id", "title", "shard", "start_s", "end_s")
    assert [[tag[n] for n in names] for tag in source["tags"]] == [[tag[n] for n in names] for tag in expected["tags"]]
    for tag, other in zip(source["tags"], expected["tags"], strict=True):
        assert abs(tag["similarity"] - other["similarity"]) <= 0.1
        assert min(len(tag["alternatives"]), len(other["alternatives"])) >= 4
        if tag["best"]["timestamp_s"] == other["best"]["timestamp_s"]:
            assert np.abs(np.subtract(tag["best"]["xyxy"], other["best"]["xyxy"])).max() <= 4
    assert len(source["unmatched"]) == len(expected["unmatched"])
    for one, other in zip(source["unmatched"], expected["unmatched"], strict=True):
        assert one["end_s"] == other["end_s"]


def test_the_demo_clip_has_the_same_tags(opened: Harness, kit: Kit, demo: Path) -> None:
    found, wanted = in_browser(opened, "/demo/clip.mp4"), in_python(kit, demo / "clip.mp4")
    agree(found, wanted)
    assert len(found["sources"][0]["tags"]) >= 4
    assert found["sources"][0]["frames_decoded"] == wanted["sources"][0]["frames_decoded"]


def test_photos_have_the_same_tags(opened: Harness, kit: Kit, demo: Path) -> None:
    for path in sorted(demo.glob("*.jpg")):
        agree(in_browser(opened, f"/demo/{path.name}"), in_python(kit, path))


def test_golden_pictures_have_the_same_tags_and_boxes(opened: Harness, kit: Kit) -> None:
    for path in sorted(golden_folder().glob("*.png")):
        found, wanted = in_browser(opened, f"/golden/{path.name}"), in_python(kit, path)
        agree(found, wanted)
        for tag, other in zip(found["sources"][0]["tags"], wanted["sources"][0]["tags"], strict=True):
            assert np.abs(np.subtract(tag["best"]["xyxy"], other["best"]["xyxy"])).max() <= 2
            assert abs(tag["similarity"] - other["similarity"]) <= 0.01


def test_what_was_found_comes_early_with_crops_and_vectors(opened: Harness) -> None:
    answer = opened.tag("/demo/clip.mp4")
    shown = answer["value"]["shown"]
    assert answer["early"] >= 2
    assert [one["id"] for one in shown][: len(answer["value"]["document"]["sources"][0]["tags"])] == [
        tag["tag_id"] for tag in answer["value"]["document"]["sources"][0]["tags"]
    ]
    assert all(len(one["vector"]) == 128 and one["trail"] for one in shown)
    seconds = [one["done_s"] for one in answer["progress"]]
    assert seconds == sorted(seconds)
    assert answer["progress"][-1]["left_s"] is not None


def test_a_kept_vector_finds_its_product_again(opened: Harness) -> None:
    script = """async h => {
        const { value } = await h.tag('engine', '/golden/one.png');
        const { vector } = value.shown[0];
        return [value.document.sources[0].tags[0], await h.engine('engine').search(vector, 3)];
    }"""
    tag, found = opened.call(script)
    assert found[0]["product_id"] == tag["product_id"]
    assert len(found) == 3


def test_memory_stays_flat_on_a_long_video(opened: Harness, demo: Path, media: Path) -> None:
    repeated(demo / "clip.mp4", media / "long.mp4", 6)
    opened.open("steady", every_s=0.5)
    script = """async (h, url) => {
        const bytes = async () => (await performance.measureUserAgentSpecificMemory()).bytes;
        const measured = [], due = [15, 58];
        const progress = ({ done_s }) => { if (done_s >= due[0]) { due.shift(); measured.push(bytes()); } };
        const file = await h.fileOf(url), heard = { found() {}, progress };
        const found = await h.engine('steady').tag(file, heard, new AbortController().signal);
        return [await Promise.all(measured), found.document.sources[0]];
    }"""
    (early, late), source = opened.call(script, "/media/long.mp4")
    assert (source["duration_s"], source["frames_detected"], source["error"]) == (60, 120, None)
    assert late - early < 32 << 20
    assert not [line for line in opened.said if "without being closed" in line]  # what is held outside of that count
