"""`python -m server withdraw`: take a version or a product back."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime

from edge.command_line import write_json
from edge.errors import UsageError
from server.commands.options import add_json, add_keys, add_repository, key_ring, watch
from server.commands.publish import summary
from server.repository import open_repository
from server.withdrawal import Withdrawal, withdraw

EXAMPLE = """  python -m server withdraw 42 --repository shop --reason "prices of last year"
  python -m server withdraw 7310865004703 --as product --repository shop --reason "recalled by the maker"

A version gives way to the content of the one before, a product to a catalogue without it; both as a new, higher
version. Take a product out of ITEMS.csv too, or the next publish brings it back."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("what", metavar="VERSION|PRODUCT_ID", help="the newest version, or a product")
    add_repository(parser)
    parser.add_argument("--reason", required=True, help="why; the journal keeps it")
    parser.add_argument("--catalog", metavar="C", help="of which catalogue (default: the only one)")
    parser.add_argument(
        "--as",
        dest="kind",
        choices=("version", "product"),
        help="what it is (default: a version if one of this number is listed, else a product)",
    )
    add_keys(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Publish the newest version without it; return 0."""
    if not args.reason.strip():
        raise UsageError("--reason is empty: the journal keeps it")
    repository = open_repository(args.repository)
    withdrawal = Withdrawal(args.what, args.reason, args.catalog, args.kind, args.wait)
    done = withdraw(repository, key_ring(args, repository), withdrawal, datetime.now(UTC), watch)
    documents = [published.document() for published in done]
    for document in documents:
        print(f"withdrew {args.what}\n{summary(document)}", file=sys.stderr if args.json == "-" else sys.stdout)
    if args.json:
        write_json({"withdrawn": args.what, "published": documents}, args.json)
    return 0
