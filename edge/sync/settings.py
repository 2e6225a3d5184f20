"""Which server and catalogues this device follows, kept from one sync to the next."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from edge.files import write_whole

SETTINGS = "settings.json"
DEVICE = "device.json"
"""Holds the random id of this device."""


@dataclass(frozen=True)
class Settings:
    """What this device follows.

    Attributes:
        server: address; empty where none is known.
        catalogs: names; empty: all that the server publishes.
    """

    server: str = ""
    catalogs: tuple[str, ...] = ()


def read_settings(home: Path) -> Settings:
    """Read the settings; the defaults where there are none that can be read."""
    try:
        value = json.loads((home / SETTINGS).read_bytes())
        return Settings(str(value["server"]), tuple(str(name) for name in value["catalogs"]))
    except (OSError, ValueError, KeyError, TypeError):
        return Settings()


def write_settings(home: Path, settings: Settings) -> None:
    """Write the settings, whole or not at all.

    Raises:
        OutputError: they cannot be written.
    """
    value = {"server": settings.server, "catalogs": list(settings.catalogs)}
    write_whole(home / SETTINGS, json.dumps(value, indent=1) + "\n")
