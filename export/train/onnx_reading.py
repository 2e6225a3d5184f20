"""Reading ONNX files for training: the file itself, and which part of it some values are computed from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edge.errors import MissingExtra, ModelError


def read_onnx(path: Path, what: str) -> Any:
    """Read a file as an `onnx.ModelProto`.

    Args:
        path: the file.
        what: is read from it, for the error message, such as "the teacher's file".

    Raises:
        MissingExtra: the package onnx is not installed.
        ModelError: the file is no ONNX model.
    """
    try:
        import onnx
    except ImportError as e:
        raise MissingExtra(f"onnx, which reads {what},", "train") from e
    try:
        return onnx.load(path)
    except Exception as e:  # onnx and protobuf share no public base class
        raise ModelError(f"{path}: cannot be read as an ONNX model") from e


def needed_values(graph: Any, names: Sequence[str]) -> set[str]:
    """Return the names of all values that the given ones are computed from, themselves included.

    Args:
        graph: an `onnx.GraphProto`.
        names: outputs of its nodes.
    """
    producer = {output: node for node in graph.node for output in node.output}
    needed, waiting = set[str](), list(names)
    while waiting:
        name = waiting.pop()
        if name in needed or name not in producer:
            continue
        needed.update(producer[name].output)
        waiting.extend(producer[name].input)
    return needed
