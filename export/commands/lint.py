"""`python -m export lint`: what is wrong with a catalogue, before devices get it."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from edge.bundle import Bundle, load_bundle
from edge.command_line import peak_memory_bytes, progress, say, write_json
from edge.defaults import choose_bundle
from edge.errors import UsageError
from edge.files import write_whole
from edge.gallery import Gallery
from edge.inference.hardware import add_hardware_arguments, hardware_of
from edge.pipeline import Kit
from edge.shard import Shard, open_shard
from edge.verdict import Verdict, joined, verdict_bytes
from export.catalog.exclusion import exclusion_text
from export.catalog.items import read_items
from export.lint.canaries import CanaryFile, read_canaries
from export.lint.checking import Linted, Material, lint
from export.lint.findings import BY_NAME, Finding
from export.lint.report import write_page

EXAMPLE = """  python -m export lint shard --report lint.html
  python -m export lint shard --items items.csv --images photos/ --canaries canaries.csv --verdict verdict.json
  python -m export lint shard --exclude-list leave-out.csv --json lint.json

CANARIES.csv has the columns photo,product_id: photos that must go on being tagged. LIST is what `export catalog
--exclude` leaves out: look at it first, and write yes or no."""
EXIT_INPUT = 3
EXIT_BUDGET = 5
SHOWN = 10
T = TypeVar("T")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("shard", type=Path, metavar="SHARD", help="made by `export catalog`")
    parser.add_argument("--bundle", type=Path, metavar="DIR", help="models (default: those of the package)")
    parser.add_argument("--items", type=Path, metavar="ITEMS.csv", help="look at the pictures that it was built from")
    parser.add_argument("--images", type=Path, metavar="DIR", help="folder of these pictures and of the canaries")
    parser.add_argument("--canaries", type=Path, metavar="FILE.csv", help="photo,product_id: what must be tagged")
    parser.add_argument(
        "--allow",
        choices=tuple(BY_NAME),
        action="append",
        default=[],
        metavar="CHECK",
        help=f"let this check only warn, repeatable: {', '.join(BY_NAME)}",
    )
    parser.add_argument("--strict", action="store_true", help="let every check fail on a finding")
    add_hardware_arguments(parser)
    parser.add_argument("--report", type=Path, metavar="OUT.html", help="write a page with the pictures side by side")
    parser.add_argument("--exclude-list", type=Path, metavar="LIST", help="write what could be left out, as CSV")
    parser.add_argument("--verdict", type=Path, metavar="FILE", help="write, or add to, what `server publish` asks for")
    parser.add_argument("--json", metavar="FILE|-", help="write the result document")


def run(args: argparse.Namespace) -> int:
    """Check the shard; return 0, 3 if an input could not be used, or 5 if a check failed."""
    start = time.perf_counter()
    _require_usable(args)
    items = read_items(args.items) if args.items else None
    canaries = read_canaries(args.canaries) if args.canaries else None
    bundle, shard = load_bundle(choose_bundle(args.bundle)), open_shard(args.shard)
    Gallery([shard], bundle.space_id, bundle.name)  # a shard of another space is refused before anything is computed
    material = Material(
        items=items,
        table=args.items or Path(),
        images=args.images or Path(),
        canaries=canaries.canaries if canaries else (),
        canary_table=args.canaries or Path(),
        kit=Kit.open(bundle, [shard], hardware=hardware_of(args)) if canaries else None,
        watch=_watch,
    )
    linted = lint(shard, shard.matching(bundle.matching, None), material)  # limits are of the embedder alone
    problems = (*_problems_of(canaries), *linted.problems)
    checks = linted.checks(args.allow, args.strict)
    document = _document(shard, bundle, linted, checks, problems, time.perf_counter() - start)
    _tell(document, linted, problems, args)
    _write(args, shard, linted, checks, document)
    passed = all(check["passed"] for check in checks)
    return EXIT_INPUT if problems else 0 if passed else EXIT_BUDGET


def _require_usable(args: argparse.Namespace) -> None:
    if (args.items or args.canaries) and args.images is None:
        raise UsageError("--items and --canaries need --images, the folder that their paths start from")
    if args.images is not None and not (args.items or args.canaries):
        raise UsageError("--images alone says nothing: --items or --canaries name what lies there")
    if args.images is not None and not args.images.is_dir():
        raise UsageError(f"--images {args.images}: no such folder")


def _watch(things: Iterable[T], doing: str, total: int) -> Iterator[T]:
    return progress(things, doing, total=total)


def _problems_of(canaries: CanaryFile | None) -> tuple[str, ...]:
    return canaries.problems if canaries else ()


def _document(
    shard: Shard,
    bundle: Bundle,
    linted: Linted,
    checks: Sequence[Mapping[str, Any]],
    problems: Sequence[str],
    seconds: float,
) -> dict[str, Any]:
    return {
        "shard": {
            "catalog": shard.catalog,
            "version": shard.version,
            "products": shard.products,
            "views": shard.views,
            "sha256": shard.sha256,
        },
        "bundle": {"name": bundle.name, "sha256": bundle.sha256, "space_id": bundle.space_id},
        "passed": all(check["passed"] for check in checks),
        "rule": linted.rule.document(),
        "checks": [dict(check) for check in checks],
        "findings": [finding.document() for finding in linted.findings],
        "notes": list(linted.notes),
        "problems": list(problems),
        "seconds": round(seconds, 3),
        "peak_memory_bytes": peak_memory_bytes(),
    }


def _tell(document: Mapping[str, Any], linted: Linted, problems: Sequence[str], args: argparse.Namespace) -> None:
    out = sys.stderr if args.json == "-" else sys.stdout
    for sentence in (*problems, *(f"note: {note}" for note in linted.notes)):
        say(f"export lint: {sentence}")
    shard = document["shard"]
    print(
        f"{shard['catalog']} version {shard['version']}: {shard['products']} products, {shard['views']} views", file=out
    )
    for check in document["checks"]:
        mine = [finding for finding in linted.findings if finding.check == check["name"]]
        state = "fails" if not check["passed"] else "warns" if mine else "ok" if check["looked_at"] else "not asked"
        print(f"{state:<9}  {BY_NAME[check['name']].title}: {len(mine) or 'none'}", file=out)
        for finding in mine[:SHOWN]:
            print(f"             {_line(finding)}", file=out)
        if len(mine) > SHOWN:
            print(
                f"             and {len(mine) - SHOWN} more: --report OUT.html shows them, --json FILE has all",
                file=out,
            )
    passed = "nothing keeps it from being published" if document["passed"] else "not to be published as it is"
    print(f"{passed} ({document['seconds']:.1f} s)", file=out)


def _line(finding: Finding) -> str:
    picture = f" [{finding.place.image}]" if finding.place.image else ""
    return f"{finding.place.title} ({finding.place.product_id}){picture} {finding.sentence}"


def _write(
    args: argparse.Namespace,
    shard: Shard,
    linted: Linted,
    checks: Sequence[Mapping[str, Any]],
    document: dict[str, Any],
) -> None:
    if args.json:
        write_json(document, args.json)
    if args.report:
        write_page(args.report, shard, linted, checks)
    if args.exclude_list:
        write_whole(args.exclude_list, exclusion_text(_rows(linted.findings)))
    if args.verdict:
        named = tuple({**check, "name": f"lint_{check['name']}"} for check in checks)
        stamped = tuple({**check, "bundle": document["bundle"]["sha256"]} for check in named)
        write_whole(args.verdict, verdict_bytes(joined(args.verdict, Verdict.of(shard.sha256, stamped))))


def _rows(findings: Iterable[Finding]) -> Iterator[tuple[str, ...]]:
    """Yield a row of the list for each view that a finding is about, those first that are certain."""
    proposed = sorted((f for f in findings if f.place.key is not None), key=lambda finding: not finding.exclude)
    seen: set[int | None] = set()
    for finding in proposed:
        if finding.place.key not in seen:
            seen.add(finding.place.key)
            place = finding.place
            exclude = "yes" if finding.exclude else "no"
            yield exclude, place.product_id, f"{place.key:016x}", place.image, finding.sentence
