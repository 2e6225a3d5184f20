"""Models of `export quantize` in a browser: ONNX Runtime Web in headless Chromium, one thread of WebAssembly.

    python -m tests.bench.quantize_table OUT yolox_nano "bundle's detector" "bundle's embedder"
    npm ci --ignore-scripts --prefix tests/bench/web_models
    python -m tests.bench.bench_web_models OUT

Each model as float, weight-only int8, float16 weights and static int8 (QDQ), and the package's own files as they ship.
All are loaded into one page and run in turn, round after round, so that whatever else the machine does falls on all of
them alike. A small server on the loopback gives the page its files and takes what it measured; CHROMIUM names the
browser (default: chromium).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Empty, Queue
from statistics import median
from typing import Any

import numpy as np
import numpy.typing as npt

from edge.defaults import default_bundle
from export.bundles.reading import read_model
from export.golden.pictures import golden_pictures

HERE = Path(__file__).with_name("web_models")
RUNTIME = HERE / "node_modules" / "onnxruntime-web" / "dist"
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")
ROUNDS, WARM_UP, PATIENCE_SECONDS = 50, 3, 240
NAMES = {"yolox_nano": "yolox_nano", "bundles_detector": "bundle's detector", "bundles_embedder": "bundle's embedder"}
FORMS = {"float": "float", "weight_only": "weight-only", "fp16": "float16", "qdq": "QDQ", "mixed": "QDQ, mixed"}
KINDS = {".html": "text/html", ".mjs": "text/javascript", ".wasm": "application/wasm", ".json": "application/json"}


@dataclass(frozen=True)
class Case:
    """One file that the page runs, and a picture as its input."""

    model: str
    form: str
    path: Path
    feed: npt.NDArray[np.float32]


def cases(out: Path) -> list[Case]:
    """Return the files of the models that lie in the folder of `quantize_table`, and the package's own."""
    picture = golden_pictures()["one"]
    found: list[Case] = []
    for folder, model in NAMES.items():
        paths = sorted((out / folder / "quantized").glob("*.onnx"))
        assert paths, f"{out / folder}: run `python -m tests.bench.quantize_table {out}` first"
        files = {path.name.split(".")[-2]: path for path in paths}
        rule = read_model(files["float"]).preprocessing
        if model.startswith("bundle"):
            shipped = default_bundle() / f"{model.split()[-1]}.onnx"
            files["as shipped"], rule = shipped, rule or read_model(shipped).preprocessing
        assert rule is not None
        feed = rule.apply(picture)[0]
        found += [
            Case(model, FORMS.get(form, form), files[form], feed) for form in (*FORMS, "as shipped") if form in files
        ]
    return found


def measure(asked: list[Case]) -> dict[str, Any]:
    """Let a browser run every case; return what the page posted."""
    told: Queue[dict[str, Any]] = Queue()
    with _server(asked, told) as address, tempfile.TemporaryDirectory() as profile:
        command = [os.environ.get("CHROMIUM", "chromium"), *FLAGS, f"--user-data-dir={profile}", f"{address}/page.html"]
        browser = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            answer = told.get(timeout=PATIENCE_SECONDS)
        except Empty:
            raise SystemExit(
                f"the browser said nothing within {PATIENCE_SECONDS} seconds: {' '.join(command)}"
            ) from None
        finally:
            browser.terminate()
            browser.wait(30)
    if "error" in answer:
        raise SystemExit(f"the page failed: {answer['error']}")
    return answer


@contextmanager
def _server(asked: list[Case], told: Queue[dict[str, Any]]) -> Iterator[str]:
    """Serve the page, the runtime and the cases; yield the address."""
    plan = {"rounds": ROUNDS, "warm_up": WARM_UP, "models": []}
    content: dict[str, bytes] = {}
    for number, case in enumerate(asked):
        entry = {"name": f"{number}", "model": f"/model/{number}", "input": f"/input/{number}"}
        plan["models"].append({**entry, "shape": list(case.feed.shape)})  # type: ignore[attr-defined]
        content |= {entry["model"]: case.path.read_bytes(), entry["input"]: case.feed.tobytes()}
    content |= {"/models.json": json.dumps(plan).encode(), "/page.html": (HERE / "page.html").read_bytes()}

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            file = RUNTIME / Path(self.path).name
            body = content.get(self.path) or (file.read_bytes() if self.path.startswith("/runtime/") else None)
            self.send_response(200 if body is not None else 404)
            self.send_header("Content-Type", KINDS.get(Path(self.path).suffix, "application/octet-stream"))
            # an isolated page has a clock of microseconds instead of a tenth of a millisecond
            self.send_header("Cross-Origin-Opener-Policy", "same-origin")
            self.send_header("Cross-Origin-Embedder-Policy", "require-corp")
            self.end_headers()
            self.wfile.write(body or b"")

        def do_POST(self) -> None:
            told.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def table(asked: list[Case], answer: dict[str, Any]) -> str:
    """Return the measurements as Markdown; shares are of the float file of the same model."""
    lines = [
        "| model | file | size | load, ms | one run, ms: least / median | least | median |",
        "|---|---|---|---|---|---|---|",
    ]
    base: tuple[int, float, float] | None = None
    for case, each in zip(asked, answer["cases"], strict=True):
        size, least, middle = case.path.stat().st_size, min(each["runs"]), median(each["runs"])
        if case.form == "float":
            base = size, least, middle
        assert base is not None
        cells = [
            case.model if case.form == "float" else "",
            case.form,
            f"{size / base[0]:.3f}",
            f"{each['loaded']:.0f}",
        ]
        cells += [f"{least:.2f} / {middle:.2f}", f"{least / base[1]:.2f}", f"{middle / base[2]:.2f}"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([answer["browser"], "", *lines])


if __name__ == "__main__":
    if not RUNTIME.is_dir():
        raise SystemExit(f"run first: npm ci --ignore-scripts --prefix {HERE}")
    every = cases(Path(sys.argv[1]))
    print(table(every, measure(every)))
