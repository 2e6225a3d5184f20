"""The commands of `python -m export`, each in a module of `export.commands`."""

from __future__ import annotations

from edge.command_line import Command, run_program

COMMANDS: tuple[Command, ...] = (
    Command("demo", "export.commands.demo", "make a catalogue and a clip, tag it, compare with the truth"),
    Command("train", "export.commands.train", "teach a detector or an embedder your own products"),
    Command("catalog", "export.commands.catalog", "embed a catalogue into a shard"),
    Command("lint", "export.commands.lint", "find what is wrong with a shard before it is published"),
    Command("evaluate", "export.commands.evaluate", "measure recall and tags on photos with known answers"),
    Command("calibrate", "export.commands.calibrate", "set a catalogue's thresholds for a promised rate of false tags"),
    Command("inspect", "export.commands.inspect", "say what a model file is and how the kit would read it"),
    Command("quantize", "export.commands.quantize", "make smaller, faster forms of a model that hold a budget"),
    Command("check", "export.commands.check", "hold a quantized file against its float original"),
    Command("debug", "export.commands.debug", "show where inside a quantized model the numbers go wrong"),
    Command("bundle", "export.commands.bundle", "bind a detector and an embedder into a bundle"),
    Command("models", "export.commands.models", "list public models, and fetch them checked"),
    Command("benchmark", "export.commands.benchmark", "time bundles on this machine, side by side"),
    Command("golden", "export.commands.golden", "write what runtimes and ports are checked against"),
)


def main(argv: list[str] | None = None) -> int:
    """Run one command and return its exit code."""
    return run_program("export", "Build, train, quantize and evaluate what devices use.", COMMANDS, argv)
