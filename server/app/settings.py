"""What the service is told when it starts, by a command or by environment variables."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from edge.errors import UsageError
from server.app.site import default_folder
from server.database.connection import sqlite_address
from server.database.limiting import Limit
from server.repository import Repository, open_repository

DATABASE_FILE = "server.sqlite3"


@dataclass(frozen=True)
class Limits:
    """How much may be asked for.

    Attributes:
        enrolments: codes that one network address may try in vain.
        tokens: unknown tokens that one network address may show.
        batches: of one device.
        logins: wrong passwords from one network address.
        all_logins: wrong passwords from everywhere: what checking them may cost.
        packed_bytes: longest body as it travels.
        unpacked_bytes: longest body once unpacked.
    """

    enrolments: Limit = field(default_factory=lambda: Limit("enrol", 10, 600))
    tokens: Limit = field(default_factory=lambda: Limit("token", 100, 600))
    batches: Limit = field(default_factory=lambda: Limit("batch", 600, 60))
    logins: Limit = field(default_factory=lambda: Limit("login", 5, 900))
    all_logins: Limit = field(default_factory=lambda: Limit("all logins", 200, 900))
    packed_bytes: int = 2_000_000
    unpacked_bytes: int = 8_000_000


@dataclass(frozen=True)
class ServiceSettings:
    """What the service needs to know.

    Attributes:
        repository: what `init` made.
        database: address of the database.
        proxies: how many proxies stand in front of the service; the address of a client is taken from what they say.
        limits: how much may be asked for.
        page: folder of the built upload page; it need not be there.
    """

    repository: Repository
    database: str
    proxies: int = 0
    limits: Limits = field(default_factory=Limits)
    page: Path = field(default_factory=default_folder)


def settings_of(
    folder: Path, database: str | None = None, proxies: int = 0, page: Path | None = None
) -> ServiceSettings:
    """Return the settings for a repository; without an address the database is a file in its folder.

    Raises:
        ArtefactRefused: the folder is no repository.
    """
    repository = open_repository(folder)
    address = database or sqlite_address(folder / DATABASE_FILE)
    return ServiceSettings(repository, address, proxies, page=page or default_folder())


def settings_from(environment: Mapping[str, str] = os.environ) -> ServiceSettings:
    """Return the settings that TAGLET_REPOSITORY, TAGLET_DATABASE, TAGLET_PROXIES and TAGLET_PAGE name.

    Raises:
        UsageError: the repository is not named, or the number of proxies is none.
        ArtefactRefused: it is none.
    """
    folder = environment.get("TAGLET_REPOSITORY")
    if not folder:
        raise UsageError("TAGLET_REPOSITORY is not set: it names the folder that `init` made")
    proxies = environment.get("TAGLET_PROXIES", "0")
    if not proxies.isdecimal():
        raise UsageError(f"TAGLET_PROXIES: expected a whole number, found {proxies[:20]!r}")
    page = environment.get("TAGLET_PAGE")
    return settings_of(Path(folder), environment.get("TAGLET_DATABASE"), int(proxies), Path(page) if page else None)
