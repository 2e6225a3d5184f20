"""Run a foreign model once in a process of its own that may take only so much memory.

A model file of a few bytes can ask for gigabytes when it is loaded or run. In the kit's own process that would end the
process, or the machine's; here it ends the trial, and the user gets a sentence.

    >>> require_modest_memory(Path("detector.onnx"))
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from edge.errors import ModelError

MEMORY_LIMIT_BYTES = 4 << 30
TIME_LIMIT_S = 120
_TOO_MUCH = 7


def require_modest_memory(model: Path) -> None:
    """Refuse a model that cannot be loaded and run once within 4 GiB of address space and two minutes.

    What else is wrong with the model is left to whoever opens it next. Where the system has no such limit (Windows),
    only the time is bounded.

    Raises:
        ModelError: the model asks for more memory, takes longer, or ends the process that runs it.
    """
    command = [sys.executable, "-m", "export.bundles.memory_trial", str(model)]
    try:
        ended = subprocess.run(command, capture_output=True, timeout=TIME_LIMIT_S, check=False).returncode
    except subprocess.TimeoutExpired as e:
        raise ModelError(f"{model}: one run takes more than {TIME_LIMIT_S} seconds: no device could use it") from e
    if ended == _TOO_MUCH:
        gigabytes = MEMORY_LIMIT_BYTES >> 30
        raise ModelError(f"{model}: asks for more than {gigabytes} GiB of memory to run once: no device could use it")
    if ended < 0:
        raise ModelError(f"{model}: ends the process that runs it (signal {-ended}): export the model again")


def _trial(model: Path) -> int:
    import numpy as np

    from edge.inference import open_session
    from edge.inference.hardware import Hardware

    try:
        session = open_session(model, Hardware(threads=1))
        session.run({spec.name: np.zeros([d or 1 for d in spec.shape], np.float32) for spec in session.inputs})
    except MemoryError:
        return _TOO_MUCH
    except ModelError as e:
        return _TOO_MUCH if "alloc" in f"{e} {e.__cause__}".lower() else 0
    return 0


def _limit_memory() -> None:
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT_BYTES, MEMORY_LIMIT_BYTES))


if __name__ == "__main__":
    _limit_memory()
    sys.exit(_trial(Path(sys.argv[1])))
