"""`python -m server serve`: the service with the upload page, for a try-out or a small shop."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from edge.command_line import say
from edge.errors import UsageError
from server.app.settings import settings_of
from server.app.site import INDEX, Site
from server.commands.database_options import add_address, opened
from server.commands.options import add_passphrases, passphrases
from server.counts_folder import counts_folder
from server.keys import KeyRing

EXAMPLE = """  python -m server serve shop
  python -m server serve shop --port 8080 --database postgresql://taglet@localhost/taglet
  python -m server serve shop --host 0.0.0.0 --workers 4 --refresh-hours 0

It brings the database up to date, serves devices and the upload page, and runs `refresh` by itself. It speaks
HTTP: beyond a try-out a proxy with TLS belongs in front of it, see docs/deploy.md."""

COUNTS = "PROMETHEUS_MULTIPROC_DIR"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("repository", type=Path, metavar="DIR", help="repository that `init` made")
    add_address(parser)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen at (default: 127.0.0.1)")
    parser.add_argument("--port", type=int, default=8000, help="port to listen at, 0: any free one (default: 8000)")
    parser.add_argument("--workers", type=int, default=2, metavar="N", help="processes (default: 2)")
    parser.add_argument("--proxies", type=int, default=0, metavar="N", help="proxies in front of it (default: 0)")
    parser.add_argument(
        "--refresh-hours", type=float, default=6.0, metavar="H", help="how often `refresh` runs, 0: never (default: 6)"
    )
    parser.add_argument(
        "--page", type=Path, metavar="DIR", help="folder of the built upload page (default: where `make web` puts it)"
    )
    add_passphrases(parser)
    parser.add_argument("--json", metavar="FILE|-", help="write where it listens, once it does")


def run(args: argparse.Namespace) -> int:
    """Serve until it is stopped; return 0."""
    if os.name != "posix":
        raise UsageError("`serve` needs gunicorn, which runs on Linux and macOS only")
    if not 0 <= args.port <= 65_535 or not 1 <= args.workers <= 64 or args.refresh_hours < 0 or args.proxies < 0:
        raise UsageError("--port is 0 to 65535, --workers 1 to 64, --refresh-hours and --proxies 0 or more")
    with opened(args):
        pass  # the tables are there before the first request comes
    with counts_folder() as counts:
        os.environ[COUNTS] = str(counts)  # read when prometheus_client is imported
        try:
            return _serve(args)
        finally:
            del os.environ[COUNTS]


def _serve(args: argparse.Namespace) -> int:
    from server.serving import Listening, listen_at, require_keys, serve

    settings = settings_of(args.repository, args.database, args.proxies, args.page)
    repository = settings.repository
    ring = KeyRing((repository.offline_keys,), repository.online_keys, *passphrases(args))
    if args.refresh_hours:
        require_keys(repository, ring)
    if not (site := Site(settings.page)).is_built:
        if args.page is not None:
            raise UsageError(f"--page {args.page}: there is no {INDEX}: `make web` builds the page")
        say(f"server serve: no upload page in {site.folder}: `make web` builds it, everything else is served")
    listener = listen_at(args.host, args.port)
    return serve(settings, Listening(listener, args.workers, args.refresh_hours, ring, args.json))
