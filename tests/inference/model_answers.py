"""What models answer through the kit on whatever TFLite runtime this Python has; the same code in every environment.

Run as `python -m tests.inference.model_answers JOBS.json OUT.npz`: jobs are a list of
`{"model": path, "picture": path, "preprocessing": {...}, "provider": name}`; the arrays of job i are named
"i/output/NAME", for a detector of a known family "i/xyxy" and "i/confidence", and "runtime" holds
name and version of the runtime.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from edge.decoders import recognise
from edge.detector import Detector
from edge.inference.hardware import Hardware
from edge.inference.tflite_session import Runtime, TfliteSession
from edge.preprocessing import Preprocessing

Arrays = dict[str, np.ndarray[Any, Any]]


def answers(jobs: Sequence[Mapping[str, Any]], runtime: Runtime) -> Arrays:
    """Run every job on one thread and return its arrays."""
    found: Arrays = {}
    for number, job in enumerate(jobs):
        session = TfliteSession(Path(job["model"]), Hardware(1, (job["provider"],)), runtime)
        rule = Preprocessing.from_json(job["preprocessing"], job["model"])
        with Image.open(job["picture"]) as opened:
            picture = np.asarray(opened.convert("RGB"))
        outputs = session.run({session.inputs[0].name: rule.apply(picture)[0]})
        found |= {f"{number}/output/{name}": value for name, value in outputs.items()}
        if known := recognise(session.inputs, session.outputs):
            detections = Detector(session, rule, known.decoding).detect(picture)
            found |= {f"{number}/xyxy": detections.xyxy, f"{number}/confidence": detections.confidence}
        found["runtime"] = np.array(session.runtime)
    return found


if __name__ == "__main__":
    np.savez(sys.argv[2], **answers(json.loads(Path(sys.argv[1]).read_text()), "tflite"))
    heavy = sorted({"onnxruntime", "numkong", "usearch", "av"} & set(sys.modules))
    print(json.dumps({"numpy": np.__version__, "heavy": heavy}))
