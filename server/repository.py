"""A repository: the folder of an operator that holds keys, what is published, and what happened.

    DIR/repository.json    settings
    DIR/keys/offline/      private keys of root and targets: to be carried away
    DIR/keys/online/       private keys of snapshot and timestamp
    DIR/public/            what a web server serves; see server.publication
    DIR/shards/            the last shards of every catalogue, which deltas start from; see server.shard_store
    DIR/journal.jsonl      what was done, when and why, one JSON object a line

Whoever changes it holds its lock.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from edge.errors import ArtefactRefused, InputError, OutputError
from edge.files import read_json_object, write_whole

SCHEMA = 1
MARKER = "repository.json"
KIND = "repository"
ROLES = ("root", "targets", "snapshot", "timestamp")
LIFE_DAYS = {"root": 365.0, "targets": 365.0, "snapshot": 28.0, "timestamp": 7.0}
KEEP = 7
GRACE_DAYS = 14.0


@dataclass(frozen=True)
class Settings:
    """What an operator chose at `init`.

    Attributes:
        life_days: how long each role's metadata is valid from its signing, in days.
        keep: how many older versions get a direct delta to the newest.
        grace_days: how long a file that nothing names any more is still served.
    """

    life_days: Mapping[str, float] = field(default_factory=lambda: dict(LIFE_DAYS))
    keep: int = KEEP
    grace_days: float = GRACE_DAYS

    def life(self, role: str) -> timedelta:
        """Return how long the metadata of a role is valid."""
        return timedelta(days=self.life_days[role])

    def text(self) -> str:
        """Return the content of repository.json."""
        return json.dumps({"schema": SCHEMA, **asdict(self), "life_days": dict(self.life_days)}, indent=1) + "\n"


@dataclass(frozen=True)
class Repository:
    """An opened repository.

    Attributes:
        root: its folder.
        settings: of repository.json.
    """

    root: Path
    settings: Settings

    @property
    def public(self) -> Path:
        """Folder that a web server serves."""
        return self.root / "public"

    @property
    def shards(self) -> Path:
        """Folder of the last shards."""
        return self.root / "shards"

    @property
    def offline_keys(self) -> Path:
        """Where the offline keys are made; they are not meant to stay."""
        return self.root / "keys" / "offline"

    @property
    def online_keys(self) -> Path:
        """Where the online keys lie."""
        return self.root / "keys" / "online"

    @property
    def journal(self) -> Path:
        """The log."""
        return self.root / "journal.jsonl"

    def keeping(self, keep: int | None) -> Repository:
        """Return the repository with another number of older versions that get direct deltas, and note it."""
        if keep is None or keep == self.settings.keep:
            return self
        settings = replace(self.settings, keep=keep)
        write_whole(self.root / MARKER, settings.text())
        return replace(self, settings=settings)

    @contextmanager
    def locked(self, wait_s: float) -> Iterator[None]:
        """Hold the repository's lock; the system drops it when the process ends, however it ends.

        Raises:
            InputError: another process holds it and does not let go within `wait_s` seconds.
            OutputError: the folder is not writable.
        """
        lock = FileLock(self.root / ".lock")
        try:
            lock.acquire(timeout=wait_s)
        except Timeout as e:
            raise InputError(f"{self.root}: another command is changing this repository: try again later") from e
        except OSError as e:
            raise OutputError(f"{self.root}: cannot be written ({e.strerror or e})") from e
        try:
            yield
        finally:
            lock.release()

    def log(self, now: datetime, event: str, **details: Any) -> None:
        """Add a line to the journal and flush it to the disk.

        Raises:
            OutputError: it cannot be written.
        """
        line = json.dumps({"time": now.isoformat(timespec="seconds"), "event": event, **details}, ensure_ascii=False)
        try:
            with self.journal.open("a", encoding="utf-8") as file:
                file.write(line + "\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as e:
            raise OutputError(f"{self.journal}: cannot be written ({e.strerror or e}): nothing was published") from e


def open_repository(root: Path) -> Repository:
    """Open a repository.

    Raises:
        ArtefactRefused: the folder is none, or its settings are malformed or newer.
    """
    path = root / MARKER
    value = read_json_object(path, f"{KIND}: make one with `python -m server init {root}`")
    if value.pop("schema", None) != SCHEMA:
        raise ArtefactRefused(f"{path}: of another schema than {SCHEMA}: update this program")
    try:
        settings = Settings(**value)
        lives = [float(settings.life_days[role]) for role in ROLES]
        sound = min(lives) > 0 and settings.keep >= 1 and settings.grace_days >= 0
    except (TypeError, ValueError, KeyError, AttributeError) as e:
        raise ArtefactRefused(f"{path}: malformed ({str(e)[:80]})") from e
    if not sound:
        raise ArtefactRefused(f"{path}: lives must be above 0, keep at least 1, grace_days 0 or more")
    return Repository(root, settings)
