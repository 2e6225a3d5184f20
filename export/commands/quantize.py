"""`export quantize`: smaller and faster forms of a model that hold an accuracy budget, or the reason why not."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from edge.command_line import INTERRUPTED, say, write_json
from edge.errors import UsageError
from export.quantize.asking import Request, ask
from export.quantize.job import MAX_DROP, TARGETS, Target

EXAMPLE = """  python -m export quantize yolox_nano_416.onnx --calib photos --target all --out quantized
  python -m export quantize detector.onnx --calib photos --eval labels.json --images labelled --target pi --out small
  python -m export quantize embedder.onnx --calib photos --with bundle --target all --out quantized"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `export quantize`."""
    parser.add_argument("model", type=Path, metavar="MODEL", help="a float .onnx or .tflite file")
    parser.add_argument("--kind", choices=("detector", "embedder"), help="what it must be (default: as it reads)")
    parser.add_argument("--sidecar", type=Path, metavar="FILE", help="its description (default: MODEL.toml beside it)")
    parser.add_argument(
        "--calib", type=Path, metavar="DIR", required=True, help="pictures like those it will see, 32 to 512"
    )
    parser.add_argument("--eval", type=Path, metavar="FILE", help="labels: COCO .json, or queries .csv")
    parser.add_argument(
        "--images", type=Path, metavar="DIR", help="pictures to judge by (default: every second one of --calib)"
    )
    parser.add_argument(
        "--with", type=Path, metavar="BUNDLE", dest="bundle", help="the bundle it belongs to: an embedder is then "
        "calibrated and judged on the crops of its detector"
    )  # fmt: skip
    parser.add_argument(
        "--shard", type=Path, metavar="DIR", help="with --with: judge the whole chain on this catalogue"
    )
    parser.add_argument("--target", choices=(*TARGETS, "all"), default="all", help="default: %(default)s")
    parser.add_argument(
        "--max-drop", type=float, default=MAX_DROP, metavar="POINTS", help="largest loss (default: %(default)s)"
    )
    parser.add_argument("--out", type=Path, metavar="DIR", required=True, help="folder for files and report")
    parser.add_argument("--json", metavar="FILE|-", help="write the report document, also where the budget is not met")


def run(args: argparse.Namespace) -> int:
    """Quantize one model and return the exit code."""
    from export.quantize.run import quantize

    if not 0 <= args.max_drop <= 100:
        raise UsageError(f"--max-drop is {args.max_drop}, expected 0 to 100 points")
    targets: tuple[Target, ...] = TARGETS if args.target == "all" else (args.target,)
    request = Request(
        calibration=args.calib,
        labels=args.eval,
        images=args.images,
        bundle=args.bundle,
        shard=args.shard,
        kind=args.kind,
        sidecar=args.sidecar,
        targets=targets,
        max_drop=args.max_drop,
    )
    try:
        job, remarks = ask(args.model, request)
        for remark in remarks:
            say(f"export quantize: {remark}")
        document = quantize(job, args.out, remarks, tell=_writer(args.json))
    except KeyboardInterrupt:
        say(f"export quantize: interrupted; {args.out} is as it was before")
        return INTERRUPTED
    print("\n".join(_lines(document, args.out)), file=sys.stderr if args.json == "-" else sys.stdout)
    return 0


def _writer(target: str | None) -> Any:
    return (lambda document: write_json(document, target)) if target else None


def _lines(document: dict[str, Any], out: Path) -> list[str]:
    rows = {variant["file"]: variant for variant in document["variants"]}
    table = [f"{'file':<44} {'size':>6} {'p50 ms':>8} {'int8':>5} {'points lost':>12}  budget"]
    table += [_row(row) for row in rows.values()]
    why = [f"{target}: {document['recommended'][target]}\n    {why}" for target, why in document["why"].items()]
    needed = max((row["metric"]["pictures_needed"] or 0 for row in rows.values()), default=0)
    undecided = [f"these pictures do not decide the budget of every file: about {needed} would"] if needed else []
    return [*table, "", document["verdict"], *why, *undecided, f"report: {out / 'report.html'}"]


def _row(row: dict[str, Any]) -> str:
    latency = row["latency_ms"]
    time = f"{latency['p50']:.2f}" if latency else "-"
    lost = f"{row['metric']['drop_points']:.1f}" if row["scheme"] != "float" else "-"
    held = "held" if row["passed"] else "not held"
    return f"{row['file']:<44} {row['size_ratio']:>6.1%} {time:>8} {row['int8_macs_share']:>5.0%} {lost:>12}  {held}"
