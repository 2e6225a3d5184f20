"""From a user's files to a bundle of their own: read, deal, learn, compare, choose thresholds, write.

>>> outcome = train_own(Given(items, images, photos), load_bundle(default_bundle()), Wish(out=Path("shop-bundle")))
>>> outcome.document()["comparison"]["verdict"]
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from edge.bundle import Bundle, load_bundle
from edge.command_line import say
from edge.defaults import default_bundle
from edge.files import sha256_of_file
from edge.inference.hardware import Hardware
from export.bundles.replacing import replace_embedder
from export.train.course import CURVES, Course
from export.train.embedder.comparison import Comparison, choose_matching, rank
from export.train.embedder.fine_tune import SMALL, Call, fine_tune, store_small, usable_start
from export.train.embedder.judging import embed_with
from export.train.embedder.own_files import Given, OwnFiles, read_own_files
from export.train.embedder.own_products import OwnProducts, deal

GROUPS = {"all": "all of them", "learnt": "products that were learnt", "never_seen": "products that it never saw"}


@dataclass(frozen=True)
class Wish:
    """What comes out, and how.

    Attributes:
        out: folder of the bundle; the folder of the training lies beside it.
        steps: batches at most.
        keep_aside: share of the products, and of the photos of the others, that is compared on, 0..1.
        seed: of all draws.
    """

    out: Path
    steps: int = 300
    keep_aside: float = 0.2
    seed: int = 0

    @property
    def folder(self) -> Path:
        """Where the training keeps its curves and its checkpoint."""
        return self.out.with_name(self.out.name + ".training")


@dataclass(frozen=True)
class Outcome:
    """What came out.

    Attributes:
        former, bundle: the bundle to improve, and the new one.
        products: as they were dealt.
        course: of the training.
        comparison: of the two embedders on what was kept aside.
        problems: one sentence for each row or picture that could not be used.
        folder: of the training.
    """

    former: Bundle
    bundle: Bundle
    products: OwnProducts
    course: Course
    comparison: Comparison
    problems: tuple[str, ...]
    folder: Path

    def document(self) -> dict[str, Any]:
        """Return all figures as plain JSON values."""
        last, best = self.course.steps()
        bundle, former, learning = self.bundle, self.former, self.products.learning
        return {
            "bundle": {
                "path": str(bundle.root), "name": bundle.name, "sha256": bundle.sha256, "space_id": bundle.space_id,
            },
            "former": {"name": former.name, "space_id": former.space_id, "matching": asdict(former.matching)},
            "products": len(self.products),
            "learnt_products": len(learning),
            "learnt_photos": sum(len(photos) for photos in learning.values()),
            "steps": last,
            "best_step": best,
            "curves": str(self.folder / CURVES),
            "matching": asdict(bundle.matching),
            "comparison": self.comparison.document(),
            "skipped": len(self.problems),
        }  # fmt: skip

    def table(self) -> str:
        """Return the figures for a person."""
        document, now, before = self.document(), self.bundle.matching, self.former.matching
        lines = [
            f"{self.bundle.root}: bundle {self.bundle.name!r}, learnt from {document['learnt_products']} of "
            f"{document['products']} products and {document['learnt_photos']} photos in {document['best_step']} steps; "
            f"curves in {document['curves']}",
            f"{'kept aside':28}{'pictures':>9}{'products':>9}{'R@1 before':>12}{'now':>7}{'gain':>8}  95 %",
        ]
        for name, row in document["comparison"]["by"].items():
            bounds = "-" if row["gain_ci95"] is None else "{:+.3f} to {:+.3f}".format(*row["gain_ci95"])
            lines.append(
                f"{GROUPS[name]:28}{row['pictures']:9}{row['products']:9}{row['former_recall_at_1']:12.3f}"
                f"{row['new_recall_at_1']:7.3f}{row['gain']:+8.3f}  {bounds}"
            )
        lines += [
            f"similarity threshold {now.similarity_threshold:.2f} (before: {before.similarity_threshold:.2f}), "
            f"margin {now.margin_threshold:.2f} (before: {before.margin_threshold:.2f})",
            document["comparison"]["verdict"],
        ]
        return "\n".join(lines)


def train_own(given: Given, former: Bundle, wish: Wish) -> Outcome:
    """Train an embedder on a user's products and write a bundle with it, or go on where that was interrupted.

    Args:
        given: the user's files.
        former: bundle to improve; its detector and second look are kept.
        wish: what comes out.

    Raises:
        InputError: too few products or photos, a picture on both sides, or the folder holds another training.
        KeyboardInterrupt: after the checkpoint was written.
        OutputError: something cannot be written; what was learnt is kept.
    """
    files = read_own_files(given)
    products = deal(files, wish.keep_aside, wish.seed)
    for sentence in (*files.notes, *products.notes, *files.problems):
        say(f"export train: {sentence}")
    model, course = _learn(given, former, products, wish)
    course.draw(wish.folder / CURVES)
    return _written(former, files, products, model, course, wish)


def _learn(given: Given, former: Bundle, products: OwnProducts, wish: Wish) -> tuple[Path, Course]:
    start = former.root / former.embedder.model.file
    if former.embedder.projection is not None or not usable_start(start):
        packaged = load_bundle(default_bundle())
        say(f"{start}: holds no weights of the kit's own embedder: training starts from those of the package")
        start = packaged.root / packaged.embedder.model.file
    items, photos, test, first = (
        sha256_of_file(path) if path else "" for path in (given.items, given.photos, given.test, start)
    )
    call = Call(items, photos, test, first, wish.keep_aside, wish.steps, wish.seed)
    return fine_tune(products, call, start, wish.folder)


def _written(
    former: Bundle, files: OwnFiles, products: OwnProducts, model: Path, course: Course, wish: Wish
) -> Outcome:
    """Store the model as it ships, compare it with the former one, choose its thresholds, write the bundle."""
    small = store_small(model, wish.folder / SMALL)
    embedders = former.open_embedder(Hardware(threads=1)).embed, embed_with(small)
    before, after = (rank(embed, products, products.comparing) for embed in embedders)
    comparison = Comparison(before, after, products.drawn, learnt=course.steps()[1] > 0)
    asked_before, asked = (rank(embed, products, products.stopping) for embed in embedders)
    matching = choose_matching(asked_before, former.matching, asked)
    bundle = replace_embedder(former, small, model, matching, wish.out.resolve().name, wish.out)
    return Outcome(former, bundle, products, course, comparison, files.problems, wish.folder)
