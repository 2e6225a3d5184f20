"""Run a foreign model once in a process of its own that may take only so much memory.

A model file of a few bytes can ask for gigabytes when it is loaded or run. In the kit's own process that would end the
process, or the machine's; here it ends the trial, and the user gets a sentence.

    >>> require_modest_memory(Path("detector.onnx"))
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from edge.errors import ModelError, TagletError
from edge.inference import Session, open_session
from edge.inference.hardware import Hardware

MEMORY_LIMIT_BYTES = 4 << 30
TIME_LIMIT_S = 120
_TOO_MUCH, _NOT_LOADED = 7, 8


def require_modest_memory(model: Path, sidecar: Path | None = None) -> None:
    """Refuse a model that cannot be loaded and run once within 4 GiB of address space and two minutes.

    What else is wrong with a model that can be loaded is left to whoever opens it next. Where the system has no such
    limit (Windows), only the time is bounded.

    Args:
        model: the model file.
        sidecar: its sidecar, which may say the size of an open input; None looks beside the model.

    Raises:
        ModelError: the model cannot be loaded, asks for more memory, takes longer, or ends the process that runs it.
    """
    command = [sys.executable, "-m", "export.bundles.memory_trial", str(model), *([str(sidecar)] if sidecar else [])]
    try:
        ended = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=TIME_LIMIT_S)
    except subprocess.TimeoutExpired as e:
        raise ModelError(f"{model}: one run takes more than {TIME_LIMIT_S} seconds: no device could use it") from e
    if ended.returncode == _TOO_MUCH:
        gigabytes = MEMORY_LIMIT_BYTES >> 30
        raise ModelError(f"{model}: asks for more than {gigabytes} GiB of memory to run once: no device could use it")
    if ended.returncode == _NOT_LOADED:
        raise ModelError(ended.stdout.decode(errors="replace").strip())
    if ended.returncode < 0:
        raise ModelError(f"{model}: ends the process that runs it (signal {-ended.returncode}): export the model again")


def _trial(model: Path, sidecar: Path | None) -> int:
    try:
        session = open_session(model, Hardware(threads=1))
    except (MemoryError, ModelError) as e:
        if _tells_of_memory(e, model) or _declares_too_much(model):
            return _TOO_MUCH
        print(e)
        return _NOT_LOADED
    try:
        _run_once(session, model, sidecar)
    except (MemoryError, ModelError) as e:
        return _TOO_MUCH if _tells_of_memory(e, model) else 0
    return 0


def _run_once(session: Session, model: Path, sidecar: Path | None) -> None:
    import numpy as np

    from export.bundles.reading import with_known_size

    inputs = with_known_size(session.inputs, model, sidecar)
    session.run({spec.name: np.zeros([side or 1 for side in spec.shape], np.float32) for spec in inputs})


def _tells_of_memory(error: Exception, model: Path) -> bool:
    said = f"{error} {error.__cause__}".replace(str(model), "").lower()
    return isinstance(error, MemoryError) or "alloc" in said


def _declares_too_much(model: Path) -> bool:
    """Return whether a TFLite file states a tensor beyond the limit: XNNPACK does not say that it is out of memory."""
    from export.bundles.tflite_graph import largest_tensor_bytes

    try:
        return model.suffix == ".tflite" and largest_tensor_bytes(model) > MEMORY_LIMIT_BYTES
    except (TagletError, OSError):
        return False


def _limit_memory() -> None:
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT_BYTES, MEMORY_LIMIT_BYTES))


if __name__ == "__main__":
    _limit_memory()
    paths = [Path(word) for word in sys.argv[1:]]
    sys.exit(_trial(paths[0], paths[1] if paths[1:] else None))
