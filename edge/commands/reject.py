"""`python -m edge reject`: say that tags are wrong."""

from __future__ import annotations

import argparse

from edge.commands.deciding import add_shared_arguments, decide_and_tell
from edge.outbox.deciding import Decision

EXAMPLE = "  python -m edge reject 4f0c5dd2a9b81e37 91ab"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("tag_ids", nargs="+", metavar="TAG_ID", help="of a tag, or its first digits (four or more)")
    add_shared_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Decide on every tag; return 0, or 3 if one is not known."""
    return decide_and_tell(Decision("rejected"), args.tag_ids, args)
