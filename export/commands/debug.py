"""`export debug`: where inside a quantized model the numbers go wrong."""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict
from pathlib import Path

from edge.command_line import progress, say, write_json
from edge.errors import ModelError
from export.bundles.memory_trial import require_modest_memory
from export.bundles.reading import ModelReading, read_model

EXAMPLE = "  python -m export debug yolox_nano.int8.onnx --reference yolox_nano_416.onnx --images photos"
PICTURES = 16


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `export debug`."""
    parser.add_argument("model", type=Path, metavar="MODEL", help="the quantized .onnx file")
    parser.add_argument("--reference", type=Path, metavar="MODEL", required=True, help="the float .onnx file")
    parser.add_argument("--images", type=Path, metavar="DIR", required=True, help="pictures like those it will see")
    parser.add_argument("--worst", type=int, default=30, metavar="N", help="tensors to show (default: %(default)s)")
    parser.add_argument("--json", metavar="FILE|-", help="write the tensors as JSON, all of them")


def run(args: argparse.Namespace) -> int:
    """Compare two models tensor by tensor and return the exit code."""
    from export.quantize.feeding import CalibrationFeeds
    from export.quantize.noise import tensor_noise
    from export.quantize.pictures import evenly, read_pictures
    from export.quantize.preparing import prepare

    reference, _ = _onnx(args.reference), _onnx(args.model)
    pictures = read_pictures(args.images)
    for problem in pictures.problems:
        say(f"export debug: {problem}")
    chosen = evenly(pictures.files, PICTURES)
    feeds = progress(CalibrationFeeds(reference, chosen), "comparing", len(chosen), "picture")
    noises = tensor_noise(prepare(reference).model, args.model, feeds)
    if args.json:
        value = {"model": str(args.model), "reference": str(args.reference), "pictures": len(chosen)}
        write_json({**value, "tensors": [asdict(noise) for noise in noises]}, args.json)
    lines = [f"{'dB':>7}  {'operator':<16} {'least':>10} {'largest':>10}  tensor"]
    lines += [f"{n.snr_db:>7.1f}  {n.operator:<16} {n.least:>10.4g} {n.largest:>10.4g}  {n.name}" for n in noises]
    print("\n".join(lines[: 1 + max(0, args.worst)]), file=sys.stderr if args.json == "-" else sys.stdout)
    return 0


def _onnx(path: Path) -> ModelReading:
    if path.suffix == ".tflite":
        raise ModelError(
            f"{path}: tensors can be shown inside ONNX files only: python -m export check compares the results of both"
        )
    require_modest_memory(path)
    reading = read_model(path)
    if reading.preprocessing is None:
        raise ModelError(f"{path}: does not say how a picture becomes its input: write a sidecar {path.name}.toml")
    return reading
