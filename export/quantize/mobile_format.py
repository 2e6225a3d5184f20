"""The ORT format: what ONNX Runtime Mobile loads, with the list of operators that a reduced build must have.

Optimised for arm64 when it is written (quantized layers are fused already), so that a build without the optimiser runs
it at full speed. See onnxruntime.ai, "ORT model format" and "Reduced operator config file".

    >>> write_ort(Path("yolox.qdq.onnx"))
    (PosixPath('yolox.qdq.ort'), PosixPath('yolox.qdq.required_operators.config'))
"""

from __future__ import annotations

import contextlib
import io
import logging
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import onnxruntime as ort
from onnxruntime.tools.convert_onnx_models_to_ort import OptimizationStyle, convert_onnx_models_to_ort

from edge.errors import ModelError


def write_ort(model: Path) -> tuple[Path, Path]:
    """Write the ORT form of an ONNX model beside it, and the operators that it needs; load it once to try it.

    Raises:
        ModelError: onnxruntime cannot convert the model, or does not load what it made.
    """
    with tempfile.TemporaryDirectory(dir=model.parent, prefix=".ort.") as scratch:
        try:
            with _silent():
                convert_onnx_models_to_ort(
                    model, Path(scratch), optimization_styles=[OptimizationStyle.Fixed], target_platform="arm"
                )
            [made], [operators] = Path(scratch).glob("*.ort"), Path(scratch).glob("*.config")
            ort.InferenceSession(made, providers=["CPUExecutionProvider"])
        except Exception as e:  # the converter wraps whatever its child processes raise
            reason = (str(e).strip() or type(e).__name__).splitlines()[0][:160]
            raise ModelError(f"{model}: cannot be written in the ORT format ({reason})") from e
        target = model.with_suffix(".ort")
        return made.replace(target), operators.replace(model.with_suffix(".required_operators.config"))


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Keep the converter's remarks from the user's screen."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)  # the converter leaves files to the collector
            yield
    finally:
        logging.disable(before)
