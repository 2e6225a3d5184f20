"""`python -m edge forget`: have a server delete what it knows of this device, and forget it here."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from edge.command_line import say, write_json
from edge.defaults import add_home_argument, home_folder
from edge.errors import MissingExtra, UsageError
from edge.outbox.enrolment import Enrolment, read_enrolment
from edge.outbox.forgetting import forget_here

EXAMPLE = """  python -m edge forget --show
  python -m edge forget"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--show", action="store_true", help="show what the server has of this device, delete nothing")
    how.add_argument(
        "--local", action="store_true", help="delete only here, and ask no server; its copy can then not be asked for"
    )
    add_home_argument(parser)
    parser.add_argument("--json", metavar="FILE|-", help="write the result as JSON")


def run(args: argparse.Namespace) -> int:
    """Show, or delete at the server and then here."""
    home = home_folder(args.home)
    enrolment = read_enrolment(home)
    if args.show:
        return _show(_enrolled(enrolment), args)
    if not args.local:
        _server(_enrolled(enrolment)).forget()
    forgotten = forget_here(home)
    for note in forgotten.notes:
        say(f"edge forget: {note}")
    there = "nothing was asked of a server" if args.local else f"{_enrolled(enrolment).server} has deleted its copy"
    out = sys.stderr if args.json == "-" else sys.stdout
    print(f"{there}; here {forgotten.decisions} sent decisions, the token and the device's id are gone", file=out)
    if forgotten.waiting:
        print(f"{forgotten.waiting} events that were not sent are kept: `edge outbox` shows them", file=out)
    if args.json:
        result = {"server_asked": not args.local, "decisions": forgotten.decisions, "waiting": forgotten.waiting}
        write_json(result, args.json)
    return 0


def _show(enrolment: Enrolment, args: argparse.Namespace) -> int:
    value = _server(enrolment).device()
    if args.json:
        write_json(value, args.json)
    if args.json != "-":
        print(json.dumps(value, indent=2, ensure_ascii=False))
    return 0


def _server(enrolment: Enrolment) -> Any:
    try:
        from edge.outbox.server import Server
        from edge.sync.transport import HttpTransport, Metered
    except ImportError as e:
        raise MissingExtra(e.name or "what `edge forget` needs", "sync") from e
    return Server(Metered(HttpTransport(enrolment.server)), enrolment.token)


def _enrolled(enrolment: Enrolment | None) -> Enrolment:
    if enrolment is None:
        raise UsageError("this device is not enrolled with a server: `edge forget --local` forgets what is here")
    return enrolment
