"""A training on a user's own pictures: measured every so many steps, ended when nothing more is gained.

The folder of such a training holds what was asked for, how it went, the best model and the checkpoint: everything that
a second call needs to go on where the first one stopped.

    >>> claim(folder, {"steps": 600, "seed": 0})
    >>> best, course = train_until_stuck(training, begin, Watch(("loss",), "R@1", look), folder, every=50)
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from edge.command_line import say
from edge.errors import InputError
from edge.files import read_json_object, write_whole
from export.train.curves import draw_curves

if TYPE_CHECKING:
    from export.train.loop import ResumableTraining

PATIENCE = 4
BEST, NOW, COURSE, CHECKPOINT, CALL, CURVES = (
    "best.onnx", "now.onnx", "course.json", "run.checkpoint", "call.json", "curves.png",
)  # fmt: skip
T = TypeVar("T", bound="ResumableTraining")
Row = tuple[float, ...]


@dataclass
class Course:
    """How a training went.

    Attributes:
        losses: names of the losses.
        figure: name of what says how good the model is, such as "AP50"; more is better.
        rows: step, losses and figure, one row every so many steps.
        start: the figure of the first weights; None where they were not measured.
    """

    losses: tuple[str, ...]
    figure: str
    rows: list[Row] = field(default_factory=list)
    start: float | None = None

    def figures(self) -> list[tuple[int, float]]:
        """Return the figure at each step at which there is one."""
        first = [] if self.start is None else [(0, self.start)]
        return [*first, *((int(row[0]), row[-1]) for row in self.rows)]

    def best(self) -> float:
        """Return the best figure so far, -1 before the first."""
        return max((figure for _, figure in self.figures()), default=-1.0)

    def steps(self) -> tuple[int, int]:
        """Return the last step, and the step of the best figure (the first of equals); 0 before the first."""
        figures = self.figures() or [(0, -1.0)]
        return figures[-1][0], max(figures, key=lambda at: at[1])[0]

    def stuck(self) -> bool:
        """Tell whether the last figures were all no better than the best before them."""
        figures = [figure for _, figure in self.figures()]
        return len(figures) > PATIENCE and max(figures[-PATIENCE:]) <= max(figures[:-PATIENCE])

    def draw(self, path: Path) -> None:
        """Draw losses and figure as a picture.

        Raises:
            MissingExtra: matplotlib is not installed.
            OutputError: the file cannot be written.
        """
        loss = {name: [(int(row[0]), row[i]) for row in self.rows] for i, name in enumerate(self.losses, start=1)}
        draw_curves(
            {"loss": loss, f"{self.figure}, pictures that tell when to stop": {self.figure: self.figures()}}, path
        )


@dataclass(frozen=True)
class Watch(Generic[T]):
    """How a training is looked at while it runs.

    Attributes:
        losses: which of its losses are kept.
        figure: name of what `look` returns; more is better.
        look: writes the present model to a file and says how good it is.
        from_start: the first weights are measured too, and are the result where training gains nothing.
    """

    losses: tuple[str, ...]
    figure: str
    look: Callable[[T, Path], float]
    from_start: bool = False


def claim(folder: Path, call: Mapping[str, Any]) -> None:
    """Write into a folder what was asked for, or check that it holds a training of the same call.

    Raises:
        InputError: it belongs to another call; the sentence names what differs.
    """
    path = folder / CALL
    if not path.exists():
        write_whole(path, json.dumps(dict(call), indent=2) + "\n")
    elif (found := read_json_object(path, "training")) != call:
        other = sorted(key for key in {*call, *found} if found.get(key) != call.get(key))
        raise InputError(
            f"{folder}: holds a training of another call (different: {', '.join(other)}): remove it or choose "
            "another --out"
        )


def train_until_stuck(
    training: T, begin: Callable[[T], None], watch: Watch[T], folder: Path, every: int
) -> tuple[Path, Course]:
    """Train, or go on with a training that was interrupted, until it ends or nothing more is gained.

    Args:
        training: with its checkpoint in the folder.
        begin: gives a new training its first weights.
        watch: how it is measured.
        folder: of this training.
        every: steps between measurements.

    Returns:
        The best file, and how it went.

    Raises:
        KeyboardInterrupt: after the checkpoint was written.
        OutputError: the disk is full; the checkpoint before is still there.
    """
    if training.resume():
        say(f"going on after step {training.step} of {training.steps}")
    else:
        begin(training)
    course = _read_course(folder / COURSE, watch, training.step)

    def measured(now: T) -> float:
        figure = float(watch.look(now, folder / NOW))
        if figure > course.best():
            (folder / NOW).replace(folder / BEST)
        return figure

    def keep() -> None:
        write_whole(folder / COURSE, json.dumps({"start": course.start, "rows": course.rows}) + "\n")

    def report(now: T, losses: dict[str, float]) -> bool:
        figure = measured(now)
        course.rows.append((now.step, *(losses[name] for name in watch.losses), figure))
        keep()
        shown = ", ".join(f"{name} {losses[name]:.3f}" for name in watch.losses)
        say(f"step {now.step} of {now.steps}: {watch.figure} {figure:.3f}, {shown}")
        return course.stuck()

    if watch.from_start and training.step == 0:
        course.start = None
        course.start = measured(training)
        keep()
        say(f"before the first step: {watch.figure} {course.start:.3f}")
    if not course.stuck():
        training.run(report, every)
    return folder / BEST, course


def _read_course(path: Path, watch: Watch[T], step: int) -> Course:
    """Read the rows up to a step; later ones are of steps whose checkpoint a lost power supply took along."""
    kept = read_json_object(path, "training") if path.exists() else {"rows": []}
    return Course(watch.losses, watch.figure, [tuple(row) for row in kept["rows"] if row[0] <= step], kept.get("start"))
