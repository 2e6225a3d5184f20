"""`python -m edge doctor`: what this machine has, and whether the golden pictures come out right on it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from edge.command_line import write_json
from edge.defaults import choose_bundle
from edge.inference.hardware import add_hardware_arguments, hardware_of

EXAMPLE = """  python -m edge doctor --json -
  python -m edge doctor --bundle mine --shard shop --golden golden --provider coreml"""
EXIT_NOT_GOOD = 3
NEEDS = {"tflite": ", which needs Python 3.11 and numpy 1"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--bundle", type=Path, metavar="DIR", help="models (default: those of the package)")
    parser.add_argument("--shard", type=Path, metavar="DIR", help="catalogue (default: the demo catalogue)")
    parser.add_argument("--golden", type=Path, metavar="DIR", help="made by `export golden` (default: the package's)")
    add_hardware_arguments(parser)
    parser.add_argument("--json", metavar="FILE|-", help="write the result as JSON")


def run(args: argparse.Namespace) -> int:
    """Check this machine; return 0, or 3 if a golden step does not agree."""
    from edge.checkup import Subject, check_up

    given = {name: path for name in ("shard", "golden") if (path := getattr(args, name))}
    report = check_up(Subject(choose_bundle(args.bundle), **given), hardware_of(args))
    if args.json:
        write_json(report, args.json)
    if args.json != "-":
        print("\n".join(_lines(report)))
    return 0 if report["good"] else EXIT_NOT_GOOD


def _lines(report: dict[str, Any]) -> list[str]:
    machine = report["machine"]
    memory = f", {machine['memory_bytes'] / 2**30:.1f} GiB" if machine["memory_bytes"] else ""
    lines = [
        f"machine      {machine['system']}, {machine['architecture']}, {machine['cores']} cores{memory}",
        f"instructions {' '.join(machine['instruction_sets']) or 'none that the kernels ask for'}",
        f"python       {machine['python']}; {', '.join(f'{n} {v}' for n, v in machine['libraries'].items())}",
        f"threads      {report['threads']}",
        *(f"runtime      {_runtime(runtime)}" for runtime in report["runtimes"]),
        *(line for golden in report["golden"] for line in _golden(golden)),
        *(f"not tried    {sentence}" for sentence in report["unchecked"]),
        "",
        report["verdict"],
    ]
    return lines


def _runtime(runtime: dict[str, Any]) -> str:
    if runtime["version"]:
        return f"{runtime['name']} {runtime['version']} ({runtime['suffix']}; {', '.join(runtime['providers'])})"
    how = f": pip install 'taglet[{runtime['extra']}]'{NEEDS.get(runtime['extra'], '')}" if runtime["extra"] else ""
    return runtime["problem"] or f"{runtime['name']} is not installed ({runtime['suffix']}){how}"


def _golden(golden: dict[str, Any]) -> list[str]:
    ms = ", ".join(f"{step} {value} ms" for step, value in golden["ms"].items())
    right = golden["steps"] - len(golden["failed"]) if golden["steps"] else 0
    first = f"golden       {golden['bundle']} on {golden['runtime']}: {right} of {golden['steps']} steps agree; {ms}"
    return [first, *(f"             {sentence}" for sentence in (*golden["failed"], *golden.get("notes", ())))]
