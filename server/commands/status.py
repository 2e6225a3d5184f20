"""`python -m server status`: what is published, its size, and how long it is valid."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from typing import Any

from edge.command_line import write_json
from server.commands.options import add_json, add_repository, size
from server.repository import open_repository
from server.standing import standing

EXAMPLE = """  python -m server status --repository shop
  python -m server status --repository shop --json -"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add_repository(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Print the state; return 0."""
    document = standing(open_repository(args.repository), datetime.now(UTC))
    print(_table(document), file=sys.stderr if args.json == "-" else sys.stdout)
    if args.json:
        write_json(document, args.json)
    return 0


def _table(document: dict[str, Any]) -> str:
    lines: list[str] = []
    for catalog in document["catalogs"]:
        lines.append(f"{catalog['catalog']}  index {size(catalog['index_bytes'])}")
        for generation in catalog["generations"]:
            lines.append(f"  space {generation['space_id'][:12]}, {generation['ndim']} dimensions")
            lines += [_release(release) for release in generation["releases"]]
            total = sum(delta["bytes"] for delta in generation["deltas"])
            lines.append(f"    {len(generation['deltas'])} deltas, {size(total)}")
    if not document["catalogs"]:
        lines.append("nothing is published yet")
    health = document["health"]
    lines.append(f"served in all {size(document['public_bytes'])}; health {health['colour']}")
    for role in health["roles"]:
        length = size(document["metadata_bytes"][role["role"]])
        until = datetime.fromisoformat(role["expires"])
        lines.append(f"  {role['role']:<9} version {role['version']}, {length}, until {until:%Y-%m-%d %H:%M} UTC")
    return "\n".join([*lines, *health["to_do"]])


def _release(release: dict[str, Any]) -> str:
    share = "" if release["share"] == 1 else f", share {release['share']:g}"
    whole = f", first install {size(release['bytes'])} in {release['parts']} parts" if release["parts"] else ""
    return f"    version {release['version']}: {release['products']} products, {release['views']} views{share}{whole}"
