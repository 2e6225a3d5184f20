"""Make the kit's embedder, one stage a command; each can be interrupted and run again.

python -m export.train.embedder rendered RENDERED --pictures cards_det --pictures shelf_photos=60 --workers 2
python -m export.train.embedder cuts CUTS --pictures clothing=0.4 --pictures shelf_photos=0.1 --workers 2
python -m export.train.embedder learn learnt.onnx --rendered RENDERED --cuts CUTS --teacher mobilenet_v1.onnx
python -m export.train.embedder real REAL --album manifest.csv --pictures shelf_photos --workers 2
python -m export.train.embedder finetune embedder.onnx --begin-from learnt.checkpoint --rendered RENDERED --real REAL \
  --cuts CUTS --teacher mobilenet_v1.onnx --album manifest.csv --fold 0
python -m export.train.embedder judge embedder.onnx --album manifest.csv --fold 0
python -m export.train.embedder ship embedder.onnx BUNDLE --rendered ASIDE
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

from edge.errors import MissingExtra, TagletError

STAGES = ("rendered", "cuts", "real", "learn", "finetune", "judge", "ship")
EVERY_PRODUCT = -1


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line and run one stage."""
    given = _parser().parse_args(arguments)
    try:
        getattr(_stages(), given.stage)(given)
    except TagletError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("interrupted: the same command goes on", file=sys.stderr)
        return 130
    return 0


def _stages() -> ModuleType:
    if find_spec("torch") is None:
        raise MissingExtra("PyTorch", "train")
    from export.train.embedder import stages

    return stages


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m export.train.embedder",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    stages = parser.add_subparsers(dest="stage", required=True)
    made = {name: stages.add_parser(name) for name in STAGES}
    for name, chunks, what in (("rendered", 300, "64 families"), ("cuts", 20, "1000"), ("real", 60, "4 passes")):
        made[name].add_argument("out", type=Path, help="folder of the pictures")
        made[name].add_argument("--chunks", type=int, default=chunks, help=f"of {what} (default %(default)s)")
        made[name].add_argument("--workers", type=int, default=1, help="processes (default %(default)s)")
        made[name].add_argument(
            "--pictures", action="append", default=[], metavar="DIR=WEIGHT", help="pictures from life"
        )
    made["cuts"].add_argument("--album-weight", type=float, default=0.26, help="against those of --pictures")
    for name, steps, rate in (("learn", 12_000, 2.5e-3), ("finetune", 1000, 8e-4)):
        made[name].add_argument("out", type=Path, help="ONNX file to write; its checkpoint lies beside it")
        made[name].add_argument("--rendered", type=Path, required=True, help="folder of stage rendered")
        made[name].add_argument("--cuts", type=Path, help="folder of stage cuts")
        made[name].add_argument("--teacher", type=Path, help="ONNX file that is imitated")
        made[name].add_argument("--maps", nargs=5, default=["t22", "t38", "t46", "t50", "t54"], help="its values")
        made[name].add_argument("--steps", type=int, default=steps, help="default %(default)s")
        made[name].add_argument("--products", type=int, default=192, help="a batch (default %(default)s)")
        made[name].add_argument("--lessons", type=int, default=128, help="a batch (default %(default)s)")
        made[name].add_argument("--learning-rate", type=float, default=rate, help="peak (default %(default)s)")
        made[name].add_argument("--pool", type=int, default=16_000, help="rows kept on the device, of each folder")
        made[name].add_argument("--begin-from", type=Path, required=name == "finetune", help="checkpoint")
    made["learn"].add_argument("--small-until", type=float, default=0.0, help="share of the steps at 0.8 of the size")
    made["finetune"].add_argument(
        "--share", type=float, default=0.5, help="of the weights at the end, the rest from the beginning"
    )
    made["finetune"].add_argument("--real", type=Path, required=True, help="folder of stage real")
    made["judge"].add_argument("model", type=Path, help="any embedder that the kit reads")
    made["judge"].add_argument("--json", metavar="FILE|-", help="write the figures as JSON")
    made["ship"].add_argument("model", type=Path, help="of stage finetune")
    made["ship"].add_argument("out", type=Path, help="folder of the bundle")
    made["ship"].add_argument("--rendered", type=Path, required=True, help="products that no training saw")
    made["ship"].add_argument("--bundle", type=Path, help="its false tags are allowed (default: the package's)")
    made["ship"].add_argument("--pool", type=int, default=2000, help="products at most (default %(default)s)")
    for name in STAGES:
        if name in ("cuts", "real", "finetune", "judge"):
            made[name].add_argument("--album", type=Path, required=name != "cuts", help="CSV of products and photos")
        if name in ("cuts", "finetune", "judge"):
            made[name].add_argument("--apart", default="", metavar="CATEGORY,...", help="counted by themselves")
            made[name].add_argument("--fold", type=int, default=EVERY_PRODUCT, help="0..2: kept out; -1: nothing is")
        if name != "judge":
            made[name].add_argument("--seed", type=int, default=0)
    return parser


if __name__ == "__main__":
    sys.exit(main())
