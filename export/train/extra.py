"""The one question whether the extra that training needs is installed."""

from __future__ import annotations

import importlib

from edge.errors import MissingExtra


def require_torch() -> None:
    """Do nothing where PyTorch can be imported.

    Raises:
        MissingExtra: it cannot; the sentence names the extra.
    """
    try:
        importlib.import_module("torch")
    except ImportError as e:
        raise MissingExtra("PyTorch, which training runs on,", "train") from e
