"""The thin layer that every program of the kit shares: choose a command, run it, turn an error into a sentence.

A command is a module with `EXAMPLE` (a worked call for --help), `add_arguments(parser)` and `run(args) -> int`.
Only the chosen command's module is imported, so that starting stays fast.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from edge.errors import TagletError
from edge.files import write_whole

INTERRUPTED = 130
T = TypeVar("T")


@dataclass(frozen=True)
class Command:
    """A command's name, the module that holds it, and one line that says what it does."""

    name: str
    module: str
    summary: str


def run_program(program: str, purpose: str, commands: Sequence[Command], argv: list[str] | None) -> int:
    """Run one command of a program.

    Args:
        program: "edge", "export" or "server", run as `python -m program`.
        purpose: one line for --help.
        commands: what it can do.
        argv: arguments without the program's name; None takes them from the process.

    Returns:
        The exit code: 0 done, 2 wrong usage, 3 an input could not be used, 4 an artefact was refused, 5 a budget
        was not met, 6 no network, 130 interrupted.
    """
    arguments = sys.argv[1:] if argv is None else argv
    called = " ".join([program, *arguments[:1]])
    try:
        args = _parser(program, purpose, commands, chosen=arguments[:1]).parse_args(arguments)
        code: int = args.run(args)
        sys.stdout.flush()
        return code
    except TagletError as e:
        say(f"{called}: {e}")
        return e.exit_code
    except KeyboardInterrupt:
        say(f"{called}: interrupted; what was finished is kept")
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def say(sentence: str) -> None:
    """Print one line for a person to stderr."""
    print(sentence, file=sys.stderr, flush=True)


def write_json(value: Any, target: str) -> None:
    """Write a result document to a file (whole or not at all), or to stdout where `target` is "-"."""
    text = json.dumps(value, indent=2, ensure_ascii=False) + "\n"
    if target == "-":
        sys.stdout.write(text)
    else:
        write_whole(Path(target), text)


def progress(items: Iterable[T], doing: str, total: float | None = None, unit: str = "it") -> Iterator[T]:
    """Yield items; show a bar on stderr if that takes longer than two seconds and stderr is a terminal."""
    if not sys.stderr.isatty():  # starting stays fast: the bar's own import takes a tenth of a cold start
        yield from items
        return
    from tqdm import tqdm

    yield from tqdm(items, desc=doing, total=total, unit=unit, delay=2, disable=None, file=sys.stderr, leave=False)


def peak_memory_bytes() -> int | None:
    """Return the most memory that this process has held, or None where the platform does not say."""
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _parser(program: str, purpose: str, commands: Sequence[Command], chosen: list[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"python -m {program}", description=purpose)
    choices = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for command in commands:
        sub = choices.add_parser(
            command.name,
            help=command.summary,
            description=command.summary[0].upper() + command.summary[1:] + ".",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        if chosen == [command.name]:
            module = importlib.import_module(command.module)
            module.add_arguments(sub)
            sub.epilog = f"example:\n{module.EXAMPLE}"
            sub.set_defaults(run=module.run)
    return parser
