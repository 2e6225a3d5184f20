"""What is used when the user names nothing: the packaged bundle, the demo catalogue, the platform's data folder."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edge.shard import Shard, open_shard
from edge.sync.store import TRUST, open_synced
from edge.sync.trust_state import STATE, read_state

PACKAGED = Path(__file__).parent / "data"
DEMO_NOTICE = "demo catalogue of invented products"


@dataclass(frozen=True)
class Catalogs:
    """The shards to search.

    Attributes:
        shards: checked.
        demo: whether they are the demo catalogue that comes with the package.
        notes: a sentence for each thing that the user should know of them.
    """

    shards: tuple[Shard, ...]
    demo: bool = False
    notes: tuple[str, ...] = ()


def default_bundle() -> Path:
    """Return the folder of the bundle that comes with the package."""
    return PACKAGED / "bundle"


def demo_shard() -> Path:
    """Return the folder of the demo catalogue that comes with the package."""
    return PACKAGED / "demo_shard"


def choose_bundle(given: Path | None) -> Path:
    """Return the bundle that the user named, else the packaged one."""
    return given or default_bundle()


def open_catalogs(given: Sequence[Path] | None, home: Path, space_id: str) -> Catalogs:
    """Open the shards that the user named, else those that were last synced, else the demo catalogue.

    Args:
        given: folders that the user named.
        home: where this device keeps its state.
        space_id: embedding space of the bundle; synced shards of another are left out, named ones are not.

    Raises:
        ArtefactRefused: a named shard is not what it says it is.
    """
    if given:
        return Catalogs(tuple(open_shard(path) for path in given))
    shards, notes = open_synced(home, space_id)
    if shards:
        return Catalogs(tuple(shards), notes=(*notes, *_expired(home)))
    return Catalogs((open_shard(demo_shard()),), demo=True, notes=tuple(notes))


def _expired(home: Path) -> tuple[str, ...]:
    state = read_state(home / TRUST / STATE)
    if time.time() <= state.expires_s:
        return ()
    day = time.strftime("%Y-%m-%d", time.gmtime(state.expires_s))
    return (f"the catalogue was good until {day}: tagging goes on, `edge sync` looks for a newer one",)


def add_home_argument(parser: argparse.ArgumentParser) -> None:
    """Declare `--home`, which `home_folder` takes."""
    parser.add_argument(
        "--home", type=Path, metavar="DIR", help="where state lives (default: the platform's data folder)"
    )


def home_folder(given: Path | None) -> Path:
    """Return where this device keeps its state: what the user named, else the platform's data folder."""
    from platformdirs import user_data_path

    return given or user_data_path("taglet", appauthor=False)
