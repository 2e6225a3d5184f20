import importlib

import pytest

from edge.errors import MissingExtra
from export.render import opencv


def test_missing_opencv_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", refuse)
    with pytest.raises(MissingExtra, match=r"OpenCV.*taglet\[export\]"):
        opencv._load()
