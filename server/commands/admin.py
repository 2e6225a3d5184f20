"""`python -m server admin`: set the password of the operator's page."""

from __future__ import annotations

import argparse
import getpass
import os
import sys
import time
from pathlib import Path

from edge.command_line import write_json
from edge.errors import InputError, UsageError
from server.commands.database_options import add_database, opened
from server.commands.options import add_json
from server.database.operator import SHORTEST, set_password

EXAMPLE = """  python -m server admin password --repository shop
  python -m server admin password --repository shop --password-file secret.txt

The page is at /admin of the service. A new password ends every session. It is kept as a scrypt hash in the database."""

VARIABLE = "TAGLET_ADMIN_PASSWORD"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    what = parser.add_subparsers(dest="what", metavar="password", required=True)
    password = what.add_parser("password", help="set the password, and end every session")
    password.add_argument(
        "--password-file",
        type=Path,
        metavar="FILE",
        help=f"its first line is the password, {SHORTEST} characters or more (default: {VARIABLE}, else a prompt)",
    )
    add_database(password)
    add_json(password)


def run(args: argparse.Namespace) -> int:
    """Set it; return 0."""
    password = _chosen(args.password_file)
    with opened(args) as engine:
        ended = set_password(engine, password, time.time())
    print(f"the password is set; {ended} sessions were ended", file=sys.stderr if args.json == "-" else sys.stdout)
    if args.json:
        write_json({"password": "set", "sessions_ended": ended}, args.json)
    return 0


def _chosen(file: Path | None) -> str:
    if file is not None:
        return _first_line(file)
    if written := os.environ.get(VARIABLE):
        return written
    if not sys.stdin.isatty():
        raise UsageError(f"there is no terminal to ask at: give --password-file FILE or set {VARIABLE}")
    first = getpass.getpass("new password for the operator's page: ")
    if first != getpass.getpass("once more: "):
        raise UsageError("the password was typed differently the second time: begin anew")
    return first


def _first_line(file: Path) -> str:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as e:
        raise InputError(f"--password-file {file}: cannot be read ({e})") from e
    if not lines or not lines[0]:
        raise InputError(f"--password-file {file}: its first line holds no password")
    return lines[0]
