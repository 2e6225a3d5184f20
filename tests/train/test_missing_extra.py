"""Training without its extra: one sentence that names it, before anything is read or written."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("kind", ["detector", "embedder"])
def test_training_without_pytorch_names_the_extra(tmp_path: Path, kind: str) -> None:
    program = "import sys; sys.modules['torch'] = None; from export.cli import main; sys.exit(main(sys.argv[1:]))"
    call = ["train", kind, "absent.csv", "--images", str(tmp_path), "--out", str(tmp_path / "shop")]
    done = subprocess.run([sys.executable, "-c", program, *call], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    sentences = done.stderr.strip().splitlines()
    assert len(sentences) == 1 and "pip install 'taglet[train]'" in sentences[0]
    assert not list(tmp_path.iterdir())
