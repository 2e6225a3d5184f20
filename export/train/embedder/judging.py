"""How often the right product comes first, for products that training saw and for products that it never saw.

All products stand in one index, each by its packshots; a photo asks with its centre, as someone would aim a phone.
"Unseen" are the photos of products that were kept out of training as a whole; "seen" are photos of the others that
were themselves kept out. Intervals are 95 % by bootstrap over products.

    >>> judge(embed, album, unseen=album.folds(3) == 0, apart=("Milk",))["apart unseen"].recall_at_1
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edge.crops import cut_crops
from edge.detections import Float32s
from edge.embedder import Embedder
from edge.errors import ModelError
from edge.inference import open_session
from edge.inference.hardware import Hardware
from edge.preprocessing import ImageArray
from export.bundles.reading import read_model
from export.evaluation.bootstrap import ratio_interval
from export.evaluation.photos import CENTRE_SHARE, central_box
from export.train.detector.samples import read_image
from export.train.embedder.albums import Album, Picture

Embed = Callable[[Sequence[ImageArray]], Float32s]
Flags = npt.NDArray[np.bool_]
AMONG = 5


@dataclass(frozen=True)
class Share:
    """Recall over some photos of a group.

    Attributes:
        photos: how many.
        products: of how many products.
        recall_at_1: the product stands first, 0..1.
        recall_at_5: it stands among the first five.
        ci95: bounds of recall_at_1, None with fewer than two products.
    """

    photos: int
    products: int
    recall_at_1: float
    recall_at_5: float
    ci95: tuple[float, float] | None

    def document(self) -> dict[str, Any]:
        """Return plain JSON values."""
        bounds = None if self.ci95 is None else [round(bound, 4) for bound in self.ci95]
        values = {"recall_at_1": round(self.recall_at_1, 4), "recall_at_5": round(self.recall_at_5, 4), "ci95": bounds}
        return {"photos": self.photos, "products": self.products, **values}


@dataclass(frozen=True)
class Ranks:
    """Where each photo's own product stands: `rank` (photos,) from 0, of the photos in the album's order."""

    rank: npt.NDArray[np.int64]
    product: npt.NDArray[np.int64]

    def over(self, chosen: Flags) -> Share | None:
        """Measure some photos, None where there is none."""
        if not chosen.any():
            return None
        rank, product = self.rank[chosen], self.product[chosen]
        counts = np.stack([(rank == 0).astype(np.float64), np.ones(len(rank))], axis=1)
        bounds = ratio_interval(counts, product, np.zeros(len(rank), np.int32))
        first, among = float((rank == 0).mean()), float((rank < AMONG).mean())
        return Share(len(rank), len(np.unique(product)), first, among, bounds)


def judge(embed: Embed, album: Album, unseen: Flags, apart: Sequence[str]) -> dict[str, Share]:
    """Measure an embedder.

    Args:
        embed: crops to unit vectors (n, ndim).
        album: all products stand in the index.
        unseen: (products,) those that training never saw.
        apart: categories that are told apart from the others.

    Returns:
        Shares by "apart unseen", "apart seen", "others unseen", "others seen"; those without photos are left out.
    """
    ranks = rank(embed, album)
    grouped = album.within(apart)[ranks.product]
    fresh = unseen[ranks.product]
    kept = np.array([not photo.trains for photo in album.photos], np.bool_)
    sides = {"unseen": fresh, "seen": ~fresh & kept}
    found = {
        f"{name} {side}": ranks.over(group & photos)
        for name, group in (("apart", grouped), ("others", ~grouped))
        for side, photos in sides.items()
    }
    return {name: share for name, share in found.items() if share is not None}


def rank(embed: Embed, album: Album) -> Ranks:
    """Ask with the centre of every photo; a product is as similar as its nearest packshot."""
    catalogue = embed([read_image(shot.path) for shot in album.packshots])
    queries = np.concatenate([embed(_aimed(photo)) for photo in album.photos])
    similarity = np.full((len(queries), len(album)), -np.inf, np.float32)
    for vector, shot in zip(catalogue, album.packshots, strict=True):
        np.maximum(similarity[:, shot.product], queries @ vector, out=similarity[:, shot.product])
    product = np.array([photo.product for photo in album.photos], np.int64)
    own = similarity[np.arange(len(product)), product]
    return Ranks((similarity > own[:, None]).sum(axis=1), product)


def embed_with(model: Path, threads: int = 1) -> Embed:
    """Open a model file as an embedder.

    Raises:
        ModelError: it is not one.
    """
    reading = read_model(model)
    if reading.vector is None or reading.preprocessing is None:
        raise ModelError(f"{model}: has no output that holds a vector, so it is no embedder")
    session = open_session(model, Hardware(threads))
    vector = reading.vector
    return Embedder(session, reading.preprocessing, vector.name, vector.ndim, None, vector.pooling).embed


def _aimed(photo: Picture) -> list[ImageArray]:
    image = read_image(photo.path)
    return cut_crops(image, central_box(image, CENTRE_SHARE))
