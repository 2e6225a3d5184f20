"""The browser's units, held to what Python makes of the same small inputs."""

from __future__ import annotations

from tests.web.engine.steps import STEPS, steps, written


def test_the_file_of_steps_is_the_one_that_python_makes() -> None:
    assert STEPS.read_text() == written(steps()), "a step has changed: run `python -m tests.web.engine.steps`"
