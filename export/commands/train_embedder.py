"""`export train embedder`: a bundle whose embedder knows your own products."""

from __future__ import annotations

import argparse
from pathlib import Path

from edge.bundle import load_bundle
from edge.command_line import say, write_json
from edge.defaults import choose_bundle
from edge.errors import UsageError
from export.train.extra import require_torch

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
    import torch

    from export.train.embedder.own_bundle import Wish, train_own
    from export.train.embedder.own_files import Given

    if args.threads:
        torch.set_num_threads(args.threads)
    former = load_bundle(choose_bundle(args.bundle))
    given = Given(args.items, args.images, args.photos, args.test, args.photo_images)
    outcome = train_own(given, former, Wish(args.out, args.steps, args.keep_aside, args.seed))
    document = outcome.document()
    if args.json:
        write_json(document, args.json)
    if args.json != "-":
        print(outcome.table())
    if document["best_step"]:
        rebuild = f"python -m export catalog {args.items} --images {args.images} --bundle {args.out} --out SHARD"
        say(f"a new embedding space, so catalogues must be built anew for this bundle: {rebuild}")
    return EXIT_INPUT if outcome.problems else 0


def _require_usable(args: argparse.Namespace) -> None:
    if not 0 < args.keep_aside < 1:
        raise UsageError(f"--keep-aside is {args.keep_aside}, expected a share between 0 and 1")
    if args.steps < 1:
        raise UsageError(f"--steps is {args.steps}, expected at least 1")
    if args.test and not args.photos:
        raise UsageError("--test needs --photos, the photos to learn from")
