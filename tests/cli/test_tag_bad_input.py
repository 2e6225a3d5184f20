"""`edge tag` as a user runs it: whatever is wrong gets one sentence and the right exit code, and the rest is done."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edge.defaults import default_bundle, demo_shard
from tests.media import own_media

REPOSITORY = Path(__file__).parents[2]


def edge(*arguments, cwd=REPOSITORY, **options):
    command = [sys.executable, "-m", "edge", *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=120, env=environment, **options)


@pytest.fixture
def good(tmp_path):
    path = tmp_path / "good.png"
    Image.fromarray(np.full((60, 80, 3), 200, np.uint8)).save(path)
    return path


def jpeg(path, size=(300, 200), mode="RGB"):
    Image.effect_noise(size, 60).convert(mode).save(path, "JPEG")
    return path


def missing(folder):
    return folder / "nowhere.jpg"


def empty(folder):
    (folder / "empty.jpg").touch()
    return folder / "empty.jpg"


def cut(folder):
    path = jpeg(folder / "cut.jpg")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return path


def text(folder):
    (folder / "text.jpg").write_text("these are words, not a picture")
    return folder / "text.jpg"


def bomb(folder):
    """A PNG whose header promises 60,000 x 60,000 pixels."""
    path = folder / "bomb.png"
    Image.new("1", (8, 8)).save(path)
    content = bytearray(path.read_bytes())
    content[16:24] = (60_000).to_bytes(4, "big") * 2
    content[29:33] = zlib.crc32(bytes(content[12:29])).to_bytes(4, "big")
    path.write_bytes(content)
    return path


def no_folder_content(folder):
    (folder / "hollow").mkdir()
    return folder / "hollow"


@pytest.mark.parametrize("make", [missing, empty, cut, text, bomb, no_folder_content], ids=lambda f: f.__name__)
def test_says_one_sentence_about_an_unusable_input_and_does_the_others(make, good, tmp_path):
    bad = make(tmp_path)
    result = edge("tag", bad, good, "--json", "-")
    assert result.returncode == 3
    assert "Traceback" not in result.stderr
    sources = json.loads(result.stdout)["sources"]
    assert [source["path"] for source in sources] == [str(bad), str(good)]
    assert sources[0]["error"]
    assert bad.name in sources[0]["error"]
    assert sources[1]["error"] is None
    assert sources[1]["frames_detected"] == 1
    assert sources[0]["error"] in result.stderr


@pytest.mark.parametrize("mode", ["CMYK", "L"])
def test_reads_every_colour_mode(mode, tmp_path):
    path = jpeg(tmp_path / "picture.jpg", mode=mode)
    assert edge("tag", path).returncode == 0


def test_tags_a_picture_of_one_pixel(tmp_path):
    Image.new("RGB", (1, 1)).save(tmp_path / "dot.png")
    result = edge("tag", tmp_path / "dot.png", "--json", "-")
    assert result.returncode == 0
    assert json.loads(result.stdout)["sources"][0]["resolution_wh"] == [1, 1]


def test_refuses_a_shard_of_another_space_and_names_both(good, tmp_path):
    shard = shutil.copytree(demo_shard(), tmp_path / "shard")
    bundle = shutil.copytree(default_bundle(), tmp_path / "bundle")
    description = json.loads((bundle / "bundle.json").read_text())
    ours = description["space_id"]
    description["space_id"] = "f" * 64
    (bundle / "bundle.json").write_text(json.dumps(description))
    result = edge("tag", good, "--bundle", bundle, "--shard", shard)
    assert result.returncode == 4
    assert ours[:12] in result.stderr
    assert "f" * 12 in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("change", ["missing", "altered"])
def test_refuses_a_bundle_whose_files_are_not_whole(change, good, tmp_path):
    bundle = shutil.copytree(default_bundle(), tmp_path / "bundle")
    model = bundle / "embedder.onnx"
    if change == "missing":
        model.unlink()
    else:
        content = bytearray(model.read_bytes())
        content[len(content) // 2] ^= 1
        model.write_bytes(content)
    result = edge("tag", good, "--bundle", bundle)
    assert result.returncode == 4
    assert "embedder.onnx" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("option", ["--json", "--report"])
def test_output_that_cannot_be_written_is_one_sentence(option, good, tmp_path):
    (tmp_path / "file").touch()
    result = edge("tag", good, option, tmp_path / "file" / "out.html")
    assert result.returncode == 3
    assert "cannot be written" in result.stderr
    assert "Traceback" not in result.stderr


def test_wrong_usage_ends_with_two():
    assert edge("tag").returncode == 2
    assert edge("tag", "a.jpg", "--every", "-1").returncode == 2
    assert edge("tag", "a.jpg", "--budget", "0").returncode == 2
    assert edge("nonsense").returncode == 2


def test_a_cut_video_is_tagged_as_far_as_it_goes(tmp_path):
    path = own_media.write_video(tmp_path / "whole.mkv", [own_media.noise(seed=n) for n in range(60)])
    cut_path = tmp_path / "cut.mkv"
    cut_path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    result = edge("tag", cut_path, "--json", "-")
    source = json.loads(result.stdout)["sources"][0]
    assert source["partial"] is True
    assert source["frames_detected"] > 0
    assert "Traceback" not in result.stderr


def test_interrupt_keeps_what_was_found_and_ends_with_130(tmp_path):
    path = own_media.write_video(tmp_path / "long.mp4", [own_media.corners()] * 3000)
    out = tmp_path / "tags.json"
    command = [sys.executable, "-m", "edge", "tag", str(path), "--every", "0", "--json", str(out)]
    process = subprocess.Popen(command, cwd=REPOSITORY, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    time.sleep(8)  # the models are loaded by then, and the 3000 frames are not done
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in stderr
    source = json.loads(out.read_text())["sources"][0]
    assert source["partial"] is True
    assert 0 < source["frames_detected"] < 3000


def test_what_gave_way_to_a_budget_is_said(tmp_path):
    moving = [np.roll(own_media.noise(160, 96), 3 * n, axis=1) for n in range(90)]
    path = own_media.write_video(tmp_path / "moving.mp4", moving)
    result = edge("tag", path, "--budget", "1", "--json", "-")
    assert result.returncode == 0
    (source,) = json.loads(result.stdout)["sources"]
    assert source["notes"][0].startswith("1 ms of work a second: ")
    assert source["notes"][0] in result.stderr
