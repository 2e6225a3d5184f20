"""Small models, and photos of one colour each: of three products, and of nothing that a catalogue holds."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from tests.evaluation.test_evaluate_command import COLOURS, PRODUCTS, REPOSITORY, SIZE_WH
from tests.small_models import constant_detector, fcos_outputs, mean_embedder

PHOTOS = 70


def run(program: str, *words: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", program, *map(str, words)]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=120, check=False)


def small_kit(folder: Path) -> None:
    """Make `bundle`: one box in every picture, and a vector that is the mean colour."""
    constant_detector(folder / "detector.onnx", SIZE_WH, fcos_outputs(SIZE_WH))
    mean_embedder(folder / "embedder.onnx")
    done = run(
        "export",
        *("bundle", "--detector", folder / "detector.onnx", "--embedder", folder / "embedder.onnx"),
        *("--embedder-mean", "0", "--embedder-std", "255", "--out", folder / "bundle"),
        *("--similarity-threshold", "0.5", "--margin-threshold", "0.05"),
    )
    assert done.returncode == 0, done.stderr


def photos_of_colours(folder: Path) -> None:
    """Make photos to calibrate with (`queries.csv`, `nothing`), and as many others (`others.csv`)."""
    rng = np.random.default_rng(7)
    for name in ("photos", "nothing", "other-nothing"):
        (folder / name).mkdir()
    lines = {"queries.csv": ["path,product_id"], "others.csv": ["path,product_id"]}
    for number in range(2 * PHOTOS):
        name, product = f"{number}.png", PRODUCTS[number % 3]
        _photo(folder / "photos" / name, COLOURS[product], 12, rng)
        lines["queries.csv" if number < PHOTOS else "others.csv"].append(f"{name},{product}")
        empty = folder / ("nothing" if number < PHOTOS else "other-nothing") / name
        _photo(empty, tuple(rng.integers(60, 200, 3)), 20, rng)
        if number >= PHOTOS:
            shutil.copy(empty, folder / "photos" / f"empty-{name}")
            lines["others.csv"].append(f"empty-{name},")
    for name, text in lines.items():
        (folder / name).write_text("\n".join(text) + "\n")


def _photo(path: Path, colour: tuple[int, ...], spread: int, rng: np.random.Generator) -> None:
    """Draw a photo of one colour, a little off; no two are alike."""
    pixels = np.empty((SIZE_WH[1], SIZE_WH[0], 3), np.float64)
    pixels[:] = 30 + 0.76 * np.array(colour) + rng.normal(0, spread, 3).clip(-25, 25)
    Image.fromarray((pixels + rng.integers(0, 3, pixels.shape)).clip(0, 255).astype(np.uint8)).save(path)
