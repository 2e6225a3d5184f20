"""`python -m server device`: let devices in, and shut them out."""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine

from edge.command_line import write_json
from server.commands.database_options import add_database, opened
from server.commands.options import add_json
from server.database.enrolment import HOURS, Device, list_devices, new_code, revoke

EXAMPLE = """  python -m server device add "till 3" --repository shop
  python -m server device list --repository shop
  python -m server device revoke "till 3" --repository shop

`add` prints a code that one device takes once (`edge enrol SERVER CODE`). A code for a name that is known lets that
device in again, if it has lost its token."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    what = parser.add_subparsers(dest="what", metavar="add|list|revoke", required=True)
    add = what.add_parser("add", help="make a one-time code for a device")
    add.add_argument("name", metavar="NAME", help="what you call the device")
    add.add_argument("--hours", type=float, default=HOURS, metavar="N", help=f"how long it lasts (default: {HOURS:g})")
    listed = what.add_parser("list", help="show the devices")
    revoked = what.add_parser("revoke", help="let a device's token and unused codes count no more; its events stay")
    revoked.add_argument("name", metavar="NAME", help="name or id of a device")
    for one in (add, listed, revoked):
        add_database(one)
        add_json(one)


def run(args: argparse.Namespace) -> int:
    """Do it, print what came of it; return 0."""
    with opened(args) as engine:
        document = {"add": _add, "list": _list, "revoke": _revoke}[args.what](engine, args)
    if args.json:
        write_json(document, args.json)
    return 0


def _add(engine: Engine, args: argparse.Namespace) -> dict[str, Any]:
    code = new_code(engine, args.name, time.time(), args.hours)
    _print(args, f"{code.text}\nfor {code.name}, once, until {_date(code.expires_s)}: edge enrol SERVER {code.text}")
    return {"code": code.text, "name": code.name, "expires_s": code.expires_s}


def _list(engine: Engine, args: argparse.Namespace) -> dict[str, Any]:
    devices = list_devices(engine)
    _print(args, "\n".join(map(_line, devices)) or "no device was enrolled yet")
    return {"devices": [{k: v for k, v in asdict(device).items() if k != "key"} for device in devices]}


def _revoke(engine: Engine, args: argparse.Namespace) -> dict[str, Any]:
    revoked = revoke(engine, args.name, time.time())
    _print(args, f"revoked: {len(revoked)} tokens, and every unused code of this name")
    return {"revoked": revoked}


def _line(device: Device) -> str:
    state = "revoked" if device.revoked_s is not None else "enrolled"
    last = "never sent" if device.last_s is None else f"last sent {_date(device.last_s)}"
    since = _date(device.enrolled_s)
    return f"{device.name:<20} {device.device_id}  {state:<8} {since}  {device.events} events, {last}"


def _date(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"


def _print(args: argparse.Namespace, text: str) -> None:
    print(text, file=sys.stderr if args.json == "-" else sys.stdout)
