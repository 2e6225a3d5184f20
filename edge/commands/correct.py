"""`python -m edge correct`: say which product a tag should have been."""

from __future__ import annotations

import argparse
from pathlib import Path

from edge.commands.deciding import add_consent_argument, add_shared_arguments, decide_and_tell
from edge.defaults import home_folder, open_catalogs
from edge.outbox.deciding import Decision, draft_of, product_for

EXAMPLE = "  python -m edge correct 4f0c5dd2a9b81e37 oat-barista-1l"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("tag_id", metavar="TAG_ID", help="of a tag, or its first digits (four or more)")
    parser.add_argument("product_id", metavar="PRODUCT_ID", help="of the product that it is, in a catalogue")
    parser.add_argument(
        "--shard",
        type=Path,
        action="append",
        metavar="DIR",
        help="catalogue that has the product, repeatable (default: what was last synced, and the tag's own)",
    )
    add_consent_argument(parser)
    add_shared_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Decide; return 0."""
    home = home_folder(args.home)
    draft = draft_of(home, args.tag_id)
    shards = open_catalogs(args.shard, home, draft.space_id).shards
    product_id = product_for(draft, args.product_id, shards)
    return decide_and_tell(Decision("corrected", product_id, args.share_embedding), [draft.tag_id], args)
