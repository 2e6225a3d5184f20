"""`python -m server rollout`: let a staged version reach more devices."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime

from server.commands.options import add_json, add_keys, add_repository, key_ring
from server.commands.publish import report
from server.repository import open_repository
from server.rollout import roll_out

EXAMPLE = """  python -m server rollout 42 --share 0.5 --repository shop
  python -m server rollout 42 --share 1 --repository shop"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("version", type=int, metavar="VERSION", help="published with --share below 1")
    add_repository(parser)
    parser.add_argument("--share", type=float, required=True, metavar="X", help="share of the devices from now on")
    parser.add_argument("--catalog", metavar="C", help="of which catalogue (default: the only one)")
    add_keys(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Widen the roll-out; return 0."""
    repository = open_repository(args.repository)
    ring, now = key_ring(args, repository), datetime.now(UTC)
    report(roll_out(repository, ring, args.version, args.share, now, args.catalog, args.wait), args)
    return 0
