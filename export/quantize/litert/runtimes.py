"""Which runtimes a TFLite file is good for: tried where a runtime is here, told by operator versions where not.

A file can end the process of a runtime that it does not suit, so each trial is a process of its own: load, and one
run on zeros.

    >>> runtimes_of(Path("detector.mixed.tflite"))
    ('ai-edge-litert 2.3.0 (tried)', 'tflite-runtime 2.14.0 (by operator versions)')
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from export.quantize.litert.flatbuffer import read_flatbuffer
from export.quantize.litert.versions import newer_than_2_14

How = Literal["tried", "by operator versions"]
OTHER_PYTHON = "TAGLET_TFLITE_PYTHON"
"""Names a Python of another environment that has tflite-runtime."""
TRIAL_SECONDS = 120
MODULES = {"ai-edge-litert": "ai_edge_litert", "tflite-runtime": "tflite_runtime"}
TRIAL = """
import importlib, importlib.metadata, json, sys
import numpy as np
package, path = sys.argv[1:]
module = importlib.import_module(package + ".interpreter")
interpreter = module.Interpreter(path, num_threads=1)
interpreter.allocate_tensors()
for details in interpreter.get_input_details():
    interpreter.set_tensor(details["index"], np.zeros(details["shape"], details["dtype"]))
interpreter.invoke()
print(json.dumps(importlib.metadata.version(package.replace("_", "-"))))
"""


@dataclass(frozen=True)
class Suits:
    """Whether a runtime takes a file.

    Attributes:
        runtime: name and version, such as "tflite-runtime 2.14.0".
        loads: whether it loads and runs.
        how: how that is known.
        why_not: the runtime's reason, empty where it loads.
    """

    runtime: str
    loads: bool
    how: How
    why_not: str = ""


def runtimes_of(path: Path) -> tuple[str, ...]:
    """Return the runtimes that a file is good for, each with how that is known."""
    return tuple(f"{suits.runtime} ({suits.how})" for suits in suits_of(path) if suits.loads)


def suits_of(path: Path) -> tuple[Suits, ...]:
    """Try a TFLite file on LiteRT and tflite-runtime, or tell by its operators where tflite-runtime is not here."""
    found = [_tried(Path(sys.executable), "ai-edge-litert", path)]
    python = tflite_python()
    found.append(_tried(python, "tflite-runtime", path) if python else by_versions(path))
    return tuple(suits for suits in found if suits is not None)


@cache
def tflite_python() -> Path | None:
    """Return a Python that has tflite-runtime: this one, the one TAGLET_TFLITE_PYTHON names, or .venv-tflite's."""
    named = os.environ.get(OTHER_PYTHON)
    checkout = Path(__file__).parents[3] / ".venv-tflite" / "bin" / "python"
    for python in (Path(named) if named else None, Path(sys.executable), checkout):
        if python is not None and python.is_file():
            command = [str(python), "-c", "import tflite_runtime.interpreter"]
            if subprocess.run(command, capture_output=True, check=False, timeout=TRIAL_SECONDS).returncode == 0:
                return python
    return None


def by_versions(path: Path) -> Suits:
    """Tell by the versions of a file's operators whether tflite-runtime 2.14 has them."""
    newer = newer_than_2_14(read_flatbuffer(path))
    why_not = f"it lacks {', '.join(newer)}" if newer else ""
    return Suits("tflite-runtime 2.14.0", not newer, "by operator versions", why_not)


def _tried(python: Path, package: str, path: Path) -> Suits | None:
    """Load and run a file in a process of its own; None where the package is not in that Python."""
    command = [str(python), "-c", TRIAL, MODULES[package], str(path)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TRIAL_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return Suits(package, False, "tried", f"it did not end within {TRIAL_SECONDS} seconds")
    if done.returncode == 0:
        return Suits(f"{package} {json.loads(done.stdout.strip().splitlines()[-1])}", True, "tried")
    if f"No module named '{MODULES[package]}" in done.stderr:
        return None
    lines = [line for line in done.stderr.strip().splitlines() if line.strip()]
    ended = f"it was ended by signal {-done.returncode}" if done.returncode < 0 else "it gave no reason"
    return Suits(package, False, "tried", lines[-1][:200] if lines and done.returncode > 0 else ended)
