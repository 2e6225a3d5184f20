"""`export golden`: write the golden kit that ports and runtimes are checked against."""

from __future__ import annotations

import argparse
from pathlib import Path

from edge.bundle import load_bundle
from edge.defaults import choose_bundle, demo_shard
from edge.golden import TOLERANCE, golden_folder
from edge.inference.hardware import Hardware
from edge.media.pictures import read_picture
from edge.media.sources import expand_inputs
from edge.pipeline import Kit
from edge.preprocessing import ImageArray
from edge.shard import open_shard

EXAMPLE = """  python -m export golden
  python -m export golden --bundle mine --shard shop --images photos --out golden"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `export golden`."""
    parser.add_argument("--bundle", type=Path, metavar="DIR", help="models (default: those of the package)")
    parser.add_argument("--shard", type=Path, metavar="DIR", help="catalogue (default: the demo catalogue)")
    parser.add_argument("--images", type=Path, metavar="DIR", help="your pictures (default: four that the kit draws)")
    parser.add_argument("--seed", type=int, help="decides the pictures (default: those of the package)")
    parser.add_argument("--out", type=Path, metavar="DIR", default=golden_folder(), help="default: %(default)s")


def _own(folder: Path) -> dict[str, ImageArray]:
    """Read the pictures of a folder, by their names without suffix."""
    return {Path(path).stem: read_picture(path) for path in expand_inputs([str(folder)])}


def run(args: argparse.Namespace) -> int:
    """Write the kit and return the exit code."""
    from export.golden.pictures import SEED, golden_pictures
    from export.golden.writing import write_golden

    shard = open_shard(args.shard or demo_shard())
    kit = Kit.open(load_bundle(choose_bundle(args.bundle)), [shard], hardware=Hardware(1))
    pictures = _own(args.images) if args.images else golden_pictures(SEED if args.seed is None else args.seed)
    value = write_golden(kit, pictures, args.out)
    crops = sum(len(picture["crops"]) for picture in value["pictures"].values())
    print(f"{args.out}: {len(value['pictures'])} pictures, {crops} crops, tolerances {TOLERANCE}")
    return 0
