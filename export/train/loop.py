"""The loop that every training runs in: learn from a batch, report, keep a checkpoint, stop.

A kind of training says how it learns (`learn`) and what it has to remember (`parts`, `facts`); the rest is here.

Invariants: a checkpoint is written whole or not at all, and an interrupt leaves one behind. A kind that draws from a
generator seeded by (seed, step) therefore goes on where it stopped.

    >>> training.resume()
    >>> training.run(lambda now, losses: say(f"step {now.step}: {losses}"), every=50)
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from torch import nn

from edge.errors import InputError, OutputError
from edge.files import whole_file

CHECKPOINT_SECONDS = 120.0


class ResumableTraining(ABC):
    """A training that can be stopped and resumed.

    Attributes:
        checkpoint: file that it goes on from.
        device: where it computes: the GPU where PyTorch finds one.
        step: batches learnt from so far.
    """

    def __init__(self, checkpoint: Path) -> None:
        self.checkpoint = checkpoint
        self.device = training_device()
        self.step = 0

    @property
    @abstractmethod
    def steps(self) -> int:
        """The last step."""

    @abstractmethod
    def learn(self) -> dict[str, Any]:
        """Learn from the batch of the present step; return the losses by name, as numbers or scalars on the device.

        A scalar is read when losses are reported: to read it each step, a GPU would have to wait each step.
        """

    @abstractmethod
    def parts(self) -> dict[str, Any]:
        """Return what has a state to remember (`state_dict`, `load_state_dict`), by name."""

    @abstractmethod
    def facts(self) -> dict[str, Any]:
        """Return plain values that a checkpoint tells its reader beside the parts."""

    def resume(self) -> bool:
        """Go on from the checkpoint if there is one; tell whether there was.

        Raises:
            InputError: the file is not a checkpoint of this training.
        """
        if not self.checkpoint.exists():
            return False
        try:
            state = torch.load(self.checkpoint, weights_only=True, map_location=self.device)
            for name, part in self.parts().items():
                part.load_state_dict(state[name])
            self.step = int(state["step"])
        except Exception as e:  # torch raises whatever its unpickler meets
            raise InputError(
                f"{self.checkpoint}: is not a checkpoint of this training ({type(e).__name__}): remove it to begin anew"
            ) from e
        return True

    def run(self, report: Callable[[Self, dict[str, float]], object], every: int) -> None:
        """Train to the last step, or until `report` returns True.

        Args:
            report: called every so many steps and after the last with the mean losses since the last call, and with
                the `seconds` that they took.
            every: that many steps.

        Raises:
            KeyboardInterrupt: as it came, after a checkpoint was written.
            OutputError: a checkpoint cannot be written; the one before is still there.
        """
        saved, begun, losses = time.monotonic(), time.monotonic(), list[dict[str, Any]]()
        try:
            while self.step < self.steps:
                losses.append(self.learn())
                self.step += 1
                if self.step % every == 0 or self.step == self.steps:
                    seconds, begun = time.monotonic() - begun, time.monotonic()
                    means = _means(losses)
                    losses.clear()
                    if report(self, {**means, "seconds": seconds}) is True:
                        break
                if time.monotonic() - saved > CHECKPOINT_SECONDS:
                    self.save()
                    saved = time.monotonic()
        finally:
            self.save()

    def save(self) -> None:
        """Write the checkpoint, whole or not at all.

        Raises:
            OutputError: the disk is full, or the folder cannot be written.
        """
        state = {name: part.state_dict() for name, part in self.parts().items()}
        try:
            with whole_file(self.checkpoint) as temporary:
                torch.save({**state, "step": self.step, **self.facts()}, temporary)
        except RuntimeError as e:  # what torch makes of a full disk
            cause = str(e).splitlines()[0]
            raise OutputError(
                f"{self.checkpoint}: cannot be written ({cause}): make room on the disk and run the call again"
            ) from e


def training_device() -> torch.device:
    """Return the GPU where PyTorch finds one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def rise_and_fall(step: int, steps: int, warm_up: int, lowest: float = 0.0) -> float:
    """Return the share of the peak learning rate at a step.

    It rises over the warm-up and falls by a cosine (Loshchilov and Hutter 2016, arXiv 1608.03983).

    Args:
        step: from 0.
        steps: of the whole training.
        warm_up: steps until the rise is over.
        lowest: share at the end, 0..1.
    """
    cosine = lowest + (1 - lowest) * (1 + np.cos(np.pi * step / steps)) / 2
    return float(cosine * min(1.0, (step + 1) / warm_up))


@torch.no_grad()
def follow(average: nn.Module, present: nn.Module, decay: float, step: int) -> None:
    """Move averaged weights and statistics towards the present ones, in place; early steps are soon forgotten.

    Args:
        average: of the same shape as `present`.
        present: what learns.
        decay: share of the average that stays in a step, at most.
        step: from 0.
    """
    kept = min(decay, (1 + step) / (10 + step))
    pairs = zip(average.state_dict().values(), present.state_dict().values(), strict=True)
    moved = [(old, new) for old, new in pairs if old.is_floating_point()]
    torch._foreach_lerp_([old for old, _ in moved], [new for _, new in moved], 1 - kept)


def _means(losses: list[dict[str, Any]]) -> Mapping[str, float]:
    return {name: float(np.mean([float(row[name]) for row in losses])) for name in losses[0]}
