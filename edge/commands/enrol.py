"""`python -m edge enrol`: let this device send its decisions to a server."""

from __future__ import annotations

import argparse
import sys
from urllib.parse import urlsplit

from edge.command_line import say, write_json
from edge.defaults import add_home_argument, home_folder
from edge.errors import MissingExtra, UsageError

EXAMPLE = "  python -m edge enrol https://shop.example/catalogs K7Q2-M4XD"
NEAR = ("localhost", "127.0.0.1", "::1")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("server", metavar="SERVER", help="address, the same as for `edge sync --server`")
    parser.add_argument("code", metavar="CODE", help="one-time code from whoever runs the server")
    add_home_argument(parser)
    parser.add_argument("--json", metavar="FILE|-", help="write the result as JSON")


def run(args: argparse.Namespace) -> int:
    """Exchange the code for a token and keep it; the token is never printed."""
    try:
        from edge.outbox.enrolment import Enrolment, read_enrolment, write_enrolment
        from edge.outbox.server import Server
        from edge.sync.syncing import device_id
        from edge.sync.transport import HttpTransport, Metered
    except ImportError as e:
        raise MissingExtra(e.name or "what `edge enrol` needs", "sync") from e
    from edge.sync.settings import Settings, read_settings, write_settings

    home = home_folder(args.home)
    before = read_enrolment(home)
    line = Metered(HttpTransport(args.server))
    if before is not None and before.server != line.address:
        raise UsageError(
            f"this device is enrolled with {before.server}: `edge forget` first, while it can be asked there"
        )
    if line.address.startswith("http:") and urlsplit(line.address).hostname not in NEAR:
        say(f"edge enrol: the line to {line.address} is not encrypted: whoever listens can read code and token")
    identity = device_id(home)
    enrolment = Enrolment(line.address, identity, Server(line).enrol(args.code, identity))
    write_enrolment(home, enrolment)
    if not read_settings(home).server:
        write_settings(home, Settings(line.address))
    if args.json:
        write_json({"server": enrolment.server, "device_id": enrolment.device_id}, args.json)
    out = sys.stderr if args.json == "-" else sys.stdout
    print(f"enrolled with {enrolment.server}: `edge sync` sends what you decide, `edge forget` takes it back", file=out)
    return 0
