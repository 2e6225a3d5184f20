"""Writing: whole or not at all."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edge.errors import OutputError
from edge.files import whole_folder
from edge.shard import ProductRecord, open_shard
from edge.shard.description import DESCRIPTION
from tests.small_shards import make_shard

REPOSITORY = Path(__file__).resolve().parents[2]
WITHOUT_ROOM = """
import resource, sys
from pathlib import Path
from tests.small_shards import random_shard
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
from edge.errors import OutputError
try:
    random_shard(Path(sys.argv[1]), 100, 400, ndim=128)
except OutputError as e:
    print(e)
"""


def one(out: Path, title: str) -> None:
    make_shard(out, [ProductRecord("a", title)], [0], np.ones((1, 3)))


def test_newer_shard_takes_the_place_of_the_older(tmp_path: Path) -> None:
    out = tmp_path / "new" / "shard"
    one(out, "old")
    mapped = open_shard(out)
    one(out, "new")
    assert open_shard(out).record(0).title == "new"
    assert mapped.record(0).title == "old", "an opened shard stays whole while it is replaced"
    assert os.listdir(out.parent) == ["shard"]


def test_empty_folder_is_filled_and_another_one_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    one(tmp_path / "empty", "title")
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "dear.jpg").write_bytes(b"mine")
    (tmp_path / "file").write_bytes(b"mine")
    for name in ("photos", "file"):
        with pytest.raises(OutputError, match="is there already and is not a shard"):
            one(tmp_path / name, "title")
    assert (tmp_path / "photos" / "dear.jpg").read_bytes() == b"mine"


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_failure_keeps_the_previous_shard(tmp_path: Path, error: BaseException) -> None:
    one(tmp_path / "shard", "old")
    with (
        pytest.raises((OutputError, KeyboardInterrupt)),
        whole_folder(tmp_path / "shard", DESCRIPTION, "shard") as folder,
    ):
        (folder / "half").write_bytes(b"half")
        raise error
    assert os.listdir(tmp_path) == ["shard"] and open_shard(tmp_path / "shard").record(0).title == "old"


def test_full_disk_leaves_nothing_behind(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_ROOM, tmp_path / "shard"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "cannot be written (File too large): nothing was left behind" in done.stdout
    assert os.listdir(tmp_path) == []


def test_place_below_a_file_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError, match="cannot be written"):
        one(tmp_path / "file" / "shard", "title")
