"""Which part of an ONNX graph some of its values are computed from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


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
