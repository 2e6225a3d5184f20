"""What is used when the user names nothing: the packaged bundle, the demo catalogue, the platform's data folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

PACKAGED = Path(__file__).parent / "data"
DEMO_NOTICE = "demo catalogue of invented products"


@dataclass(frozen=True)
class ShardChoice:
    """The shards to search, and whether they are the demo catalogue that comes with the package."""

    paths: tuple[Path, ...]
    demo: bool


def default_bundle() -> Path:
    """Return the folder of the bundle that comes with the package."""
    return PACKAGED / "bundle"


def demo_shard() -> Path:
    """Return the folder of the demo catalogue that comes with the package."""
    return PACKAGED / "demo_shard"


def choose_bundle(given: Path | None) -> Path:
    """Return the bundle that the user named, else the packaged one."""
    return given or default_bundle()


def choose_shards(given: Sequence[Path] | None) -> ShardChoice:
    """Return the shards that the user named, else the demo catalogue."""
    if given:
        return ShardChoice(tuple(given), demo=False)
    return ShardChoice((demo_shard(),), demo=True)


def home_folder(given: Path | None) -> Path:
    """Return where this device keeps its state: what the user named, else the platform's data folder."""
    from platformdirs import user_data_path

    return given or user_data_path("taglet", appauthor=False)
