"""What a detector does in a step: draw, augment, learn, average.

Invariants: every step draws from a generator seeded by (seed, step), so that a resumed run goes on where it stopped,
and a batch is the same whichever process draws it. What a source keeps from draw to draw (its pool) is each process's
own: with pools, a run repeats itself with the same number of workers.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn

from edge.errors import InputError
from export.train.ahead import drawn_ahead
from export.train.detector.augment import Variety, place, relight
from export.train.detector.batch import Batch, batch_of
from export.train.detector.loss import detection_loss, imitation_loss
from export.train.detector.network import Network, Shape, cells
from export.train.detector.samples import Sample, Source
from export.train.detector.teacher import Teacher
from export.train.loop import ResumableTraining, follow, rise_and_fall

LOWEST_RATE = 0.01


@dataclass(frozen=True)
class Ingredient:
    """A source, how often it is drawn against the others, and how its pictures are placed."""

    source: Source
    weight: float
    variety: Variety = field(default_factory=Variety)


@dataclass(frozen=True)
class Recipe:
    """What a training does.

    Attributes:
        size: side of the square input in pixels, divisible by 32.
        steps: batches to learn from.
        batch: pictures a batch.
        learning_rate: peak; it rises over the warm-up and falls by a cosine to a hundredth.
        warm_up: steps.
        weight_decay: of AdamW (Loshchilov and Hutter 2017, arXiv 1711.05101).
        averaging: decay of the averaged weights, which are what ships.
        imitation: weight of the teacher's part of the loss, falling to a quarter by the end.
        seed: of the data and of the first weights.
    """

    size: int = 320
    steps: int = 2000
    batch: int = 16
    learning_rate: float = 2e-3
    warm_up: int = 200
    weight_decay: float = 0.02
    averaging: float = 0.998
    imitation: float = 1.0
    seed: int = 0


class Training(ResumableTraining):
    """A training of the detector."""

    def __init__(
        self,
        recipe: Recipe,
        ingredients: Sequence[Ingredient],
        checkpoint: Path,
        shape: Shape | None = None,
        teacher: Teacher | None = None,
        workers: int = 0,
    ) -> None:
        super().__init__(checkpoint)
        self.workers = workers
        self._batches: Iterator[Batch] | None = None
        torch.manual_seed(recipe.seed)
        self.recipe, self.ingredients, self.teacher = recipe, ingredients, teacher
        self.network = Network(shape).to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.averaged = copy.deepcopy(self.network).requires_grad_(False)
        self.imitators = nn.ModuleList(nn.Conv2d(self.network.shape.head, 128, 1) for _ in range(3)).to(self.device)
        groups = _decay_groups([self.network, self.imitators], recipe.weight_decay)
        self.optimiser = torch.optim.AdamW(groups, lr=recipe.learning_rate, fused=self.device.type == "cuda")
        grid = cells((recipe.size, recipe.size))
        self.grid, self.cells = grid.numpy(), grid.to(self.device)
        if teacher is not None:
            teacher.watch([self.sample(np.random.default_rng([recipe.seed, 7, i])).image for i in range(16)])

    def start_from(self, checkpoint: Path) -> None:
        """Take the averaged weights of another training as the first ones.

        Raises:
            InputError: the file is not a checkpoint of a network of this shape.
        """
        try:
            state = torch.load(checkpoint, weights_only=True, map_location=self.device)["averaged"]
            self.network.load_state_dict(state)
            self.averaged.load_state_dict(state)
        except Exception as e:  # torch raises whatever its unpickler meets
            raise InputError(
                f"{checkpoint}: does not hold weights of this network ({type(e).__name__}): name another"
            ) from e

    @property
    def steps(self) -> int:
        """The recipe's."""
        return self.recipe.steps

    def parts(self) -> dict[str, Any]:
        """Return both networks, the imitators and the optimiser."""
        return {
            "network": self.network,
            "averaged": self.averaged,
            "imitators": self.imitators,
            "optimiser": self.optimiser,
        }

    def facts(self) -> dict[str, Any]:
        """Return the network's shape and the side of its input."""
        return {"shape": self.network.shape.to_json(), "size": self.recipe.size}

    def run(self, report: Callable[[Self, dict[str, float]], object], every: int) -> None:
        """Train as any training does, with batches drawn by the workers where there are some."""
        try:
            with drawn_ahead(self.draw, range(self.step, self.steps), self.workers) as self._batches:
                super().run(report, every)
        finally:
            self._batches = None

    def learn(self) -> dict[str, Any]:
        """Learn from one batch; return the losses of score, box and imitation, each a scalar on the device."""
        batch = self.draw(self.step) if self._batches is None else next(self._batches)
        for group in self.optimiser.param_groups:
            group["lr"] = self._learning_rate()
        images = torch.from_numpy(batch.images).to(self.device).permute(0, 3, 1, 2).float()
        self.network.train()
        with torch.autocast(self.device.type, torch.bfloat16):
            raw = self.network((images / 255).contiguous(memory_format=torch.channels_last))
            imitated = [layer(f) for layer, f in zip(self.imitators, raw.features, strict=True)]
        score, box = detection_loss(raw, self.cells, batch.labels(self.device))
        taught = torch.zeros((), device=self.device)
        if self.teacher is not None:
            taught = imitation_loss(imitated, self._taught(self.teacher, batch, images))
        fade = 1 - 0.75 * self.step / self.recipe.steps
        self.optimiser.zero_grad(set_to_none=True)
        (score + box + self.recipe.imitation * fade * taught).backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.network.parameters(), 10.0)
        self.optimiser.step()
        follow(self.averaged, self.network, self.recipe.averaging, self.step)
        return {"score": score.detach(), "box": box.detach(), "imitation": taught.detach()}

    def _taught(self, teacher: Teacher, batch: Batch, images: Tensor) -> list[Tensor]:
        """Return the teacher's maps of a batch: those drawn along with it, or computed here."""
        if batch.maps is None:
            return teacher.look_on_device(images)
        return [torch.from_numpy(level).to(self.device) for level in batch.maps]

    def _learning_rate(self) -> float:
        share = rise_and_fall(self.step, self.recipe.steps, self.recipe.warm_up, LOWEST_RATE)
        return self.recipe.learning_rate * share

    def sample(self, rng: np.random.Generator) -> Sample:
        """Draw one augmented picture of the mixture."""
        weights = np.array([item.weight for item in self.ingredients])
        item = self.ingredients[int(rng.choice(len(weights), p=weights / weights.sum()))]
        sample = place(item.source.draw(rng), rng, self.recipe.size, item.variety)
        image = relight(sample.image, rng)
        return Sample(image, sample.xyxy, sample.ignored_xyxy, sample.background_weight)

    def draw(self, step: int) -> Batch:
        """Draw the batch of a step: pictures, labels and, for a training on the CPU, the teacher's maps."""
        rng = np.random.default_rng([self.recipe.seed, step])
        batch = batch_of([self.sample(rng) for _ in range(self.recipe.batch)], self.grid)
        if self.teacher is None or self.device.type != "cpu":
            return batch
        return replace(batch, maps=self.teacher.look(batch.images))


def _decay_groups(modules: Sequence[nn.Module], weight_decay: float) -> list[dict[str, Any]]:
    """Part the parameters: only weights of convolutions decay, not biases and normalisations."""
    parameters = [p for module in modules for p in module.parameters()]
    return [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
