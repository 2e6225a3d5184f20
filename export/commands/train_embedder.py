"""`export train embedder`: a bundle whose embedder knows your own products."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge.bundle import Bundle, Matching, load_bundle
from edge.command_line import say, write_json
from edge.defaults import choose_bundle, default_bundle
from edge.errors import UsageError
from edge.files import sha256_of_file
from edge.inference.hardware import Hardware
from export.bundles.replacing import replace_embedder
from export.train.course import CURVES, Course
from export.train.extra import require_torch

if TYPE_CHECKING:
    from export.train.embedder.comparison import Comparison
    from export.train.embedder.own_files import OwnFiles
    from export.train.embedder.own_products import OwnProducts

SUMMARY = "learn to tell your own products apart from packshots and photos"
EXAMPLE = """  python -m export train embedder ITEMS.csv --images images/ --photos photos.csv --out shop-bundle

photos.csv has the columns path,product_id; its paths start from its own folder. Without it, scenes drawn around the
packshots are learnt from. The call writes the bundle, and beside it shop-bundle.training with the curves and the
checkpoint: interrupted, the same call goes on from there. Catalogues must be built anew with the new bundle."""
EXIT_INPUT = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `export train embedder`."""
    parser.add_argument("items", type=Path, metavar="ITEMS.csv", help="the products: product_id,title,image")
    parser.add_argument("--images", type=Path, metavar="DIR", required=True, help="folder of their pictures")
    parser.add_argument("--photos", type=Path, metavar="PHOTOS.csv", help="path,product_id: photos from life")
    parser.add_argument("--test", type=Path, metavar="FILE.csv", help="photos to compare on (default: kept aside)")
    parser.add_argument(
        "--photo-images",
        type=Path,
        metavar="DIR",
        help="folder that paths of photos start from (default: their file's)",
    )
    parser.add_argument(
        "--keep-aside", type=float, default=0.2, metavar="SHARE",
        help="of products, and of other photos, kept for the comparison (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument("--bundle", type=Path, metavar="DIR", help="bundle to improve (default: that of the package)")
    parser.add_argument("--steps", type=int, default=300, metavar="N", help="batches at most (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of all draws (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=0, metavar="N", help="of PyTorch (default: all cores)")
    parser.add_argument("--out", type=Path, metavar="DIR", required=True, help="folder of the bundle")
    parser.add_argument("--json", metavar="FILE|-", help="write the result document")


def run(args: argparse.Namespace) -> int:
    """Train, compare, write the bundle; return 0, or 3 if a row or a picture could not be used."""
    _require_usable(args)
    require_torch()
    from export.train.embedder.own_files import Given, read_own_files
    from export.train.embedder.own_products import deal

    former = load_bundle(choose_bundle(args.bundle))
    files = read_own_files(Given(args.items, args.images, args.photos, args.test, args.photo_images))
    products = deal(files, args.keep_aside, args.seed)
    for sentence in (*files.notes, *products.notes, *files.problems):
        say(f"export train: {sentence}")
    folder = args.out.with_name(args.out.name + ".training")
    model, course = _train(args, former, products, folder)
    course.draw(folder / CURVES)
    small, comparison, matching = _judge(former, model, products, folder, learnt=course.steps()[1] > 0)
    bundle = replace_embedder(former, small, model, matching, args.out.resolve().name, args.out)
    document = _document(args, course, comparison, bundle, former, files, products, folder)
    if args.json:
        write_json(document, args.json)
    if args.json != "-":
        print(_table(document, args))
    return EXIT_INPUT if files.problems else 0


def _require_usable(args: argparse.Namespace) -> None:
    if not 0 < args.keep_aside < 1:
        raise UsageError(f"--keep-aside is {args.keep_aside}, expected a share between 0 and 1")
    if args.steps < 1:
        raise UsageError(f"--steps is {args.steps}, expected at least 1")
    if args.test and not args.photos:
        raise UsageError("--test needs --photos, the photos to learn from")


def _train(args: argparse.Namespace, former: Bundle, products: OwnProducts, folder: Path) -> tuple[Path, Course]:
    import torch

    from export.train.embedder.fine_tune import Call, fine_tune, usable_start

    if args.threads:
        torch.set_num_threads(args.threads)
    start = former.root / former.embedder.model.file
    if former.embedder.projection is not None or not usable_start(start):
        packaged = load_bundle(default_bundle())
        say(f"{start}: holds no weights of the kit's own embedder: training starts from those of the package")
        start = packaged.root / packaged.embedder.model.file
    items, photos, test, begun = (sha256_of_file(p) if p else "" for p in (args.items, args.photos, args.test, start))
    call = Call(items, photos, test, begun, float(args.keep_aside), int(args.steps), int(args.seed))
    return fine_tune(products, call, start, folder)


def _judge(
    former: Bundle, model: Path, products: OwnProducts, folder: Path, learnt: bool
) -> tuple[Path, Comparison, Matching]:
    """Store the model as it ships, compare it with the former one, choose its thresholds."""
    from export.train.embedder.comparison import Comparison, choose_matching, rank
    from export.train.embedder.fine_tune import SMALL, store_small
    from export.train.embedder.judging import embed_with

    small = store_small(model, folder / SMALL)
    before, after = former.open_embedder(Hardware(threads=1)).embed, embed_with(small)
    compared = [rank(embed, products, products.comparing) for embed in (before, after)]
    stopping = [rank(embed, products, products.stopping) for embed in (before, after)]
    matching = choose_matching(stopping[0], former.matching, stopping[1])
    return small, Comparison(compared[0], compared[1], products.drawn, learnt), matching


def _document(
    args: argparse.Namespace,
    course: Course,
    comparison: Comparison,
    bundle: Bundle,
    former: Bundle,
    files: OwnFiles,
    products: OwnProducts,
    folder: Path,
) -> dict[str, Any]:
    last, best = course.steps()
    return {
        "bundle": {"path": str(args.out), "name": bundle.name, "sha256": bundle.sha256, "space_id": bundle.space_id},
        "former": {"name": former.name, "space_id": former.space_id, "matching": asdict(former.matching)},
        "products": len(products),
        "learnt_products": len(products.learning),
        "learnt_photos": sum(len(photos) for photos in products.learning.values()),
        "steps": last,
        "best_step": best,
        "curves": str(folder / CURVES),
        "matching": asdict(bundle.matching),
        "comparison": comparison.document(),
        "skipped": len(files.problems),
    }


def _table(document: dict[str, Any], args: argparse.Namespace) -> str:
    from export.train.embedder.comparison import GROUPS

    path, now, before = document["bundle"]["path"], document["matching"], document["former"]["matching"]
    lines = [
        f"{path}: bundle {document['bundle']['name']!r}, learnt from {document['learnt_products']} of "
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
        f"similarity threshold {now['similarity_threshold']:.2f} (before: {before['similarity_threshold']:.2f}), "
        f"margin {now['margin_threshold']:.2f} (before: {before['margin_threshold']:.2f})",
        document["comparison"]["verdict"],
    ]
    if document["best_step"]:
        lines.append(
            "a new embedding space: catalogues must be built anew for this bundle: "
            f"python -m export catalog {args.items} --images {args.images} --bundle {path} --out SHARD"
        )
    return "\n".join(lines)
