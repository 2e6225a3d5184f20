"""What an embedder does in a step: draw products and lessons, vary light, learn, average.

Invariants: the pictures of a step come from a generator seeded by (seed, step). A resumed run goes on where it stopped,
with a pool rendered anew.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from edge.errors import InputError
from export.train.embedder.imitation import Readers
from export.train.embedder.lessons import Lessons
from export.train.embedder.loss import matching_loss
from export.train.embedder.network import Network, Shape
from export.train.embedder.rendered import Pictures, Views
from export.train.loop import ResumableTraining, rise_and_fall

LOWEST_RATE = 1e-5
SMALL_SIZE_SHARE = 0.8


class Source(Protocol):
    """Where products come from."""

    def draw(self, count: int, rng: np.random.Generator) -> Views:
        """Return `count` products."""
        ...


@dataclass(frozen=True)
class Mixture:
    """Products of several sources in one batch, each of a source by its share of the count."""

    parts: Sequence[tuple[float, Source]]

    def draw(self, count: int, rng: np.random.Generator) -> Views:
        """Return `count` products or, where a source has too few, somewhat fewer."""
        whole = sum(share for share, _ in self.parts)
        drawn = [source.draw(round(count * share / whole), rng) for share, source in self.parts]
        return Views(np.concatenate([v.packshots for v in drawn]), np.concatenate([v.photos for v in drawn]))


@dataclass(frozen=True)
class Recipe:
    """What a training does.

    Attributes:
        steps: batches to learn from.
        products: products a batch, three pictures each.
        lessons: pictures a batch on which the teacher is imitated, where there is a teacher.
        learning_rate: peak; it rises over `warm_up` steps and falls by a cosine.
        warm_up: steps until the peak.
        weight_decay: of AdamW (Loshchilov and Hutter 2017, arXiv 1711.05101).
        averaging: decay of the averaged weights, which are what ships.
        small_until: share of the steps on pictures of 0.8 times the side, which take two thirds of the time.
        light: how much the light of photos varies; of packshots 0.4 times as much.
        to_packshot: weight of the question that a device asks, see `matching_loss`.
        seed: of the data and of the first weights.
    """

    steps: int = 300
    products: int = 40
    lessons: int = 0
    learning_rate: float = 2.5e-3
    warm_up: int = 100
    weight_decay: float = 0.02
    averaging: float = 0.998
    small_until: float = 0.65
    light: float = 0.15
    to_packshot: float = 1.0
    seed: int = 0


class Training(ResumableTraining):
    """A training of the embedder."""

    def __init__(
        self,
        recipe: Recipe,
        source: Source,
        checkpoint: Path,
        shape: Shape | None = None,
        lessons: Lessons | None = None,
    ) -> None:
        super().__init__(checkpoint)
        torch.manual_seed(recipe.seed)
        self.recipe, self.source, self.lessons = recipe, source, lessons
        self.network = Network(shape).to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.averaged = torch.optim.swa_utils.AveragedModel(
            self.network, avg_fn=_warming_average(recipe.averaging), use_buffers=True
        )
        self.readers = (Readers(self.network.shape) if lessons else nn.ModuleList()).to(self.device)
        learnt = [*self.network.parameters(), *self.readers.parameters()]
        self.optimiser = torch.optim.AdamW(learnt, weight_decay=recipe.weight_decay)

    @property
    def result(self) -> Network:
        """The averaged network: what ships."""
        averaged = self.averaged.module
        assert isinstance(averaged, Network)
        return averaged

    def begin_from(self, checkpoint: Path) -> None:
        """Begin with the averaged weights of another training.

        Raises:
            InputError: the file is not a checkpoint of such a network.
        """
        weights = averaged_weights(checkpoint)
        try:
            self.network.load_state_dict(weights)
            self.result.load_state_dict(weights)
        except RuntimeError as e:
            raise InputError(f"{checkpoint}: holds a network of another shape than this training's") from e

    @property
    def steps(self) -> int:
        """The recipe's."""
        return self.recipe.steps

    def parts(self) -> dict[str, Any]:
        """Return both networks, the readers and the optimiser."""
        return {
            "network": self.network,
            "averaged": self.averaged,
            "readers": self.readers,
            "optimiser": self.optimiser,
        }

    def facts(self) -> dict[str, Any]:
        """Return the network's shape."""
        return {"shape": asdict(self.network.shape)}

    def learn(self) -> dict[str, float]:
        """Learn from one batch; return its loss."""
        rng = np.random.default_rng([self.recipe.seed, self.step])
        for group in self.optimiser.param_groups:
            group["lr"] = self._learning_rate()
        self.network.train()
        loss = self._loss(rng)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
        self.averaged.update_parameters(self.network)
        return {"loss": loss.item()}

    def _loss(self, rng: np.random.Generator) -> Tensor:
        """Look at products and lessons in one batch, so that both make its statistics."""
        views = self.source.draw(self.recipe.products, rng)
        pictures, taught = self.lessons.draw(self.recipe.lessons, rng) if self.lessons else (views.packshots[:0], [])
        mirrored = rng.random() < 0.5
        with torch.autocast(self.device.type, torch.bfloat16):
            maps = self.network.maps(self._batch(views, pictures, mirrored).to(self.device))
            raw = self.network.vector(maps)
        seen = 3 * len(views.packshots)
        packshots, first, second = functional.normalize(raw[:seen].float(), dim=1).chunk(3)
        loss = matching_loss(packshots, first, second, self.recipe.to_packshot)
        if self.lessons and isinstance(self.readers, Readers):
            targets = [(level.flip(3) if mirrored else level).to(self.device) for level in taught]
            loss = loss + self.readers.imitation_loss([level[seen:].float() for level in maps], targets)
        return loss

    def _learning_rate(self) -> float:
        share = rise_and_fall(self.step, self.recipe.steps, self.recipe.warm_up)
        return self.recipe.learning_rate * share + LOWEST_RATE

    def _batch(self, views: Views, lessons: Pictures, mirrored: bool) -> Tensor:
        """Stack packshots, first photos, second photos, lessons; mirror all or none: a print stays one print."""
        photos, light = np.concatenate([views.photos[:, 0], views.photos[:, 1]]), self.recipe.light
        parts = [relight(tensor(views.packshots), 0.4 * light), relight(tensor(photos), light)]
        batch = torch.cat([*parts, relight(tensor(lessons), 0.6 * light)])
        if self.step < self.recipe.small_until * self.recipe.steps:
            batch = functional.interpolate(batch, scale_factor=SMALL_SIZE_SHARE, mode="bilinear")
        return (batch.flip(3) if mirrored else batch).contiguous(memory_format=torch.channels_last)


def averaged_weights(checkpoint: Path) -> dict[str, Tensor]:
    """Read the averaged weights of a checkpoint.

    Raises:
        InputError: the file is not a checkpoint.
    """
    try:
        state = torch.load(checkpoint, weights_only=True, map_location="cpu")["averaged"]
        return {name.removeprefix("module."): value for name, value in state.items() if name.startswith("module.")}
    except Exception as e:  # torch raises whatever its unpickler meets
        raise InputError(f"{checkpoint}: is not a checkpoint of the embedder ({type(e).__name__})") from e


def tensor(pictures: Pictures) -> Tensor:
    """Turn (n, s, s, 3) uint8 RGB into (n, 3, s, s) float32 in -1..1."""
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).float().sub_(127.5).div_(127.5)


def relight(batch: Tensor, strength: float) -> Tensor:
    """Vary white balance, brightness and contrast of each picture of a batch in -1..1."""
    n = len(batch)
    balance = 1 + 0.6 * strength * torch.randn(n, 3, 1, 1)
    brightness, contrast = strength * torch.randn(n, 1, 1, 1), 1 + strength * torch.randn(n, 1, 1, 1)
    return ((batch * balance + brightness) * contrast).clamp_(-1, 1)


def _warming_average(decay: float) -> Callable[[Tensor, Tensor, Tensor | int], Tensor]:
    """Average over few steps at first, so that the random beginning is soon forgotten."""

    def blend(average: Tensor, current: Tensor, count: Tensor | int) -> Tensor:
        now = min(decay, (1 + float(count)) / (10 + float(count)))
        return average * now + current * (1 - now)

    return blend
