"""What documents show must be there: commands that parse, targets of make, files that links lead to."""

from __future__ import annotations

import argparse
import importlib
import re
from pathlib import Path

import pytest

from edge import cli as edge_cli
from edge.command_line import Command
from export import cli as export_cli
from server import cli as server_cli
from tests.docs.code_blocks import REPOSITORY, ShownCommand, documents, shown_commands

PROGRAMS = {"edge": edge_cli.COMMANDS, "export": export_cli.COMMANDS, "server": server_cli.COMMANDS}
COMMANDS = [(program, command) for program, commands in PROGRAMS.items() for command in commands]
SHOWN = [command for document in documents() for command in shown_commands(document)]
TARGETS = set(re.findall(r"^([a-z-]+):.*## ", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))
SHELL_WORDS = {".", "cd", "cp", "echo", "export", "git", "kill", "mkdir", "mv", "sed", "while"}


def parser_of(program: str, command: Command) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"python -m {program} {command.name}", exit_on_error=False)
    importlib.import_module(command.module).add_arguments(parser)
    return parser


def parse(words: tuple[str, ...]) -> None:
    """Parse the words of a `python -m` call with the parser of its command."""
    program, name, *arguments = words[2:]
    command = next(command for command in PROGRAMS[program] if command.name == name)
    parser_of(program, command).parse_args(arguments)


def example_calls(example: str) -> list[ShownCommand]:
    """Return the calls of an EXAMPLE; words of explanation may follow them after an empty line."""
    return shown_commands(REPOSITORY / "README.md", f"```sh\n{example.split(chr(10) * 2)[0]}\n```")


def test_finds_commands_with_their_lines_and_joins_continued_ones() -> None:
    text = "# A\n\n```sh\nmake demo  # first\n\npython -m edge tag \\\n  a.jpg 'b c.jpg'\n```\n```\nnot shell\n```\n"
    assert shown_commands(REPOSITORY / "README.md", text) == [
        ShownCommand("README.md", 4, ("make", "demo")),
        ShownCommand("README.md", 6, ("python", "-m", "edge", "tag", "a.jpg", "b c.jpg")),
    ]
    assert shown_commands(REPOSITORY / "README.md", "") == []


def test_readme_shows_the_two_commands_and_tagging() -> None:
    shown = [command.words for command in SHOWN if command.document == "README.md"]
    assert ("make", "demo") in shown
    assert ("make", "test") in shown
    assert any(words[:4] == ("python", "-m", "edge", "tag") for words in shown)


@pytest.mark.parametrize("shown", SHOWN, ids=str)
def test_shown_command_parses(shown: ShownCommand) -> None:
    match shown.words:
        case ("make", *targets):
            assert set(targets) <= TARGETS
        case ("python", "-m", "edge" | "export" | "server", *_):
            parse(shown.words[:-1] if shown.words[-1] == "&" else shown.words)
        case ("python", "-m", "export.train.detector.default" as module, *arguments):
            importlib.import_module(module).arguments_parser().parse_args(arguments)
        case (word, *_):
            assert word in SHELL_WORDS or re.match(r"[a-z]+=\$\(", word), f"{shown}: nothing checks {word!r}"


@pytest.mark.parametrize(("program", "command"), COMMANDS, ids=lambda value: getattr(value, "name", value))
def test_command_has_an_example_that_parses(program: str, command: Command) -> None:
    calls = example_calls(importlib.import_module(command.module).EXAMPLE)
    assert calls, "EXAMPLE shows no call"
    for call in calls:
        assert call.words[:4] == ("python", "-m", program, command.name)
        parse(call.words)


@pytest.mark.parametrize(("program", "command"), COMMANDS, ids=lambda value: getattr(value, "name", value))
def test_command_stands_in_the_readme(program: str, command: Command) -> None:
    assert f"python -m {program} {command.name}" in (REPOSITORY / "README.md").read_text()


def test_readme_names_no_command_that_is_not_there() -> None:
    named = set(re.findall(r"python -m (edge|export|server) ([a-z]+)", (REPOSITORY / "README.md").read_text()))
    assert named <= {(program, command.name) for program, command in COMMANDS}


@pytest.mark.parametrize("document", documents(), ids=lambda path: path.relative_to(REPOSITORY).as_posix())
def test_links_lead_somewhere(document: Path) -> None:
    targets = re.findall(r"\]\(([^)#]+)[^)]*\)", document.read_text())
    local = [target for target in targets if "://" not in target]
    assert [target for target in local if not (document.parent / target).exists()] == []


def test_error_tree_in_the_architecture_is_that_of_the_module() -> None:
    documented = (REPOSITORY / "docs/architecture.md").read_text()
    in_module = re.findall(r"^ {4}(\S.*)$", (REPOSITORY / "edge/errors.py").read_text().split('"""')[1], re.MULTILINE)
    assert len(in_module) >= 10
    squeezed = re.sub(" +", " ", documented)
    assert [line for line in in_module if re.sub(" +", " ", line) not in squeezed] == []


def test_files_that_the_architecture_names_exist() -> None:
    text = (REPOSITORY / "docs/architecture.md").read_text()
    named = set(re.findall(r"\b((?:edge|export|server)/[a-z_/]*(?:\.py)?)", text))
    assert len(named) > 15
    assert sorted(name for name in named if not (REPOSITORY / name).exists()) == []
