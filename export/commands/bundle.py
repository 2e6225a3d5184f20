"""`export bundle`: bind a detector and an embedder into a bundle."""

from __future__ import annotations

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from edge.bundle import Bundle, load_bundle
from edge.bundle_description import TARGETS, Matching, SecondLookPart
from edge.command_line import say, write_json
from edge.errors import InputError, UsageError
from export.bundles.build import BundleSettings, build_bundle
from export.bundles.fit import fit_embedder
from export.bundles.memory_trial import require_modest_memory
from export.bundles.reading import ModelReading, read_model
from export.bundles.variant import variant_of

EXAMPLE = """  python -m export bundle --detector yolox_nano_416.onnx --embedder mobilenet_v1_100_embedder.onnx \\
      --embedder-mean 127.5 --embedder-std 127.5 --similarity-threshold 0.6 --out shop-bundle"""
ROLES = ("detector", "embedder")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `export bundle`."""
    for role in ROLES:
        parser.add_argument(f"--{role}", type=Path, metavar="MODEL", required=True, help=f"the {role}'s model file")
    parser.add_argument("--out", type=Path, metavar="DIR", required=True, help="the bundle's folder")
    parser.add_argument("--name", help="name of the bundle (default: name of the folder)")
    parser.add_argument("--target", choices=TARGETS, default="any", help="what it is made for (default: %(default)s)")
    for role in ROLES:
        group = parser.add_argument_group(f"what the {role}'s file does not say")
        group.add_argument(f"--{role}-sidecar", type=Path, metavar="FILE", help="default: MODEL.toml beside the model")
        group.add_argument(f"--{role}-mean", type=float, nargs="+", metavar="X", help="1 or 3 numbers, pixels 0..255")
        group.add_argument(f"--{role}-std", type=float, nargs="+", metavar="X", help="1 or 3 numbers, pixels 0..255")
        group.add_argument(f"--{role}-colour", choices=("RGB", "BGR"))
        group.add_argument(f"--{role}-resize", choices=("letterbox", "stretch"))
    parser.add_argument(
        "--float-embedder", type=Path, metavar="MODEL", help="float model of a quantized embedder, or the bundle whose "
        "embedder it is a variant of: one catalogue then serves both"
    )  # fmt: skip
    parser.add_argument(
        "--fit", type=Path, metavar="DIR", help="centre, whiten and reduce the embedder on the pictures of this folder"
    )
    parser.add_argument("--ndim", type=int, default=128, metavar="N", help="numbers after --fit (default: %(default)s)")
    parser.add_argument("--score-threshold", type=float, metavar="X", help="detections below it are dropped, 0..1")
    parser.add_argument(
        "--similarity-threshold", type=float, default=0.6, metavar="X", help="below it: no match (default: %(default)s)"
    )
    parser.add_argument(
        "--margin-threshold", type=float, default=0.03, metavar="X", help="lead below it: ambiguous (%(default)s)"
    )
    parser.add_argument(
        "--crop-margin", type=float, default=0.05, metavar="X", help="boxes are widened by this share (%(default)s)"
    )
    parser.add_argument(
        "--second-look", action="store_true", help="look again at close calls, in catalogues with a pack for it"
    )
    parser.add_argument("--licence", action="append", default=[], metavar="TEXT", help="a model's licence, repeatable")
    parser.add_argument("--json", metavar="FILE|-", help="write the result as JSON")


def run(args: argparse.Namespace) -> int:
    """Build one bundle and return the exit code."""
    given = args.score_threshold is not None
    detector = _read(args, "detector", {"score_threshold": _within(args, "score_threshold", 0, 1) if given else None})
    embedder = _read(args, "embedder", {})
    with TemporaryDirectory() as folder:
        embedder, settings = _in_space(args, embedder, Path(folder))
        bundle = build_bundle(detector, embedder, settings, args.out)
    for reading in (detector, embedder):
        if reading.assumed:
            say(f"{reading.path}: assumed {reading.assumed}")
    if args.json:
        write_json(_summary(bundle), args.json)
    if args.json != "-":
        print(f"{args.out}: bundle {bundle.name!r}, {bundle.embedder.ndim} dimensions, space {bundle.space_id[:12]}")
    return 0


def _in_space(args: argparse.Namespace, embedder: ModelReading, scratch: Path) -> tuple[ModelReading, BundleSettings]:
    """Return the embedder as it is bundled, and settings that name its space: its own, a float model's, a bundle's."""
    named: Path | None = args.float_embedder
    if named is not None and named.is_dir():
        if args.fit:
            raise UsageError("--fit makes a new space, a bundle as --float-embedder names the one that it has")
        variant = variant_of(load_bundle(named), embedder)
        return variant.embedder, _settings(args, space_id=variant.space_id, projection=variant.projection)
    float_embedder = _read(args, "embedder", {}, named) if named else None
    projection = None
    if args.fit:
        embedder, projection = fit_embedder(embedder, float_embedder, _fit_folder(args), args.ndim, scratch)
    return embedder, _settings(args, float_embedder=float_embedder, projection=projection)


def _settings(args: argparse.Namespace, **space: Any) -> BundleSettings:
    return BundleSettings(
        name=args.name or args.out.resolve().name,
        target=args.target,
        matching=Matching(
            _within(args, "similarity_threshold", -1, 1),
            _within(args, "margin_threshold", 0, 2),
        ),
        crop_margin=_within(args, "crop_margin", 0, 1),
        licences=tuple({"licence": text} for text in args.licence),
        second_look=SecondLookPart() if args.second_look else None,
        **space,
    )


def _fit_folder(args: argparse.Namespace) -> Path:
    folder: Path = args.fit
    if not folder.is_dir():
        raise InputError(f"{folder}: is not a folder: --fit takes a folder of pictures")
    if args.ndim < 1:
        raise UsageError(f"--ndim is {args.ndim}, expected at least 1")
    return folder


def _read(
    args: argparse.Namespace, role: str, more: dict[str, float | None], model: Path | None = None
) -> ModelReading:
    values: dict[str, Any] = {key: getattr(args, f"{role}_{key}") for key in ("colour", "resize")} | more
    values |= {key: _triple(getattr(args, f"{role}_{key}"), f"--{role}-{key}") for key in ("mean", "std")}
    given = {key: value for key, value in values.items() if value is not None}
    path = model or getattr(args, role)
    sidecar = getattr(args, f"{role}_sidecar")
    require_modest_memory(path, sidecar)
    return read_model(path, sidecar, given)


def _triple(numbers: list[float] | None, option: str) -> list[float] | None:
    if numbers is None:
        return None
    if len(numbers) not in (1, 3):
        raise UsageError(f"{option} takes 1 or 3 numbers, found {len(numbers)}")
    return numbers * 3 if len(numbers) == 1 else numbers


def _within(args: argparse.Namespace, name: str, low: float, high: float) -> float:
    value: float = getattr(args, name)
    if not low <= value <= high:  # NaN compares false, so it is refused as well
        raise UsageError(f"--{name.replace('_', '-')} is {value}, expected {low} to {high}")
    return value


def _summary(bundle: Bundle) -> dict[str, Any]:
    return {
        "bundle": {"name": bundle.name, "sha256": bundle.sha256, "space_id": bundle.space_id},
        "target": bundle.target,
        "ndim": bundle.embedder.ndim,
        "family": bundle.detector.decoding.family,
        "bytes": bundle.detector.model.bytes + bundle.embedder.model.bytes,
    }
