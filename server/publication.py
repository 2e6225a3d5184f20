"""Writing what is served, in an order that a device never sees the worse half of.

Law: a file is written before anything that names it. Parts, deltas and packs first, then the index, targets and
snapshot; the timestamp, which a device asks for first, is written last and is the switch. All but it are new names, so
a command that is killed leaves the old state served whole, and the next one finishes.

    public/metadata/N.root.json  N.targets.json  N.snapshot.json  timestamp.json
    public/targets/<sha256>.CATALOG.json
    public/files/<first two hex digits>/<sha256>
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from edge.errors import OutputError
from edge.files import sha256_of_file, write_whole
from edge.sync.index import PublishedFile

FILES, TARGETS = "files", "targets"


@dataclass(frozen=True, repr=False)
class Write:
    """One file to be served.

    Attributes:
        path: below the public folder, with "/".
        data: its content.
        step: "files", "index", "targets", "snapshot", "timestamp" or "root".
    """

    path: str
    data: bytes | memoryview
    step: str

    def __repr__(self) -> str:
        return f"Write({self.path}, {len(self.data)} bytes, {self.step})"


@dataclass(frozen=True, repr=False)
class Blob:
    """A file that is named by its hash, with its content."""

    file: PublishedFile
    data: bytes | memoryview

    @classmethod
    def of(cls, data: bytes | memoryview, unpacked_bytes: int | None = None) -> Blob:
        """Describe content; `unpacked_bytes` is its own length unless it is packed."""
        length = len(data)
        unpacked = length if unpacked_bytes is None else unpacked_bytes
        return cls(PublishedFile(hashlib.sha256(data).hexdigest(), length, unpacked), data)

    @property
    def write(self) -> Write:
        """The write that serves it."""
        return Write(file_path(self.file.sha256), self.data, "files")


def file_path(sha256: str) -> str:
    """Return where a file lies below the public folder."""
    return f"{FILES}/{sha256[:2]}/{sha256}"


def index_path(catalog: str, sha256: str) -> str:
    """Return where the index of a catalogue lies below the public folder."""
    return f"{TARGETS}/{sha256}.{target_name(catalog)}"


def target_name(catalog: str) -> str:
    """Return the name that the index of a catalogue is signed under."""
    return f"{catalog}.json"


def reached(step: str) -> None:
    """Do nothing: tests end the process here to see that a killed command leaves a whole tree."""


def commit(public: Path, writes: Sequence[Write]) -> None:
    """Write files in their order, each whole; what one step wrote is on the disk before the next step begins.

    A file that is there already with the same content is left alone, so a command that was killed goes on where it was.

    Raises:
        OutputError: the folder is not writable or the disk is full; the old state is still served.
    """
    reached("begun")
    for step, same in groupby(writes, key=lambda write: write.step):
        folders: set[Path] = set()
        for write in same:
            path = public / write.path
            if not _is_there(path, write):
                write_whole(path, write.data)  # type: ignore[arg-type]
                folders |= {path.parent, path.parent.parent}
            reached(step)
        _flush(folders)


def _is_there(path: Path, write: Write) -> bool:
    try:
        return path.stat().st_size == len(write.data) and sha256_of_file(path) == hashlib.sha256(write.data).hexdigest()
    except OSError:
        return False


def _flush(folders: Iterable[Path]) -> None:
    try:
        for folder in folders:
            handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
    except OSError as e:
        raise OutputError(f"cannot be flushed to the disk ({e.strerror or e}): publish again") from e
