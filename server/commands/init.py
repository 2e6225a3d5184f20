"""`python -m server init`: make a repository with its keys."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

from edge.command_line import write_json
from edge.errors import UsageError
from server.commands.options import add_json, add_passphrases, passphrases
from server.initialising import Founding, found, require_free
from server.passphrases import Passphrases
from server.repository import GRACE_DAYS, KEEP, LIFE_DAYS, ROLES, Repository, Settings

EXAMPLE = """  python -m server init shop --offline-passphrase-file offline.txt --online-passphrase-file online.txt
  python -m server init try-out --single-key --no-passphrase"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("dir", type=Path, metavar="DIR", help="folder to make")
    parser.add_argument("--threshold", type=int, metavar="M", help="root keys that must sign together (default: 2)")
    parser.add_argument("--keys", type=int, metavar="N", help="root keys to make (default: 3)")
    parser.add_argument("--single-key", action="store_true", help="one root key, for a try-out")
    parser.add_argument("--no-passphrase", action="store_true", help="leave all keys unencrypted")
    parser.add_argument("--no-online-passphrase", action="store_true", help="leave snapshot's and timestamp's so")
    add_passphrases(parser)
    for role in ROLES:
        life = LIFE_DAYS[role]
        note = f"days that {role} metadata is valid (default: {life:g})"
        parser.add_argument(f"--{role}-days", type=float, default=life, metavar="D", help=note)
    parser.add_argument(
        "--keep",
        type=int,
        default=KEEP,
        metavar="N",
        help="older versions that get a direct delta (default: %(default)s)",
    )
    parser.add_argument(
        "--grace-days",
        type=float,
        default=GRACE_DAYS,
        metavar="D",
        help="days that a file is served after the last index that named it (default: %(default)g)",
    )
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Make the repository and say what to keep safe; return 0."""
    require_free(args.dir)
    founding = _founding(args)
    repository = found(args.dir, founding, datetime.now(UTC))
    print(_advice(repository, founding), file=sys.stderr if args.json == "-" else sys.stdout)
    if args.json:
        write_json(_document(repository, founding), args.json)
    return 0


def _founding(args: argparse.Namespace) -> Founding:
    if args.single_key and (args.threshold is not None or args.keys is not None):
        raise UsageError("--single-key means --threshold 1 --keys 1: leave those away")
    keys = 1 if args.single_key else args.keys if args.keys is not None else 3
    threshold = 1 if args.single_key else args.threshold if args.threshold is not None else 2
    life = {role: getattr(args, f"{role}_days") for role in ROLES}
    if min(life.values()) <= 0 or args.keep < 1 or args.grace_days < 0:
        raise UsageError("days must be above 0, --keep at least 1 and --grace-days 0 or more")
    offline, online = passphrases(args)
    plain_online = args.no_passphrase or args.no_online_passphrase
    return Founding(
        Settings(life, args.keep, args.grace_days),
        threshold,
        keys,
        _chosen(offline, args.no_passphrase),
        _chosen(online, plain_online),
    )


def _chosen(source: Passphrases, plain: bool) -> bytes | None:
    return None if plain else source.chosen()


def _advice(repository: Repository, founding: Founding) -> str:
    offline, online = repository.offline_keys, repository.online_keys
    spread = (
        f": any {founding.threshold} of the {founding.keys} root keys sign together, so keep them in different places"
    )
    return "\n".join(
        [
            f"made {repository.root}",
            f"carry away  {offline} (root and targets){spread if founding.keys > 1 else ''}",
            f"stays here  {online} (snapshot and timestamp), read by `refresh`",
            f"back up     {repository.root} without keys/offline, and the offline keys twice, apart from it",
            "            lost root keys cannot be replaced: every device would have to be set up anew",
            f"serve       {repository.public} with any static web server",
            f"devices     start from {repository.public / 'metadata' / '1.root.json'}: give it to them beforehand",
        ]
    )


def _document(repository: Repository, founding: Founding) -> dict[str, object]:
    return {
        "repository": str(repository.root),
        "root_keys": founding.keys,
        "threshold": founding.threshold,
        "offline_keys": sorted(path.name for path in repository.offline_keys.iterdir()),
        "online_keys": sorted(path.name for path in repository.online_keys.iterdir()),
        "life_days": dict(founding.settings.life_days),
    }
