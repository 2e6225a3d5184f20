"""`export train`: teach a detector or an embedder your own products.

Each kind is a module with `SUMMARY`, `EXAMPLE`, `add_arguments(parser)` and `run(args) -> int`; none of them loads
PyTorch before it runs.
"""

from __future__ import annotations

import argparse
import importlib

KINDS = {"detector": "export.commands.train_detector", "embedder": "export.commands.train_embedder"}
EXAMPLE = "\n".join(importlib.import_module(module).EXAMPLE for module in KINDS.values())


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of each kind of training."""
    kinds = parser.add_subparsers(dest="kind", metavar="|".join(KINDS), required=True)
    for kind, name in KINDS.items():
        module = importlib.import_module(name)
        sub = kinds.add_parser(
            kind,
            help=module.SUMMARY,
            description=module.SUMMARY[0].upper() + module.SUMMARY[1:] + ".",
            epilog=f"example:\n{module.EXAMPLE}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(sub)


def run(args: argparse.Namespace) -> int:
    """Run the chosen training and return the exit code."""
    code: int = importlib.import_module(KINDS[args.kind]).run(args)
    return code
