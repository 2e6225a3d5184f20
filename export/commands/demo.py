"""`python -m export demo`: the whole kit on media of its own making, beside the known truth."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from edge.command_line import write_json
from edge.defaults import choose_bundle
from edge.document import tag_document
from edge.output.table import print_table
from export.demo.verdicts import verdict_lines

EXAMPLE = "  python -m export demo --out build/demo"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for everything that is made")
    parser.add_argument("--bundle", type=Path, metavar="DIR", help="models (default: those of the package)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="another catalogue and clip (%(default)s)")
    parser.add_argument("--json", metavar="FILE|-", help="write the tag document of the clip")


def run(args: argparse.Namespace) -> int:
    """Walk, print what was found beside what is shown, and say where to look."""
    from export.demo.walk import walk
    from export.evaluation.tables import retrieval_table

    out = sys.stderr if args.json == "-" else sys.stdout
    result = walk(args.out, choose_bundle(args.bundle), args.seed, lambda line: print(line, file=out, flush=True))
    print("\nTags of the clip\n", file=out)
    print_table(result.run, out)
    print("\nBeside what the clip is known to show\n", file=out)
    print("\n".join(verdict_lines(result.verdicts)), file=out)
    print("\nPhotos of the same products\n", file=out)
    print(retrieval_table({"all": result.figures, **result.by_group}), file=out)
    print(f"\nLook at {result.report} and {result.annotated}", file=out)
    if args.json:
        write_json(tag_document(result.run), args.json)
    return 0
