"""`python -m export catalog`: embed a catalogue's pictures into a shard."""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from edge.bundle import load_bundle
from edge.command_line import peak_memory_bytes, progress, say, write_json
from edge.errors import MissingExtra, UsageError
from edge.inference.hardware import add_hardware_arguments, hardware_of
from edge.shard import Shard, open_shard
from edge.shard.description import CATALOG_PATTERN
from edge.shard.keypoints import DEFAULT_KEYPOINT_BYTES, MAX_KEYPOINT_BYTES
from edge.shard.thumbnails import MAX_THUMBNAIL_BYTES
from edge.sift import EXTRA, is_installed
from export.catalog.build import BuildResult, Changes, Target, build_catalog
from export.catalog.exclusion import Exclusion, read_exclusion
from export.catalog.items import Problem, read_items
from export.feedback.contribution import Contribution, open_contribution
from export.feedback.guard import DEVICES, LEAST_DEVICES, Judged

EXAMPLE = """  python -m export catalog items.csv --images photos/ --out shard
  python -m export catalog items.csv --images photos/ --update shard --out shard-2
  python -m export catalog items.csv --images photos/ --exclude leave-out.csv --views views.jsonl --out shard

ITEMS.csv is UTF-8, separated by comma, semicolon or tab. Its first line names the columns: product_id,title,image and
any of price,currency,url,image_url,brand,category,region,in_stock. Several rows of one product are several views."""
EXIT_INPUT = 3
SHOWN = 20
T = TypeVar("T")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("items", type=Path, metavar="ITEMS.csv", help="the products and their pictures")
    parser.add_argument("--images", type=Path, required=True, metavar="DIR", help="folder that the pictures lie in")
    parser.add_argument("--bundle", type=Path, metavar="DIR", help="models to use (default: those of the package)")
    parser.add_argument("--update", type=Path, metavar="OLD_SHARD", help="embed only pictures that this shard lacks")
    parser.add_argument("--exclude", type=Path, metavar="LIST", help="leave out what this list names (`export lint`)")
    parser.add_argument(
        "--views", type=Path, metavar="FILE", help="add views that devices agree on (`server views export`)"
    )
    parser.add_argument(
        "--devices",
        type=int,
        default=DEVICES,
        metavar="N",
        help=f"how many devices must agree on such a view (default %(default)s, at least {LEAST_DEVICES})",
    )
    parser.add_argument(
        "--canaries",
        type=Path,
        metavar="FILE.csv",
        help="photo,product_id: what such a view must not take (in --images)",
    )
    parser.add_argument("--name", help="name of the catalogue (default: that of OLD_SHARD, else of ITEMS.csv)")
    parser.add_argument("--version", type=int, metavar="N", help="version (default: OLD_SHARD's + 1, else 1)")
    parser.add_argument(
        "--thumbnails",
        type=int,
        default=0,
        metavar="BYTES",
        help=f"add a pack with one picture for each product, each at most BYTES long (up to {MAX_THUMBNAIL_BYTES})",
    )
    parser.add_argument(
        "--second-look",
        type=int,
        nargs="?",
        const=DEFAULT_KEYPOINT_BYTES,
        default=0,
        metavar="BYTES",
        help="add a pack that close calls are decided by, each view at most BYTES long "
        f"(default {DEFAULT_KEYPOINT_BYTES}, up to {MAX_KEYPOINT_BYTES}); needs OpenCV",
    )
    add_hardware_arguments(parser)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of the shard")
    parser.add_argument("--json", metavar="FILE|-", help="write what was done")


def run(args: argparse.Namespace) -> int:
    """Build the shard; return 0, or 3 if a row could not be used."""
    from edge.defaults import default_bundle

    start = time.perf_counter()
    _require_usable(args)
    items = read_items(args.items)
    bundle = load_bundle(args.bundle or default_bundle())
    old = open_shard(args.update) if args.update else None
    packs = args.thumbnails, args.second_look
    target = Target(args.out, _name(args, old), _version(args, old), bundle.space_id, *packs)
    contribution = open_contribution(args, bundle) if args.views else None
    excluded = read_exclusion(args.exclude) if args.exclude else Exclusion()
    changes = Changes(excluded, contribution.views_for if contribution else None)
    embedder = bundle.open_embedder(hardware_of(args))
    result = build_catalog(items, args.images, embedder, target, old, _watch, changes)
    for sentence in contribution.problems if contribution else ():
        say(f"export catalog: {sentence}")
    document = _document(result, args.out, time.perf_counter() - start, contribution)
    _report(document, args.items)
    print(_summary(document), file=sys.stderr if args.json == "-" else sys.stdout)
    if args.json:
        write_json(document, args.json)
    return EXIT_INPUT if document["problems"] or (contribution and contribution.problems) else 0


def _require_usable(args: argparse.Namespace) -> None:
    if not args.images.is_dir():
        raise UsageError(f"--images {args.images}: no such folder")
    if args.devices < LEAST_DEVICES:
        raise UsageError(f"--devices {args.devices}: at least {LEAST_DEVICES}, else one device could move a product")
    if args.canaries is not None and args.views is None:
        raise UsageError("--canaries guard what --views adds: `export lint --canaries` asks them of a shard")
    if not 0 <= args.thumbnails <= MAX_THUMBNAIL_BYTES:
        raise UsageError(f"--thumbnails {args.thumbnails}: between 0 and {MAX_THUMBNAIL_BYTES} bytes each")
    if not 0 <= args.second_look <= MAX_KEYPOINT_BYTES:
        raise UsageError(f"--second-look {args.second_look}: between 0 and {MAX_KEYPOINT_BYTES} bytes each")
    if args.second_look and not is_installed():
        raise MissingExtra("OpenCV, which --second-look finds keypoints with,", EXTRA)
    if args.version is not None and not 1 <= args.version < 2**53:
        raise UsageError(f"--version {args.version}: a version is 1 or more")
    if args.name is not None and not CATALOG_PATTERN.fullmatch(args.name):
        raise UsageError(f"--name {args.name!r}: up to 64 letters, digits, '.', '_' or '-', a letter or digit first")


def _name(args: argparse.Namespace, old: Shard | None) -> str:
    """Return the name that was given, else the old shard's, else one made of the table's."""
    if args.name or old is not None:
        return str(args.name or (old and old.catalog))
    slug = re.sub(r"[^A-Za-z0-9._-]+", "-", args.items.stem).strip("-._")[:64]
    return slug or "catalog"


def _version(args: argparse.Namespace, old: Shard | None) -> int:
    if args.version is not None:
        return int(args.version)
    return old.version + 1 if old is not None else 1


def _watch(sequence: Sequence[T], doing: str) -> Iterator[T]:
    return progress(sequence, doing, total=len(sequence), unit="picture")


def _document(result: BuildResult, out: Path, seconds: float, contribution: Contribution | None) -> dict[str, Any]:
    description = result.description
    return {
        "shard": str(out),
        "catalog": description.catalog,
        "version": description.version,
        "space_id": description.space_id,
        "sha256": description.sha256,
        "ndim": description.ndim,
        "products": description.products,
        "views": description.views,
        "embedded": result.embedded,
        "carried": result.carried,
        "resumed": result.resumed,
        "thumbnails": result.thumbnails,
        "keypoints": result.keypoints,
        "contributed": _contributed(contribution.judged if contribution else None),
        "bytes": sum(path.stat().st_size for path in out.rglob("*") if path.is_file()),
        "seconds": round(seconds, 3),
        "peak_memory_bytes": peak_memory_bytes(),
        "problems": _listed(result.items.problems),
        "notes": _listed(result.items.notes),
    }


def _contributed(judged: Judged | None) -> dict[str, Any] | None:
    if judged is None:
        return None
    added = {"vectors": judged.contributed, "devices": judged.devices, "views_added": len(judged.views)}
    return {**added, "products": len(set(judged.views.product.tolist())), "left_out": dict(judged.left_out)}


def _listed(problems: Sequence[Problem]) -> list[dict[str, Any]]:
    return [{"line": problem.line, "message": problem.message} for problem in problems]


def _report(document: dict[str, Any], items: Path) -> None:
    """Say what was wrong, at most `SHOWN` sentences of each sort; the document has them all."""
    for sort, word in (("notes", "note: "), ("problems", "")):
        for problem in document[sort][:SHOWN]:
            say(f"export catalog: {word}{items}, line {problem['line']}: {problem['message']}")
        if len(document[sort]) > SHOWN:
            say(f"export catalog: {word}and {len(document[sort]) - SHOWN} more: --json FILE lists them all")
    if not document["products"]:
        say(f"export catalog: note: {items} has no rows, so the shard is empty and matches nothing")


def _summary(document: dict[str, Any]) -> str:
    rate = document["embedded"] / max(document["seconds"], 1e-9)
    memory = document["peak_memory_bytes"]
    lines = [
        f"{document['shard']}: {document['catalog']} version {document['version']}, {document['products']} products, "
        f"{document['views']} views, {document['bytes'] / 1000:.0f} kB",
        f"embedded {document['embedded']}, carried over {document['carried']}, resumed {document['resumed']}, "
        f"not usable {len(document['problems'])}",
        f"{document['seconds']:.1f} s, {rate:.1f} pictures/s" + (f", peak {memory / 1e6:.0f} MB" if memory else ""),
    ]
    if contributed := document["contributed"]:
        lines.append(
            f"{contributed['vectors']} vectors of {contributed['devices']} devices: {contributed['views_added']} views "
            f"added to {contributed['products']} products"
        )
        lines += [f"  left out {count}: {why}" for why, count in contributed["left_out"].items() if count]
    return "\n".join(lines)
