"""The commands of `python -m export`, each in a module of `export.commands`."""

from __future__ import annotations

from edge.command_line import Command, run_program

COMMANDS: tuple[Command, ...] = ()


def main(argv: list[str] | None = None) -> int:
    """Run one command and return its exit code."""
    return run_program("export", "Build, train, quantize and evaluate what devices use.", COMMANDS, argv)
