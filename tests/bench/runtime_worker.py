"""Time one model on one runtime, from picture to boxes or vector, in a process of its own.

Run as `python -m tests.bench.runtime_worker CASE`, with CASE the JSON of `bench_runtimes.Case`; prints JSON with the
milliseconds of every run (wall and processor) and the memory that opening and running added, in megabytes. MediaPipe
Tasks run in the same way, with their own preprocessing and decoding, in an environment that needs nothing of the kit
but this file.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

Call = Callable[[], object]


def measure(case: dict[str, Any]) -> dict[str, Any]:
    """Open, warm up, run; return what was measured."""
    image = _picture(case)
    open_call = _mediapipe if case["runtime"] == "mediapipe" else _kit
    started = time.perf_counter()
    opened = open_call(case["runtime"])
    import_ms = (time.perf_counter() - started) * 1e3
    before = _resident_mb()
    call = opened(case, image)
    for _ in range(case["warm_up"]):
        call()
    wall, cpu = [], []
    for _ in range(case["runs"]):
        at, used = time.perf_counter(), time.process_time()
        call()
        wall.append((time.perf_counter() - at) * 1e3)
        cpu.append((time.process_time() - used) * 1e3)
    return {"wall_ms": wall, "cpu_ms": cpu, "memory_mb": _resident_mb() - before, "import_ms": import_ms}


def _picture(case: dict[str, Any]) -> Any:
    with Image.open(case["picture"]) as opened:
        image = np.asarray(opened.convert("RGB"))
    return image if case["kind"] == "detector" else np.ascontiguousarray(image[100:400, 300:600])


def _resident_mb() -> float:
    """Return the memory that is resident now (Linux)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


def _kit(runtime: str) -> Callable[[dict[str, Any], Any], Call]:
    """Import the kit and the runtime; return what opens a case."""
    from edge.decoders import recognise
    from edge.detector import Detector
    from edge.embedder import Embedder
    from edge.inference.hardware import Hardware
    from edge.preprocessing import Preprocessing

    if runtime == "onnxruntime":
        from edge.inference.onnx_session import OnnxSession as Opened
    else:
        from edge.inference.tflite_session import TfliteSession as Opened  # type: ignore[assignment]

    def opened(case: dict[str, Any], image: Any) -> Call:
        session = Opened(Path(case["model"]), Hardware(case["threads"]))
        rule = Preprocessing.from_json(case["preprocessing"], case["model"])
        if case["kind"] == "detector":
            known = recognise(session.inputs, session.outputs)
            assert known is not None
            detector = Detector(session, rule, known.decoding)
            return lambda: detector.detect(image)
        embedder = Embedder(session, rule, case["output"], case["ndim"])
        return lambda: embedder.embed([image])

    return opened


def _mediapipe(_: str) -> Callable[[dict[str, Any], Any], Call]:
    """Import MediaPipe Tasks; return what opens a case."""
    import mediapipe
    from mediapipe.tasks.python import BaseOptions, vision

    def opened(case: dict[str, Any], image: Any) -> Call:
        base = BaseOptions(model_asset_path=case["model"])
        picture = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=image)
        if case["kind"] == "detector":
            options = vision.ObjectDetectorOptions(base_options=base, max_results=10, score_threshold=0.3)
            task = vision.ObjectDetector.create_from_options(options)
            return lambda: task.detect(picture)
        options = vision.ImageEmbedderOptions(base_options=base, l2_normalize=True)
        task = vision.ImageEmbedder.create_from_options(options)
        return lambda: task.embed(picture)

    return opened


if __name__ == "__main__":
    print(json.dumps(measure(json.loads(sys.argv[1]))))
