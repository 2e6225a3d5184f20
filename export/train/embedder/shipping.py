"""From a trained embedder to a bundle: stored small, its thresholds chosen on rendered products.

The thresholds give as many right tags as can be had with no more false ones than another bundle gives at its own; the
margin is at least that bundle's, since rendered sisters are told apart more easily than real ones. The products are
asked in small catalogues drawn anew, look-alikes together, each photo with its product and without.

    >>> catalogues = Catalogues.of(Pool(aside, torch.device("cpu"), most=2000))
    >>> ship(Path("embedder.onnx"), catalogues, load_bundle(default_bundle()), Path("bundle"))
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt

from edge.bundle import Bundle
from edge.errors import InputError
from edge.inference.hardware import Hardware
from export.bundles.replacing import replace_embedder
from export.train.embedder.chunks import Pool
from export.train.embedder.comparison import Embed, Ranking, choose_matching
from export.train.embedder.fine_tune import store_small
from export.train.embedder.judging import embed_with

CATALOGUE = 61
"""Products of a small catalogue: as many as the photos that the kit is measured on have."""
DRAWS = 5


@dataclass(frozen=True)
class Catalogues:
    """Rendered products in small catalogues.

    Attributes:
        pictures: (n, 3, s, s, 3) uint8, packshot and two photos of each product.
        draws: rows of the products of each catalogue, all of one length.
    """

    pictures: npt.NDArray[np.uint8]
    draws: list[list[int]]

    @classmethod
    def of(cls, pool: Pool, seed: int = 0, size: int | None = None) -> Catalogues:
        """Draw catalogues; a product stands in `DRAWS` of them, less where it is left over at the end of a draw.

        Raises:
            InputError: there are fewer products than one catalogue has.
        """
        size = size or CATALOGUE
        if pool.rows < size:
            raise InputError(f"{pool.rows} rendered products are too few for thresholds: make {size} or more")
        rng, draws = np.random.default_rng(seed), list[list[int]]()
        group = pool.group[: pool.rows]
        families = [np.flatnonzero(group == name) for name in np.unique(group)]
        for _ in range(DRAWS):
            row = np.concatenate([families[i] for i in rng.permutation(len(families))]).tolist()
            draws += [row[at : at + size] for at in range(0, len(row) - size + 1, size)]
        return cls(np.asarray(pool.take(np.arange(pool.rows)).cpu()), draws)

    def rank(self, embed: Embed) -> Ranking:
        """Ask with every photo in every catalogue that holds its product."""
        shots, first, second = (embed(list(self.pictures[:, k])) for k in range(3))
        similarity = [photos[rows] @ shots[rows].T for rows in self.draws for photos in (first, second)]
        product = np.concatenate([np.arange(len(rows)) for rows in self.draws for _ in range(2)])
        return Ranking(np.concatenate(similarity), product.astype(np.int64), np.zeros(len(product), np.bool_))


def ship(model: Path, catalogues: Catalogues, former: Bundle, out: Path) -> Bundle:
    """Write a bundle like another one with this embedder.

    Args:
        model: float ONNX file of stage `finetune`.
        catalogues: of products that neither embedder learnt.
        former: gives detector, second look, name, and the number of false tags that is allowed.
        out: folder of the bundle.
    """
    before = catalogues.rank(former.open_embedder(Hardware(threads=1)).embed)
    with TemporaryDirectory() as scratch:
        small = store_small(model, Path(scratch) / "embedder.onnx")
        chosen = choose_matching(before, former.matching, catalogues.rank(embed_with(small)))
        matching = replace(chosen, margin_threshold=max(chosen.margin_threshold, former.matching.margin_threshold))
        return replace_embedder(former, small, model, matching, former.name, out)
