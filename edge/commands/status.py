"""`python -m edge status`: what this device holds and what space it takes."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import Any

from edge.bundle import load_bundle
from edge.command_line import write_json
from edge.defaults import add_home_argument, choose_bundle, home_folder, open_catalogs
from edge.errors import TagletError
from edge.shard import Shard
from edge.sync.store import CATALOGS, CatalogStore

EXAMPLE = "  python -m edge status --json -"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--bundle", type=Path, metavar="DIR", help="models (default: those of the package)")
    parser.add_argument("--shard", type=Path, action="append", metavar="DIR", help="catalogue, repeatable")
    add_home_argument(parser)
    parser.add_argument("--json", metavar="FILE|-", help="write the result as JSON")


def run(args: argparse.Namespace) -> int:
    """Print what is there."""
    result = _status(args)
    if args.json:
        write_json(result, args.json)
    if args.json != "-":
        _print(result)
    return 0


def _status(args: argparse.Namespace) -> dict[str, Any]:
    bundle = load_bundle(choose_bundle(args.bundle))
    home = home_folder(args.home)
    catalogs = open_catalogs(args.shard, home, bundle.space_id)
    return {
        "bundle": {"path": str(bundle.root), "name": bundle.name, "sha256": bundle.sha256,
                   "space_id": bundle.space_id, "bytes": _bytes(bundle.root)},
        "shards": [
            {"path": str(shard.root), "catalog": shard.catalog, "version": shard.version, "items": shard.products,
             "views": shard.views, "sha256": shard.sha256, "demo": catalogs.demo,
             "complete": _is_complete(home, shard), "calibration": _calibration(shard), "bytes": _bytes(shard.root)}
            for shard in catalogs.shards
        ],
        "notes": list(catalogs.notes),
        **_decisions(home),
        "home": {"path": str(home), "bytes": _bytes(home)},
    }  # fmt: skip


def _calibration(shard: Shard) -> dict[str, Any] | None:
    """Return what a catalogue's thresholds promise; None where the bundle's are used."""
    found = shard.calibration
    if found is None:
        return None
    ways = [{"second_look": way.second_look is not None, **asdict(way.matching)} for way in found.ways]
    return {"max_false_tags": found.max_false_tags, "confidence": found.confidence, "basis": found.basis, "ways": ways}


def _decisions(home: Path) -> dict[str, Any]:
    """Return what there is to decide on, what waits to be sent, and where to."""
    from edge.outbox.drafts import DRAFTS, DraftCount, count
    from edge.outbox.enrolment import read_enrolment
    from edge.outbox.store import OUTBOX, Counts, look_into_outbox

    problems = []
    drafts, events = DraftCount(), Counts()
    try:
        drafts = count(home)
    except TagletError as e:
        problems.append(str(e))
    try:
        with look_into_outbox(home) as outbox:
            if outbox is not None:
                events = outbox.counts()
                problems += outbox.notes
    except TagletError as e:
        problems.append(str(e))
    enrolment = read_enrolment(home)
    return {
        "drafts": {
            "sources": drafts.sources,
            "tags": drafts.tags,
            "objects": drafts.objects,
            "bytes": _database_bytes(home / DRAFTS),
        },
        "outbox": {"waiting": events.waiting, "refused": events.refused, "bytes": _database_bytes(home / OUTBOX)},
        "enrolment": {"server": enrolment.server, "device_id": enrolment.device_id} if enrolment else None,
        "problems": problems,
    }


def _database_bytes(path: Path) -> int:
    return sum(file.stat().st_size for file in path.parent.glob(f"{path.name}*")) if path.parent.is_dir() else 0


def _is_complete(home: Path, shard: Shard) -> bool:
    held = CatalogStore(home / CATALOGS / shard.catalog).held()
    return held is None or held.is_complete or not shard.root.is_relative_to(home)


def _print(result: dict[str, Any]) -> None:
    bundle, home = result["bundle"], result["home"]
    print(f"bundle   {bundle['name']}  {_size(bundle['bytes'])}  {bundle['path']}")
    for shard in result["shards"]:
        remark = "  (demo catalogue of invented products)" if shard["demo"] else ""
        if shard["calibration"]:
            remark += f"  (calibrated: at most {shard['calibration']['max_false_tags']:.1%} false tags)"
        remark += "" if shard["complete"] else "  (unfinished: `edge sync` goes on)"
        print(
            f"shard    {shard['catalog']} version {shard['version']}: {shard['items']} products, "
            f"{shard['views']} views  {_size(shard['bytes'])}  {shard['path']}{remark}"
        )
    for note in result["notes"]:
        print(f"note     {note}")
    for problem in result["problems"]:
        print(f"problem  {problem}")
    drafts, outbox, enrolment = result["drafts"], result["outbox"], result["enrolment"]
    objects = f", {drafts['objects']} objects without a product" if drafts["objects"] else ""
    print(f"drafts   {drafts['tags']} tags of {drafts['sources']} sources{objects}  {_size(drafts['bytes'])}")
    refused = f", {outbox['refused']} refused" if outbox["refused"] else ""
    print(f"outbox   {outbox['waiting']} events wait{refused}  {_size(outbox['bytes'])}")
    print(f"enrolled {'with ' + enrolment['server'] if enrolment else 'nowhere: decisions stay on this device'}")
    print(f"home     {_size(home['bytes'])}  {home['path']}")


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else 0


def _size(n: int) -> str:
    return f"{n / 1e6:.2f} MB" if n >= 1e5 else f"{n / 1e3:.1f} kB"
