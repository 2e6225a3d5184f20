"""The page's engine beside transformers.js and MediaPipe Tasks, in one Chromium, in turn.

    make web
    npm ci --ignore-scripts --prefix tests/bench/web_pipelines
    python -m tests.bench.bench_web_pipelines [OUT.json]

Two networks, each given the same 640 x 360 picture until there is a vector: the package's embedder, and MobileNetV1
0.25 of ../shared; the engine and transformers.js run the same ONNX file. Of the second MediaPipe gets the TFLite file
in whole numbers, the others what `export quantize` recommends for a browser: weights stored as int8, computed in float
(of a float TFLite file MediaPipe wants metadata that are not there). For each: milliseconds a picture, taken in turn
round after round; the time from opening an empty page to the first vector, with nothing in the browser's cache and with
everything; and what travels for that, packed with brotli. Then the whole engine: from opening a page to the first tag,
and where the time of the demo clip goes.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import onnx
from PIL import Image
from playwright.sync_api import Browser, Page

from edge.defaults import default_bundle, demo_shard
from edge.golden import golden_folder
from edge.media.videos import open_video
from export.quantize.byte_weights import with_byte_weights
from export.render.clip import write_clip
from export.render.demo_script import demo_script
from export.render.products import demo_products, unlisted_products
from tests.conftest import shared_folder
from tests.service.chromium import browser_path, browsing
from tests.web.engine.harness import Harness, built_harness, serving
from tests.web.node import WEB

HERE = Path(__file__).with_name("web_pipelines")
MODULES = HERE / "node_modules"
CACHE = WEB / "node_modules" / ".cache" / "taglet-brotli"
"""Where a build of the page keeps what it has packed."""
PACK = """const z = require("zlib"), c = z.constants;
    const params = { [c.BROTLI_PARAM_QUALITY]: 11, [c.BROTLI_PARAM_LGWIN]: 24 };
    process.stdout.write(z.brotliCompressSync(require("fs").readFileSync(0), { params }))"""
ROUNDS, AT_ONCE, STARTS = 8, 4, 3
HALF = {"mean": [127.5] * 3, "std": [127.5] * 3}
RULE = {"resize": "stretch", "anchor": "center", "pad_value": 114, "colour": "RGB", "layout": "NCHW", "antialias": True}


@dataclass
class Case:
    """One library with one network.

    Attributes:
        library: whose page is opened.
        network: what the others are compared with by name.
        asked: what the page's `begin` is given.
        runs: milliseconds of each picture.
        cold: milliseconds to the first vector, nothing cached.
        warm: the same, everything cached.
        vector: the first one, of length 1.
        wire: bytes of each file that was fetched, packed.
    """

    library: str
    network: str
    asked: dict[str, Any]
    runs: list[float] = field(default_factory=list)
    cold: list[float] = field(default_factory=list)
    warm: list[float] = field(default_factory=list)
    vector: list[float] = field(default_factory=list)
    wire: dict[str, int] = field(default_factory=dict)


PAGES = {
    "taglet": "/embedding.html",
    "transformers.js": "/pages/transformers.html",
    "MediaPipe Tasks": "/pages/mediapipe.html",
}
BEGIN = """async asked => {
    globalThis.again = await begin(asked);
    const vector = await again();
    return [performance.now(), vector];
}"""
AGAIN = """async count => {
    const taken = [];
    for (let i = 0; i < count; i++) {
        const start = performance.now();
        await again();
        taken.push(performance.now() - start);
    }
    return taken;
}"""


def cases() -> list[Case]:
    """Return every library with every network that it has."""
    rule = {**RULE, **HALF}
    packaged = {"model": "/bundle/embedder.onnx", "rule": {**rule, "size_wh": [160, 160]}, "output": "embedding"}
    mobilenet = {
        "model": "/hub/mobilenet/onnx/model.onnx",
        "rule": {**rule, "size_wh": [224, 224], "antialias": False},
    }
    found = [
        Case("taglet", "packaged embedder", {**packaged, "ndim": 128}),
        Case("transformers.js", "packaged embedder", {"name": "packaged", "output": "embedding"}),
        Case("taglet", "MobileNetV1 0.25", {**mobilenet, "output": "probabilities", "ndim": 1001}),
        Case("transformers.js", "MobileNetV1 0.25", {"name": "mobilenet", "output": "probabilities"}),
        Case("MediaPipe Tasks", "MobileNetV1 0.25", {"model": "/models/mobilenet_v1_025_quant.tflite"}),
    ]
    for case in found:
        case.asked["picture"] = "/media/frame.png"
    return found


def write_hub(folder: Path) -> None:
    """Write both networks as transformers.js wants them: by the names of its files and of its input."""
    sources = {
        "packaged": (default_bundle() / "embedder.onnx", 160),
        "mobilenet": (shared_folder() / "models" / "embedders" / "mobilenet_v1_025_classifier.onnx", 224),
    }
    for name, (path, side) in sources.items():
        (folder / name / "onnx").mkdir(parents=True)
        model = onnx.load(path)
        given = model.graph.input[0].name
        for node in model.graph.node:
            node.input[:] = ["pixel_values" if one == given else one for one in node.input]
        model.graph.input[0].name = "pixel_values"
        if name == "mobilenet":
            model = with_byte_weights(model)
        onnx.save(model, folder / name / "onnx" / "model.onnx")
        (folder / name / "config.json").write_text(json.dumps({"model_type": "mobilenet_v1", "image_size": side}))
        how = {
            **{"image_processor_type": "MobileNetV1ImageProcessor", "do_resize": True, "resample": 2},
            **{"size": {"width": side, "height": side}, "do_center_crop": False, "do_rescale": True},
            **{"rescale_factor": 1 / 255, "do_normalize": True, "image_mean": [0.5] * 3, "image_std": [0.5] * 3},
        }
        (folder / name / "preprocessor_config.json").write_text(json.dumps(how))


@contextmanager
def everything(media: Path) -> Iterator[tuple[str, dict[str, Path]]]:
    """Serve libraries, networks and media; yield the address and the folders."""
    write_clip(demo_script(demo_products(40, 0), unlisted_products(12, 0), 0), media / "clip.mp4")
    with open_video(str(media / "clip.mp4")) as video:
        frame = next(one.image for one in video.frames(0) if one.timestamp_s >= 3)
    Image.fromarray(frame).save(media / "frame.png")
    with tempfile.TemporaryDirectory() as hub:
        write_hub(Path(hub))
        folders = {
            "": built_harness(Path(hub) / "harness"),
            "/pages": HERE,
            "/hub": Path(hub),
            "/transformers": MODULES / "@huggingface" / "transformers" / "dist",
            "/runtime": MODULES / "onnxruntime-web" / "dist",
            "/mediapipe": MODULES / "@mediapipe" / "tasks-vision",
            "/models": shared_folder() / "models" / "embedders",
            "/media": media,
            "/bundle": default_bundle(),
            "/shard": demo_shard(),
            "/golden": golden_folder(),
        }
        with serving(folders, policy="", keep=True) as address:
            yield address, folders


def first(browser: Browser, address: str, case: Case, packed: dict[str, int]) -> None:
    """Open a page with nothing in the cache, then again with everything; note times, vector and bytes."""
    context = browser.new_context()
    page = context.new_page()
    fetched: set[str] = set()
    page.on("requestfinished", lambda request: fetched.add(request.url.removeprefix(address)))
    for times in (case.cold, case.warm):
        page.goto(address + PAGES[case.library])
        page.wait_for_function("() => globalThis.begin !== undefined")
        took_ms, vector = page.evaluate(BEGIN, case.asked)
        times.append(took_ms)
    case.vector = (np.array(vector) / np.linalg.norm(vector)).tolist()
    case.wire = {path: packed[path] for path in sorted(fetched) if path in packed}
    context.close()


class Packed(dict[str, int]):
    """Bytes of a served file when packed with brotli, by its path; packed once."""

    def __init__(self, folders: dict[str, Path]) -> None:
        self._folders = sorted(folders.items(), key=lambda one: -len(one[0]))

    def __contains__(self, path: object) -> bool:
        return not str(path).startswith(("/media/", "blob:", "data:")) and "favicon" not in str(path)

    def __missing__(self, path: str) -> int:
        prefix, folder = next(one for one in self._folders if path.startswith(one[0] + "/"))
        content = (folder / (path[len(prefix) + 1 :] or "index.html")).read_bytes()
        known = CACHE / hashlib.sha256(content).hexdigest()
        if not known.exists():
            CACHE.mkdir(parents=True, exist_ok=True)
            done = subprocess.run(["node", "-e", PACK], input=content, capture_output=True, check=True)
            known.write_bytes(done.stdout)
        self[path] = min(len(content), known.stat().st_size)
        return self[path]


def in_turn(browser: Browser, address: str, found: list[Case]) -> None:
    """Give every library the picture again and again, round after round."""
    pages: list[tuple[Case, Page]] = []
    for case in found:
        page = browser.new_page()
        page.goto(address + PAGES[case.library])
        page.wait_for_function("() => globalThis.begin !== undefined")
        page.evaluate(BEGIN, case.asked)
        page.evaluate(AGAIN, AT_ONCE)
        pages.append((case, page))
    for _ in range(ROUNDS):
        for case, page in pages:
            case.runs += page.evaluate(AGAIN, AT_ONCE)
    for _, page in pages:
        page.close()


def whole_engine(browser: Browser, address: str, packed: dict[str, int]) -> dict[str, Any]:
    """Return milliseconds to the first tag, cold and warm, what travels, and where the time of a clip goes."""
    told: dict[str, Any] = {"cold_ms": [], "warm_ms": []}
    fetched: set[str] = set()
    script = """async h => {
        const { value } = await h.tag('engine', '/golden/one.png');
        return [value.document.sources[0].tags.length, performance.now()];
    }"""
    for _ in range(STARTS):
        context = browser.new_context()
        context.on("requestfinished", lambda request: fetched.add(request.url.removeprefix(address)))
        for times in ("cold_ms", "warm_ms"):
            harness = Harness(context, address)
            harness.open()
            tags, took_ms = harness.call(script)
            assert tags == 1
            told[times].append(took_ms)
            harness.page.close()
        context.close()
    harness = Harness(browser, address)
    told["capabilities"] = harness.open()["value"]
    harness.tag("/golden/one.png")
    document = harness.tag("/media/clip.mp4")["value"]["document"]
    harness.page.close()
    told["clip"] = {**document["timing_ms"], "looks": document["sources"][0]["frames_detected"]}
    told["wire"] = {path: packed[path] for path in sorted(fetched) if path in packed and not path.startswith("/golden")}
    return told


def table(found: list[Case]) -> str:
    """Return the measurements as Markdown; shares are of the engine's."""
    lines = [
        "| network | library | ms a picture: least / median | share | to the first, ms: cold | warm "
        "| wire, MB: code + model |",
        "|---|---|---|---|---|---|---|",
    ]
    for case in found:
        base = next(one for one in found if one.network == case.network and one.library == "taglet")
        times = f"{min(case.runs):.1f} / {median(case.runs):.1f}"
        share = f"{min(case.runs) / min(base.runs):.2f} / {median(case.runs) / median(base.runs):.2f}"
        starts = f"{median(case.cold):.0f} | {median(case.warm):.0f}"
        model = sum(size for path, size in case.wire.items() if path.endswith((".onnx", ".tflite")))
        wire = f"{(sum(case.wire.values()) - model) / 1e6:.2f} + {model / 1e6:.2f}"
        lines.append(f"| {case.network} | {case.library} | {times} | {share} | {starts} | {wire} |")
    return "\n".join(lines)


def main(out: Path | None) -> None:
    """Measure, print the table, write everything."""
    if not (MODULES / "@mediapipe").is_dir():
        raise SystemExit(f"run first: npm ci --ignore-scripts --prefix {HERE}")
    path = browser_path()
    assert path is not None, "needs Chromium: make chromium"
    found = cases()
    media = Path(tempfile.mkdtemp())
    try:
        with everything(media) as (address, folders), browsing(path) as browser:
            packed = Packed(folders)
            for _ in range(STARTS):
                for case in found:
                    first(browser, address, case, packed)
            in_turn(browser, address, found)
            engine = whole_engine(browser, address, packed)
    finally:
        shutil.rmtree(media)
    print(table(found))
    for network in {case.network for case in found}:
        one, *others = [np.array(case.vector) for case in found if case.network == network]
        print(network, "cosines to the engine's vector:", [round(float(one @ other), 4) for other in others])
    print(json.dumps(engine, indent=1))
    if out:
        out.write_text(json.dumps({"cases": [vars(case) for case in found], "engine": engine}))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
