"""`python -m server refresh`: sign anew what is about to expire."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime

from edge.command_line import say, write_json
from server.commands.options import add_json, add_keys, add_repository, key_ring
from server.refreshing import refresh
from server.repository import open_repository

EXAMPLE = """  python -m server refresh --repository shop
  python -m server refresh --offline --repository shop --offline-keys /media/stick

Run it at least once a day. It signs snapshot and timestamp when less than half of their life is left, and says when
root or targets need the offline keys."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add_repository(parser)
    parser.add_argument("--offline", action="store_true", help="the offline keys are at hand: root and targets too")
    parser.add_argument("--all", action="store_true", help="sign anew even what is valid for long")
    add_keys(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Sign what is due, say what waits for the offline keys; return 0."""
    repository = open_repository(args.repository)
    done = refresh(repository, key_ring(args, repository), datetime.now(UTC), args.offline, args.all, args.wait)
    signed = f"signed anew: {', '.join(done.signed)}" if done.signed else "nothing is due"
    print(f"{signed}; health {done.health.colour}", file=sys.stderr if args.json == "-" else sys.stdout)
    for role in done.waiting:
        until = done.health.roles[role].expires
        say(f"server refresh: {role} expires on {until:%Y-%m-%d}: bring the offline keys and run `refresh --offline`")
    if args.json:
        write_json({"signed": done.signed, "waiting": done.waiting, "health": done.health.document()}, args.json)
    return 0
