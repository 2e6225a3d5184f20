"""The worker: what it can do here, how it is stopped, paused, and started again."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from edge.defaults import default_bundle, demo_shard
from tests.service.chromium import WORDS, browser_path
from tests.web.engine.harness import POLICY, Harness, serving

SOFTWARE_GPU = (
    *("--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader", "--enable-features=Vulkan"),
    *("--use-vulkan=swiftshader", "--ignore-gpu-blocklist", "--use-gl=angle", "--use-angle=swiftshader"),
)


def test_says_what_was_probed_and_chosen(harness: Harness) -> None:
    capabilities = harness.open()["value"]
    assert capabilities["simd"] and capabilities["isolated"]
    assert 1 <= capabilities["threads"] <= 4
    assert capabilities["chosen"] in capabilities["measured_ms"]
    assert capabilities["sentence"].startswith("Runs with ")


def test_without_isolation_there_is_one_thread_and_a_sentence(chromium: Browser, folders: dict[str, Path]) -> None:
    with serving(folders, is_isolated=False) as address:
        harness = Harness(chromium, address)
        capabilities = harness.open()["value"]
        assert (capabilities["threads"], capabilities["isolated"]) == (1, False)
        assert "not isolated" in capabilities["sentence"]
        assert harness.tag("/golden/one.png")["value"]["document"]["sources"][0]["tags"]
        harness.page.close()


def test_a_policy_that_blocks_webassembly_is_said(chromium: Browser, folders: dict[str, Path]) -> None:
    with serving(folders, policy=POLICY.replace(" 'wasm-unsafe-eval'", "")) as address:
        harness = Harness(chromium, address)
        problem = harness.open()["problem"]
        assert problem["name"] == "wasm_blocked"
        assert "wasm-unsafe-eval" in problem["sentence"]
        harness.page.close()


def test_cancel_works_at_once_and_the_next_file_is_tagged(harness: Harness) -> None:
    harness.open()
    script = """async h => {
        const working = h.tag('engine', '/demo/clip.mp4');
        while (h.progress('engine').length < 3) await new Promise(go => setTimeout(go, 5));
        const start = performance.now();
        h.cancel('engine');
        const end = await working;
        return [end.problem.name, performance.now() - start, (await h.tag('engine', '/golden/one.png')).value];
    }"""
    name, took_ms, found = harness.call(script)
    assert name == "cancelled"
    assert took_ms < 100
    assert found["document"]["sources"][0]["tags"]


def test_a_hidden_tab_rests_until_somebody_looks(harness: Harness) -> None:
    harness.open()
    script = """async h => {
        const wait = ms => new Promise(go => setTimeout(go, ms)), seen = () => h.progress('engine');
        const working = h.tag('engine', '/demo/clip.mp4');
        while (seen().length < 2) await wait(5);
        h.hide(true);
        while (!seen().at(-1).paused) await wait(5);
        const rested = seen().length;
        await wait(700);
        const still = seen().length;
        h.hide(false);
        return [rested, still, (await working).value.document.sources[0].tags.length, seen().at(-1).paused];
    }"""
    rested, still, tags, paused = harness.call(script)
    assert still == rested
    assert tags >= 4
    assert not paused


def test_a_cancelled_pause_ends_at_once(harness: Harness) -> None:
    harness.open()
    script = """async h => {
        h.hide(true);
        const working = h.tag('engine', '/demo/clip.mp4');
        while (!h.progress('engine').at(-1)?.paused) await new Promise(go => setTimeout(go, 5));
        h.cancel('engine');
        const { problem } = await working;
        h.hide(false);
        return [problem.name, (await h.tag('engine', '/golden/one.png')).value.document.sources[0].tags.length];
    }"""
    assert harness.call(script) == ["cancelled", 1]


def test_a_worker_that_hangs_is_started_again_with_one_message(harness: Harness) -> None:
    script = """async h => {
        await h.openUnlucky('engine', '/bundle/', ['/shard/'], { dead: 0, deaf: 1 });
        const first = await h.tag('engine', '/golden/one.png');
        return [first.problem, (await h.tag('engine', '/golden/one.png')).value.document.sources[0].tags.length];
    }"""
    problem, tags = harness.call(script)
    assert problem["name"] == "worker_hung"
    assert tags == 1


def test_a_worker_that_dies_is_started_again_with_one_message(harness: Harness) -> None:
    script = """async h => {
        const first = await h.openUnlucky('engine', '/bundle/', ['/shard/'], { dead: 1, deaf: 0 });
        return [first.problem, (await h.tag('engine', '/golden/one.png')).value.document.sources[0].tags.length];
    }"""
    problem, tags = harness.call(script)
    assert problem["name"] == "worker_died"
    assert tags == 1


def test_other_catalogues_can_be_searched(harness: Harness) -> None:
    harness.open(shards=())
    script = """async h => {
        const none = (await h.tag('engine', '/golden/one.png')).value.document;
        await h.engine('engine').replace([await h.catalogOf('/shard/', true)]);
        return [none, (await h.tag('engine', '/golden/one.png')).value.document];
    }"""
    none, some = harness.call(script)
    assert (none["shards"], none["sources"][0]["tags"]) == ([], [])
    assert none["sources"][0]["unmatched"]
    assert len(some["shards"]) == 1 and some["sources"][0]["tags"]


def changed_shard(folder: Path, **changes: Any) -> Path:
    """Return a copy of the demo shard whose description is another."""
    shutil.copytree(demo_shard(), folder)
    said = json.loads((folder / "shard.json").read_text())
    (folder / "shard.json").write_text(json.dumps(said | changes))
    return folder


def test_a_catalogue_of_another_space_is_refused(chromium: Browser, folders: dict[str, Path], tmp_path: Path) -> None:
    other = changed_shard(tmp_path / "other", space_id="5" * 64)
    with serving(folders | {"/other": other}) as address:
        harness = Harness(chromium, address)
        problem = harness.open(shards=("/other/",))["problem"]
        assert problem["name"] == "space_mismatch"
        assert "demo (version 1)" in problem["sentence"]
        harness.page.close()


@pytest.mark.parametrize(
    "change, expected",
    [
        (lambda folder: (folder / "detector.onnx").write_bytes(b"short"), "bundle_refused"),
        (lambda folder: (folder / "bundle.json").write_text("{"), "bundle_refused"),
        (lambda folder: (folder / "embedder.onnx").unlink(), "models_unreachable"),
    ],
)
def test_models_that_are_not_what_they_should_be_are_refused(
    chromium: Browser, folders: dict[str, Path], tmp_path: Path, change: Any, expected: str
) -> None:
    bundle = Path(shutil.copytree(default_bundle(), tmp_path / "bundle"))
    change(bundle)
    with serving(folders | {"/bundle": bundle}) as address:
        harness = Harness(chromium, address)
        assert harness.open()["problem"]["name"] == expected
        harness.page.close()


@pytest.fixture(scope="module")
def with_webgpu(address: str) -> Iterator[Harness]:
    """Return a page in a Chromium whose WebGPU is computed by the processor, or skip where it has none."""
    words = [word for word in WORDS if word != "--disable-gpu"] + list(SOFTWARE_GPU)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path(), args=words)
        harness = Harness(browser, address)
        script = "async () => (await navigator.gpu?.requestAdapter() ?? null) !== null"
        if not harness.page.evaluate(script):
            pytest.skip("this Chromium gives no WebGPU adapter")
        yield harness
        browser.close()


def test_webgpu_is_left_alone_where_it_is_not_needed(with_webgpu: Harness) -> None:
    capabilities = with_webgpu.open("quick", fast_enough_ms=1e9)["value"]
    assert (capabilities["webgpu"], capabilities["chosen"], list(capabilities["measured_ms"])) == (
        True,
        "wasm",
        ["wasm"],
    )
    assert "not needed" in capabilities["sentence"]


def test_webgpu_that_does_not_answer_is_left_with_a_word(with_webgpu: Harness) -> None:
    capabilities = with_webgpu.open("slow", fast_enough_ms=0, patience_ms=1)["value"]
    assert capabilities["chosen"] == "wasm"
    assert "did not answer in time" in capabilities["sentence"]
    assert with_webgpu.tag("/golden/one.png", "slow")["value"]["document"]["sources"][0]["tags"]
