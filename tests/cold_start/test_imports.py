"""Starting stays fast: tagging a picture imports what it needs and nothing else, within a budget of processor time."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from edge.golden import golden_folder
from tests.conftest import REPOSITORY

NOT_FOR_A_PICTURE = {"av", "tqdm", "jinja2", "usearch", "ai_edge_litert", "tflite_runtime", "onnx", "cv2", "email"}
CPU_S = 1.0
"""Measured: 0.30 s, see docs/runtimes.md; the budget is wide because a loaded machine is slower in this too."""

PROGRAM = """
import json, sys, time
from edge.cli import main
code = main(["tag", sys.argv[1], "--json", sys.argv[2]])
print(json.dumps({"code": code, "cpu_s": time.process_time(), "modules": sorted(sys.modules)}), file=sys.stderr)
"""


def tag_in_a_process_of_its_own(out: Path) -> dict[str, object]:
    command = [sys.executable, "-c", PROGRAM, str(golden_folder() / "one.png"), str(out)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stderr.splitlines()[-1]))


def test_tagging_a_picture_imports_no_more_than_it_needs(tmp_path: Path) -> None:
    told = tag_in_a_process_of_its_own(tmp_path / "tags.json")
    modules = told["modules"]
    assert told["code"] == 0 and isinstance(modules, list)
    assert NOT_FOR_A_PICTURE & set(modules) == set()


def test_a_cold_start_stays_within_its_budget(tmp_path: Path) -> None:
    times = [tag_in_a_process_of_its_own(tmp_path / "tags.json")["cpu_s"] for _ in range(3)]
    assert min(float(str(value)) for value in times) < CPU_S


@pytest.mark.bench
def test_cold_start_of_the_whole_process(capsys: pytest.CaptureFixture[str]) -> None:
    command = [sys.executable, "-m", "tests.bench.bench_cold_start"]
    printed = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    assert "whole process" in printed
    with capsys.disabled():
        print(printed)
