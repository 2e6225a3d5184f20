"""A training whose disk is full: one sentence, and the checkpoint from before is still there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="PyTorch is the extra [train]")

from tests.train.full_disk import run_on_small_disk

pytestmark = pytest.mark.torch
PROGRAM = """
import resource, sys
from pathlib import Path
from edge.errors import OutputError
{training}
first = new(Path(sys.argv[1]) / "run.checkpoint")
first.step = 1
first.save()
length = first.checkpoint.stat().st_size
{fill}
first.step = 2
try:
    first.save()
except OutputError as e:
    print(e)
again = new(first.checkpoint)
again.resume()
print(again.step, [path.name for path in first.checkpoint.parent.iterdir() if path.name != "rest"])
"""
EMBEDDER = """
from export.train.embedder.network import Shape
from export.train.embedder.rendered import RenderedFamilies
from export.train.embedder.training import Recipe, Training
TINY = Shape((8, 8), (16, 16, 16), (8, 8, 8), (0, 1, 0), (8, 8, 8), 16)
new = lambda path: Training(Recipe(), RenderedFamilies(), path, TINY)
"""
DETECTOR = """
from export.train.detector.network import Shape
from export.train.detector.training import Recipe, Training
new = lambda path: Training(Recipe(size=64), [], path, Shape((8, 8, 16, 16, 16), (0, 0, 0, 0), 8))
"""
FULL = """
try:
    (first.checkpoint.parent / "rest").write_bytes(bytes(2_000_000))
except OSError:
    pass
"""
SMALL_FILES = "resource.setrlimit(resource.RLIMIT_FSIZE, (length // 2, length // 2))"


@pytest.mark.parametrize(
    ("training", "why"),
    [(EMBEDDER, "disk"), (DETECTOR, "disk"), (EMBEDDER, "quota")],
    ids=["embedder-disk", "detector-disk", "embedder-quota"],
)
def test_checkpoint_from_before_outlives_a_full_disk(tmp_path: Path, training: str, why: str) -> None:
    folder = tmp_path / "disk"
    folder.mkdir()
    program = PROGRAM.format(training=training, fill=FULL if why == "disk" else SMALL_FILES)
    call = [sys.executable, "-c", program, str(folder)]
    if why == "disk":
        done = run_on_small_disk(folder, "2000k", call)
    else:
        done = subprocess.run(call, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    sentence, state = done.stdout.strip().splitlines()
    assert sentence.startswith(f"{folder}/run.checkpoint: cannot be written ("), sentence
    assert state == "1 ['run.checkpoint']"
