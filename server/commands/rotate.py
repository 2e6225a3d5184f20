"""`python -m server rotate`: replace the keys of a role and revoke the old ones."""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict
from datetime import UTC, datetime

from edge.command_line import say, write_json
from server.commands.options import add_json, add_keys, add_repository, key_ring
from server.repository import ROLES, open_repository
from server.rotation import rotate

EXAMPLE = """  python -m server rotate timestamp --repository shop --offline-keys stick-1 --offline-keys stick-2
  python -m server rotate root --threshold 2 --keys 3 --repository shop

Needs as many root keys as root's threshold says. New offline keys are made in the first --offline-keys folder."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("role", choices=ROLES, help="whose keys are replaced")
    add_repository(parser)
    parser.add_argument("--threshold", type=int, metavar="M", help="root keys that must sign from now on")
    parser.add_argument("--keys", type=int, metavar="N", help="root keys that there are from now on")
    add_keys(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Replace the keys; return 0."""
    repository = open_repository(args.repository)
    ring, now = key_ring(args, repository), datetime.now(UTC)
    done = rotate(repository, ring, args.role, now, args.threshold, args.keys, args.wait)
    out = sys.stderr if args.json == "-" else sys.stdout
    print(f"{done.role} has new keys, root is version {done.root_version} now", file=out)
    print(
        f"  revoked  {', '.join(done.revoked)}: destroy them\n  new      {', '.join(done.new)}: back them up", file=out
    )
    if done.lost:
        say(f"server rotate: the old key of {done.role} was not found, so it did not sign once more")
    if args.json:
        write_json(asdict(done), args.json)
    return 0
