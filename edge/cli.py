"""The commands of `python -m edge`, each in a module of `edge.commands`."""

from __future__ import annotations

from edge.command_line import Command, run_program

COMMANDS = (
    Command("tag", "edge.commands.tag", "find the products in pictures and videos"),
    Command("accept", "edge.commands.accept", "say that tags are right"),
    Command("reject", "edge.commands.reject", "say that tags are wrong"),
    Command("correct", "edge.commands.correct", "say which product a tag should have been"),
    Command("retag", "edge.commands.retag", "ask a newer catalogue about what was tagged before"),
    Command("outbox", "edge.commands.outbox", "show what waits to be sent: which events, fields and bytes"),
    Command("enrol", "edge.commands.enrol", "let this device send its decisions to a server"),
    Command("sync", "edge.commands.sync", "send decisions to a server, bring catalogues up to date from it"),
    Command("forget", "edge.commands.forget", "have a server delete what it knows of this device"),
    Command("status", "edge.commands.status", "show what this device holds and what space it takes"),
    Command("doctor", "edge.commands.doctor", "check this machine with pictures whose answers are known"),
)


def main(argv: list[str] | None = None) -> int:
    """Run one command and return its exit code."""
    return run_program("edge", "Tag products in pictures and videos on this device, offline.", COMMANDS, argv)
