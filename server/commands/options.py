"""Options that several commands have: where the repository is, where its keys are, what opens them; how sizes look."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from edge.command_line import progress
from server.keys import KeyRing
from server.passphrases import OFFLINE_VARIABLE, ONLINE_VARIABLE, Passphrases
from server.repository import Repository


def add_repository(parser: argparse.ArgumentParser) -> None:
    """Declare where the repository is."""
    parser.add_argument(
        "--repository", type=Path, default=Path(), metavar="DIR", help="made by `init` (default: the current folder)"
    )


def add_passphrases(parser: argparse.ArgumentParser) -> None:
    """Declare where passphrases come from."""
    for kind, variable in (("offline", OFFLINE_VARIABLE), ("online", ONLINE_VARIABLE)):
        parser.add_argument(
            f"--{kind}-passphrase-file",
            type=Path,
            metavar="FILE",
            help=f"passphrases of the {kind} keys, one a line (default: {variable}, else a prompt)",
        )


def add_keys(parser: argparse.ArgumentParser) -> None:
    """Declare where keys are, what opens them, and how long to wait for the repository."""
    parser.add_argument(
        "--offline-keys",
        type=Path,
        action="append",
        metavar="DIR",
        help="folder with keys of root or targets, may be given again (default: keys/offline of the repository)",
    )
    add_passphrases(parser)
    parser.add_argument(
        "--wait", type=float, default=60.0, metavar="S", help="seconds to wait for another command (default: 60)"
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    """Declare the result document."""
    parser.add_argument("--json", metavar="FILE|-", help="write what was done")


def key_ring(args: argparse.Namespace, repository: Repository) -> KeyRing:
    """Return where the keys are and what opens them."""
    return KeyRing(
        tuple(args.offline_keys or [repository.offline_keys]),
        repository.online_keys,
        *passphrases(args),
    )


def passphrases(args: argparse.Namespace) -> tuple[Passphrases, Passphrases]:
    """Return the sources of the passphrases of the offline and of the online keys."""
    return (
        Passphrases("offline", OFFLINE_VARIABLE, args.offline_passphrase_file),
        Passphrases("online", ONLINE_VARIABLE, args.online_passphrase_file),
    )


def watch(items: Sequence[Any], doing: str) -> Iterable[Any]:
    """Show progress on stderr."""
    return progress(items, doing, total=len(items), unit="file")


def size(count: float) -> str:
    """Return a number of bytes for a person: "812 B", "36.9 kB", "2.85 MB"."""
    for unit, scale, digits in (("MB", 1e6, 2), ("kB", 1e3, 1)):
        if count >= scale:
            return f"{count / scale:.{digits}f} {unit}"
    return f"{int(count)} B"
