"""The commands of `python -m edge`, each in a module of `edge.commands`."""

from __future__ import annotations

from edge.command_line import Command, run_program

COMMANDS = (
    Command("tag", "edge.commands.tag", "find the products in pictures and videos"),
    Command("sync", "edge.commands.sync", "bring the catalogues up to date from a server"),
    Command("status", "edge.commands.status", "show what this device holds and what space it takes"),
    Command("doctor", "edge.commands.doctor", "check this machine with pictures whose answers are known"),
)


def main(argv: list[str] | None = None) -> int:
    """Run one command and return its exit code."""
    return run_program("edge", "Tag products in pictures and videos on this device, offline.", COMMANDS, argv)
