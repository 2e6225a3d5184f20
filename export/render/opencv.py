"""The one door to OpenCV for the renderer.

Warping is what rendering spends its time on: at 160 x 160 pixels OpenCV warps a
picture in 0.08 ms where Pillow takes 0.56 ms, and blurs it in 0.28 ms where
Pillow takes 1.7 ms (measured on one core). Its type stubs describe every result
as "array or None of any number type", which tells a checker nothing, so the
module is passed on untyped and results are annotated where they are made.
"""

from __future__ import annotations

import importlib
from typing import Any

from edge.errors import MissingExtra


def _load() -> Any:
    try:
        return importlib.import_module("cv2")
    except ImportError as error:
        raise MissingExtra("OpenCV, which the renderer draws with,", "export") from error


cv2: Any = _load()
