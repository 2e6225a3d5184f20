"""`python -m server migrate`: bring the database to this version's tables."""

from __future__ import annotations

import argparse
import sys

from edge.command_line import write_json
from server.commands.database_options import add_database, opened
from server.commands.options import add_json

EXAMPLE = """  python -m server migrate --repository shop
  python -m server migrate --repository shop --database postgresql://taglet@db.example/taglet

Run it before gunicorn is started with a new version. `serve`, `device` and `tags` do it by themselves."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add_database(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Migrate; return 0."""
    with opened(args) as engine:
        where = engine.url.render_as_string(hide_password=True)
    print(f"{where} has the tables of this version", file=sys.stderr if args.json == "-" else sys.stdout)
    if args.json:
        write_json({"database": where}, args.json)
    return 0
