"""What an embedder does in a step: draw products and lessons, vary them, learn, average.

Invariants: which pictures a step draws comes from a generator seeded by (seed, step). A resumed run goes on where it
stopped, with other variations of them.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from edge.errors import InputError
from export.train.embedder.imitation import Readers
from export.train.embedder.loss import likeness_loss, matching_loss
from export.train.embedder.network import SIZE, Network, Shape
from export.train.embedder.rendered import Views
from export.train.embedder.school import School
from export.train.embedder.varying import Variety, varied
from export.train.loop import ResumableTraining, follow, rise_and_fall

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
        return Views(_joined([v.packshots for v in drawn]), _joined([v.photos for v in drawn]))


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
        imitation: weight of what the teacher sees, where there is a teacher.
        likeness: weight of two variations of a lesson being found alike.
        size: side of the pictures in pixels.
        small_until: share of the steps on pictures of 0.8 times that side, which take two thirds of the time.
        photo, packshot: how pictures vary from draw to draw.
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
    imitation: float = 1.0
    likeness: float = 0.5
    size: int = SIZE
    small_until: float = 0.0
    photo: Variety = field(default_factory=lambda: Variety(light=0.12))
    packshot: Variety = field(default_factory=lambda: Variety(light=0.05))
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
        school: School | None = None,
    ) -> None:
        super().__init__(checkpoint)
        torch.manual_seed(recipe.seed)
        self.recipe, self.source, self.school = recipe, source, school
        self.network = Network(shape).to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.averaged = copy.deepcopy(self.network).requires_grad_(False)
        self.readers = (Readers(self.network.shape) if school else nn.ModuleList()).to(self.device)
        learnt = [*self.network.parameters(), *self.readers.parameters()]
        self.optimiser = torch.optim.AdamW(learnt, weight_decay=recipe.weight_decay)

    @property
    def result(self) -> Network:
        """The averaged network: what ships."""
        return self.averaged

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

    def learn(self) -> dict[str, Any]:
        """Learn from one batch; return its loss."""
        rng = np.random.default_rng([self.recipe.seed, self.step])
        for group in self.optimiser.param_groups:
            group["lr"] = self._learning_rate()
        self.network.train()
        loss = self._loss(rng)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
        follow(self.averaged, self.network, self.recipe.averaging, self.step)
        return {"loss": loss.detach()}

    def _loss(self, rng: np.random.Generator) -> Tensor:
        """Look at products and pictures from life in one batch, so that both make its statistics."""
        mirrored = rng.random() < 0.5
        batch = self._products(self.source.draw(self.recipe.products, rng))
        batch, seen, taught = batch.flip(3) if mirrored else batch, len(batch), list[Tensor]()
        if self.school:
            lesson, taught = self.school.lesson(self.recipe.lessons, self._size(), self.recipe.photo, rng, mirrored)
            batch = torch.cat([batch, lesson])
        with torch.autocast(self.device.type, torch.bfloat16):
            maps = self.network.maps(batch.contiguous(memory_format=torch.channels_last))
            raw = self.network.vector(maps)
        vectors = functional.normalize(raw.float(), dim=1)
        packshots, first, second = vectors[:seen].chunk(3)
        loss = matching_loss(packshots, first, second, self.recipe.to_packshot)
        if self.school and isinstance(self.readers, Readers):
            told = [level[seen : seen + self.recipe.lessons].float() for level in maps]
            loss = loss + self.recipe.imitation * self.readers.imitation_loss(told, taught)
            loss = loss + self.recipe.likeness * likeness_loss(*vectors[seen:].chunk(2))
        return loss

    def _products(self, views: Views) -> Tensor:
        """Stack packshots, first photos and second photos, (3 n, 3, s, s)."""
        size, device = self._size(), self.device
        shots, photos = (torch.as_tensor(pictures).to(device) for pictures in (views.packshots, views.photos))
        twice = torch.cat([photos[:, 0], photos[:, 1]])
        return torch.cat([varied(shots, size, self.recipe.packshot), varied(twice, size, self.recipe.photo)])

    def _size(self) -> int:
        small = self.step < self.recipe.small_until * self.recipe.steps
        return round(self.recipe.size * SMALL_SIZE_SHARE) if small else self.recipe.size

    def _learning_rate(self) -> float:
        share = rise_and_fall(self.step, self.recipe.steps, self.recipe.warm_up)
        return self.recipe.learning_rate * share + LOWEST_RATE


def averaged_weights(checkpoint: Path) -> dict[str, Tensor]:
    """Read the averaged weights of a checkpoint.

    Raises:
        InputError: the file is not a checkpoint.
    """
    try:
        state = torch.load(checkpoint, weights_only=True, map_location="cpu")["averaged"]
        return dict(state)
    except Exception as e:  # torch raises whatever its unpickler meets
        raise InputError(f"{checkpoint}: is not a checkpoint of the embedder ({type(e).__name__})") from e


def weights_between(begin: Mapping[str, Tensor], end: Network, share: float) -> dict[str, Tensor]:
    """Mix the weights that a training began from with those that it ended with.

    What is learnt from few products costs some of what was known about all others; a mixture keeps most of both
    (Wortsman et al. 2021, arXiv 2109.01903).

    Args:
        begin: as `averaged_weights` reads them.
        end: of the same shape.
        share: of the end, 0..1.
    """
    pairs = {name: (begin[name].to(value.device), value) for name, value in end.state_dict().items()}
    return {name: torch.lerp(a, b, share) if b.is_floating_point() else b for name, (a, b) in pairs.items()}


def _joined(parts: Sequence[Any]) -> Any:
    """Concatenate arrays, or tensors where one of them is on a device already."""
    device = next((part.device for part in parts if isinstance(part, Tensor)), None)
    if device is None:
        return np.concatenate(parts)
    return torch.cat([torch.as_tensor(part).to(device) for part in parts])
