"""Make the kit's embedder, one stage a command; each can be interrupted and run again.

python -m export.train.embedder.first first.onnx --steps 300
python -m export.train.embedder rendered RENDERED --pictures cards_det --pictures shelf_photos=60
python -m export.train.embedder lessons LESSONS --teacher mobilenet_v1_100_embedder.onnx --pictures clothing=0.4
python -m export.train.embedder distil distil.onnx --begin-from first.checkpoint --lessons LESSONS --steps 3000
python -m export.train.embedder finetune embedder.onnx --begin-from distil.checkpoint --album manifest.csv --fold 0
python -m export.train.embedder judge embedder.onnx --album manifest.csv --fold 0
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

from edge.errors import MissingExtra, TagletError

STAGES = ("rendered", "lessons", "distil", "finetune", "judge")
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
    made["rendered"].add_argument("out", type=Path, help="folder of the rendered products")
    made["rendered"].add_argument("--chunks", type=int, default=24, help="of 500 products (default %(default)s)")
    made["lessons"].add_argument("out", type=Path, help="folder of the lessons")
    made["lessons"].add_argument("--teacher", type=Path, required=True, help="ONNX file that is imitated")
    made["lessons"].add_argument("--maps", nargs=5, default=["t22", "t38", "t46", "t50", "t54"], help="its values")
    made["lessons"].add_argument("--chunks", type=int, default=11, help="of 960 pictures (default %(default)s)")
    for name in ("distil", "finetune"):
        made[name].add_argument("out", type=Path, help="ONNX file to write; its checkpoint lies beside it")
        made[name].add_argument("--begin-from", type=Path, required=True, help="checkpoint of the stage before")
        made[name].add_argument("--pool", type=int, default=16_000, help="rendered products kept in memory")
        made[name].add_argument("--rendered", type=Path, metavar="DIR", help="take them from stage rendered instead")
    made["distil"].add_argument("--lessons", type=Path, required=True, help="folder of the lessons")
    made["distil"].add_argument("--steps", type=int, default=3000, help="default %(default)s")
    made["finetune"].add_argument("--steps", type=int, default=500, help="default %(default)s")
    for name in ("rendered", "lessons", "distil", "finetune"):
        made[name].add_argument(
            "--pictures", action="append", default=[], metavar="DIR=WEIGHT", help="pictures from life"
        )
        made[name].add_argument("--seed", type=int, default=0)
    made["judge"].add_argument("model", type=Path, help="any embedder that the kit reads")
    made["judge"].add_argument("--json", metavar="FILE|-", help="write the figures as JSON")
    for name in ("lessons", "finetune", "judge"):
        needed = name != "lessons"
        made[name].add_argument("--album", type=Path, required=needed, help="CSV of products, packshots and photos")
        made[name].add_argument("--apart", default="", metavar="CATEGORY,...", help="categories counted by themselves")
        made[name].add_argument("--fold", type=int, default=EVERY_PRODUCT, help="0..2: kept out; -1: nothing is")
    made["lessons"].add_argument("--album-weight", type=float, default=0.26, help="against those of --pictures")
    return parser


if __name__ == "__main__":
    sys.exit(main())
