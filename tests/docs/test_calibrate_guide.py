"""The commands of docs/calibrate.md, run as they are written, on small models and pictures of one colour."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from edge.bundle import load_bundle
from edge.shard import ProductRecord, write_shard
from edge.shard.calibration import read_calibration
from edge.shard.content import canonical_columns
from edge.shard.vectors import quantize
from export.calibration.feedback import COLUMNS
from tests.calibration.colours import PHOTOS, photos_of_colours, small_kit
from tests.docs.code_blocks import REPOSITORY, run, shown_commands
from tests.evaluation.test_evaluate_command import PRODUCTS, shard_of_colours


def decisions(path: Path, catalog: str, space_id: str) -> None:
    """Write what 20 devices decided on the colours."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for device in range(20):
            for product in (*PRODUCTS, "orange"):
                kind = "rejected" if device < 4 and product == "red" else "accepted"
                writer.writerow(
                    [f"d{device}", f"{device}{product}", kind, catalog, space_id, product, 0.97, 0.3, "match"]
                )


@pytest.fixture
def workshop(tmp_path: Path) -> Path:
    """Return a folder with everything that the document names."""
    small_kit(tmp_path)
    photos_of_colours(tmp_path)
    space_id = load_bundle(tmp_path / "bundle").space_id
    shard_of_colours(tmp_path / "shard", space_id)
    many = [ProductRecord(f"p{number:02}", f"Colour {number}") for number in range(80)]
    vectors = quantize(np.random.default_rng(3).random((80, 3)))
    columns = canonical_columns(many, np.arange(80, dtype=np.uint64), vectors, np.arange(80))
    write_shard(tmp_path / "unlabelled", "many", 1, space_id, columns)
    decisions(tmp_path / "tags.csv", "colours", space_id)
    return tmp_path


def test_commands_of_the_guide_keep_the_promise(workshop: Path) -> None:
    said = [run(command.words, workshop) for command in shown_commands(REPOSITORY / "docs/calibrate.md")]
    assert len(said) == 5
    assert f"photos of nothing from the catalogue    {PHOTOS}" in said[0]
    assert "promise of at most 5.00% false tags: held" in said[1]
    assert json.loads((workshop / "kept.json").read_text())["promise"]["held"] is True
    assert "photos asked without their product" in said[2]
    assert "sure tags that people decided on" in said[3] and " 80 " in said[3]
    assert "not about photos" in said[4] and "right tags: not known" in said[4]
    unlabelled = read_calibration(workshop / "unlabelled")
    assert unlabelled is not None and unlabelled.basis == "products"
