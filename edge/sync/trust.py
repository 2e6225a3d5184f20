"""What may be believed: The Update Framework (theupdateframework.github.io), through python-tuf.

The framework's own client verifies everything; this module feeds it from our line, gives it a clock that never goes
back, and turns what it says into sentences. Its metadata lives in `home/trust/`; nothing is installed that it has not
vouched for.

    >>> trust = Trust(home / "trust", line, clock)
    >>> trust.refresh()
    >>> trust.index("grocery")
    Index(catalog='grocery', ...)
"""

from __future__ import annotations

import datetime
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tuf.api import exceptions
from tuf.api.metadata import Metadata, Root, Targets, Timestamp
from tuf.ngclient import Updater, UpdaterConfig
from tuf.ngclient.fetcher import FetcherInterface

from edge.errors import ArtefactRefused, NetworkError, OutputError, UsageError
from edge.files import write_whole
from edge.sync.download import CAPTIVE
from edge.sync.index import MAX_INDEX_BYTES, Index, read_index
from edge.sync.transport import ATTEMPTS, Transport, pause_s
from edge.sync.trust_state import STATE, TrustState, read_state

DAY_S = 86_400.0
METADATA = "metadata"
TARGETS = "targets"
_CONFIG = UpdaterConfig(
    max_root_rotations=64,
    root_max_length=64_000,
    timestamp_max_length=8_000,
    snapshot_max_length=64_000,
    targets_max_length=256_000,
    app_user_agent="taglet",
)


class Trust:
    """Verified metadata of one server, kept in a folder."""

    def __init__(self, folder: Path, line: Transport, now_s: float) -> None:
        """Open what is there.

        Args:
            folder: where metadata is kept.
            line: answers requests.
            now_s: what this device's clock shows, seconds since 1970.
        """
        self.folder = folder
        self._line = line
        self._state = read_state(folder / STATE)
        self.now_s = max(now_s, self._state.seen_s)
        self._updater: Updater | None = None

    @property
    def is_new(self) -> bool:
        """Whether no root is known yet."""
        return not (self.folder / METADATA / "root.json").exists()

    def begin(self, root: bytes) -> None:
        """Believe a root from now on; later ones must be signed by it.

        Raises:
            ArtefactRefused: it is no root metadata, or does not sign itself.
        """
        try:
            metadata = Metadata[Root].from_bytes(root)
            metadata.verify_delegate(Root.type, metadata)
        except (exceptions.RepositoryError, ValueError, KeyError, TypeError) as e:
            raise ArtefactRefused(f"{self._line.address}: its root.json cannot be trusted ({str(e)[:120]})") from e
        (self.folder / METADATA).mkdir(parents=True, exist_ok=True)
        write_whole(self.folder / METADATA / "root.json", root)

    def fetch_first_root(self) -> bytes:
        """Return the server's first root; whoever uses it trusts this one answer.

        Raises:
            NetworkError: there is no answer, or no root.
        """
        with self._as_sentences():
            return b"".join(_TufLine(self._line).fetch(f"{METADATA}/1.root.json"))

    def is_unchanged(self) -> bool:
        """Ask whether the timestamp is still the one that was verified: one conditional request.

        Returns:
            True where nothing is new and all that is held is unexpired and was verified within a day. False says
            nothing: ask `refresh`.
        """
        recent = 0 <= self.now_s - self._state.refreshed_s < DAY_S
        if not (self._state.etag and recent and self.now_s < self._state.expires_s):
            return False
        with self._line.get(f"{METADATA}/timestamp.json", etag=self._state.etag) as answer:
            return answer.status == 304

    def refresh(self) -> None:
        """Fetch and verify what is new: root, timestamp, snapshot, targets.

        Raises:
            ArtefactRefused: it is not signed as it must be, older than what is held, or expired.
            NetworkError: the server cannot be reached.
        """
        line = _TufLine(self._line)
        with self._as_sentences():
            updater = Updater(
                str(self.folder / METADATA),
                f"{METADATA}/",
                target_base_url=f"{TARGETS}/",
                fetcher=line,
                config=_CONFIG,
                bootstrap=(self.folder / METADATA / "root.json").read_bytes(),
            )
            # A clock that went back must not bring expired metadata to life again: only ever later than the system's.
            updater._trusted_set.reference_time = datetime.datetime.fromtimestamp(self.now_s, datetime.UTC)
            updater.refresh()
        self._updater = updater
        etag = line.etags.get(f"{METADATA}/timestamp.json", "")
        self._state = TrustState(
            etag, self.now_s, self.now_s, self._held(Timestamp, "timestamp.json").expires.timestamp()
        )
        write_whole(self.folder / STATE, json.dumps(asdict(self._state)))

    def catalogs(self) -> tuple[str, ...]:
        """Return the names of all catalogues that the server publishes, as verified last."""
        targets = self._held(Targets, "targets.json")
        names = targets.targets if targets else {}
        return tuple(sorted(name.removesuffix(".json") for name in names if name.endswith(".json")))

    def index(self, catalog: str) -> Index | None:
        """Return the index of a catalogue, fetched if it is not held; None where the server has no such catalogue.

        Raises:
            ArtefactRefused: it is not what was signed.
            NetworkError: the server cannot be reached.
        """
        assert self._updater is not None, "refresh goes first"
        path = self.folder / TARGETS / f"{catalog}.json"
        with self._as_sentences():
            target = self._updater.get_targetinfo(f"{catalog}.json")
            if target is None:
                return None
            if target.length > MAX_INDEX_BYTES:
                raise ArtefactRefused(f"{self._line.address}: the index of {catalog} has {target.length} bytes")
            if self._updater.find_cached_target(target, str(path)) is None:
                self._updater.download_target(target, str(path))
        return self.held_index(catalog)

    def held_index(self, catalog: str) -> Index | None:
        """Return the index of a catalogue without a network; None where the one that was verified last is not here."""
        targets, path = self._held(Targets, "targets.json"), self.folder / TARGETS / f"{catalog}.json"
        target = targets.targets.get(path.name) if targets else None
        if target is None or not path.is_file():
            return None
        data = path.read_bytes()
        try:
            target.verify_length_and_hashes(data)
        except exceptions.LengthOrHashMismatchError:
            return None
        index = read_index(data, f"{self._line.address}, index of {catalog}")
        if index.catalog != catalog:
            raise ArtefactRefused(f"{self._line.address}: the index of {catalog} is that of {index.catalog}")
        return index

    def _held(self, kind: Any, name: str) -> Any:
        try:
            return Metadata[kind].from_file(str(self.folder / METADATA / name)).signed
        except (exceptions.RepositoryError, exceptions.StorageError, OSError):
            return None

    @contextmanager
    def _as_sentences(self) -> Iterator[None]:
        where = self._line.address
        try:
            yield
        except exceptions.ExpiredMetadataError as e:
            day = datetime.datetime.fromtimestamp(self.now_s, datetime.UTC).date()
            raise ArtefactRefused(
                f"{where}: what it signed has expired ({e}; today is {day} by this device): nothing new is installed, "
                "tagging goes on; check the clock, else whoever runs the server must refresh it"
            ) from e
        except exceptions.BadVersionNumberError as e:
            raise ArtefactRefused(f"{where}: offers something older than this device has seen ({e}): refused") from e
        except exceptions.UnsignedMetadataError as e:
            raise ArtefactRefused(f"{where}: a signature is missing or wrong ({e}): refused") from e
        except exceptions.DownloadHTTPError as e:
            raise NetworkError(f"{where}: no catalogues are published there (status {e.status_code})") from e
        except exceptions.DownloadLengthMismatchError as e:
            raise ArtefactRefused(f"{where}: sends more than was signed: refused") from e
        except exceptions.DownloadError as e:
            cause = e.__cause__
            raise NetworkError(str(cause) if isinstance(cause, NetworkError) else f"{where}: {e}") from e
        except exceptions.RepositoryError as e:
            raise ArtefactRefused(f"{where}: what it signed contradicts itself ({str(e)[:160]}): refused") from e
        except OSError as e:
            raise OutputError(f"{self.folder}: cannot be written ({e.strerror or e}): nothing has changed") from e


class _TufLine(FetcherInterface):
    """Feeds the framework from our line; a line that worked and breaks is tried again, one that never did is not."""

    def __init__(self, line: Transport) -> None:
        self._line = line
        self.etags: dict[str, str] = {}
        self._answered = False

    def _fetch(self, url: str) -> Iterator[bytes]:
        failures = 0
        while True:
            try:
                yield self._whole(url)
                return
            except NetworkError:
                failures += 1
                if not self._answered or failures >= ATTEMPTS:
                    raise
                time.sleep(pause_s(failures))

    def _whole(self, url: str) -> bytes:
        """Return a file of metadata, which is short; the framework says how short, here it ends at the longest."""
        with self._line.get(url) as answer:
            if answer.status != 200:
                raise exceptions.DownloadHTTPError(f"{url}: status {answer.status}", answer.status)
            if answer.is_page:
                raise NetworkError(f"{self._line.address}: {CAPTIVE}")
            self.etags[url] = answer.headers.get("etag", "")
            body = bytearray()
            for block in answer.blocks:
                body += block
                if len(body) > MAX_INDEX_BYTES:
                    break
        self._answered = True
        return bytes(body)


def read_root(path: Path) -> bytes:
    """Read a root that the operator handed over.

    Raises:
        UsageError: there is no such file.
    """
    try:
        return path.read_bytes()
    except OSError as e:
        raise UsageError(f"{path}: cannot be read ({e.strerror or e})") from e
