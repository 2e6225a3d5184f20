"""The option that names the database, and opening it with its tables brought up to date."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine

from server.app.settings import settings_of
from server.commands.options import add_repository
from server.database.connection import open_engine, reachable
from server.database.upgrading import upgrade

VARIABLE = "TAGLET_DATABASE"


def add_database(parser: argparse.ArgumentParser) -> None:
    """Declare where the repository and the database are."""
    add_repository(parser)
    add_address(parser)


def add_address(parser: argparse.ArgumentParser) -> None:
    """Declare where the database is."""
    parser.add_argument(
        "--database",
        metavar="URL",
        default=os.environ.get(VARIABLE),
        help=f"postgresql://... or sqlite:///... (default: {VARIABLE}, else server.sqlite3 in the repository)",
    )


@contextmanager
def opened(args: argparse.Namespace) -> Iterator[Engine]:
    """Open the database of a command, with this version's tables.

    Raises:
        ArtefactRefused: the folder is no repository, or the database is of a newer version.
        UsageError: the address is none.
        NetworkError: the database cannot be reached or written.
    """
    engine = open_engine(settings_of(args.repository, args.database).database)
    try:
        with reachable(engine):
            upgrade(engine)
            yield engine
    finally:
        engine.dispose()
