"""`python -m server publish`: publish a shard, signed."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from edge.command_line import write_json
from edge.errors import UsageError
from edge.shard import open_shard
from server.commands.options import add_json, add_keys, add_repository, key_ring, size, watch
from server.publishing import Published, Request, publish
from server.repository import open_repository

EXAMPLE = """  python -m server publish shard --repository shop --verdict verdict.json
  python -m server publish shard-2 --repository shop --verdict verdict.json --share 0.1 --offline-keys /media/stick"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("shard", type=Path, metavar="SHARD", help="made by `export catalog`")
    add_repository(parser)
    why = parser.add_mutually_exclusive_group()
    why.add_argument("--verdict", type=Path, metavar="FILE", help="what its checks found (`export evaluate --verdict`)")
    why.add_argument("--force", metavar="REASON", help="publish without one; the reason goes into the journal")
    parser.add_argument(
        "--share", type=float, default=1.0, metavar="X", help="share of the devices that take it (default: 1, all)"
    )
    parser.add_argument(
        "--keep", type=int, metavar="N", help="older versions that get a direct delta from now on (at first: 7)"
    )
    parser.add_argument("--retire", metavar="SPACE", help="end the generation whose space_id begins so")
    add_keys(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Publish, say what is new; return 0."""
    if not 0 < args.share <= 1:
        raise UsageError(f"--share {args.share:g}: above 0 and at most 1")
    if args.keep is not None and args.keep < 1:
        raise UsageError(f"--keep {args.keep}: at least 1")
    if args.force is not None and not args.force.strip():
        raise UsageError("--force needs a reason, which the journal keeps")
    repository = open_repository(args.repository)
    request = Request(args.verdict, args.force, args.share, args.keep, args.retire, args.wait)
    published = publish(
        repository, open_shard(args.shard), key_ring(args, repository), request, datetime.now(UTC), watch
    )
    report(published, args)
    return 0


def report(published: Published, args: argparse.Namespace) -> None:
    """Print what a command changed and write the document."""
    document = published.document()
    print(summary(document), file=sys.stderr if args.json == "-" else sys.stdout)
    if args.json:
        write_json(document, args.json)


def summary(document: dict[str, Any]) -> str:
    """Return what a command changed in a few lines."""
    name = f"{document['catalog']} version {document['version']}"
    if not document["published"]:
        return f"nothing new: {name} is published already"
    share = "" if document["share"] == 1 else f", for a share of {document['share']:g} of the devices"
    full, deltas = document["full"], document["deltas"]
    lines = [f"published {name}: {document['products']} products, {document['views']} views{share}"]
    lines.append(f"  first install  {size(full['bytes'])} in {full['parts']} parts")
    for delta in deltas:
        came = "a withdrawn version" if delta["from_version"] is None else f"version {delta['from_version']}"
        lines.append(f"  from {came}  {size(delta['bytes'])}")
    steps = document["bytes_written"]
    metadata = sum(steps.get(step, 0) for step in ("targets", "snapshot", "timestamp"))
    lines.append(f"  index {size(steps.get('index', 0))}, metadata {size(metadata)}")
    return "\n".join(lines)
