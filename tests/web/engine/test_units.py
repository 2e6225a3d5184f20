"""The browser's units, held to what Python makes of the same small inputs, by vitest in node."""

from __future__ import annotations

import subprocess

import pytest

from tests.conftest import absent
from tests.web.engine.harness import WEB_DEMO, why_not_built
from tests.web.engine.steps import STEPS, steps, written


def test_the_file_of_steps_is_the_one_that_python_makes() -> None:
    assert STEPS.read_text() == written(steps()), "a step has changed: run `python -m tests.web.engine.steps`"


def test_every_unit_gives_the_same() -> None:
    if why := why_not_built():
        absent("web", why)
    done = subprocess.run(["npx", "vitest", "run"], cwd=WEB_DEMO, capture_output=True, text=True, timeout=300)
    if done.returncode:
        pytest.fail(done.stdout + done.stderr, pytrace=False)
