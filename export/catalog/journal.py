"""The journal of a build: every vector that has been computed, so that a killed build goes on where it stopped.

A file beside the output. It begins with what it belongs to; each record after that holds the SHA-256 of a picture
file, its int8 vector, and the first bytes of a SHA-256 over both and the beginning. Reading stops at the first record
that is not whole, and writing goes on from there; a journal of another embedding space is begun anew.
"""

from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path
from types import TracebackType

import numpy as np

from edge.errors import OutputError
from edge.files import canonical_json
from edge.shard.vectors import Int8s

_CHECK_BYTES = 8
_SHA256_BYTES = 32
FLUSH_EVERY = 64


class Journal:
    """Vectors by the SHA-256 of their picture, kept on disk as they come.

    Attributes:
        vectors: int8 (ndim,) by the 32 bytes of a picture's SHA-256: what an earlier build left, and what is new.
        resumed: how many an earlier build left.
    """

    def __init__(self, path: Path, space_id: str, ndim: int) -> None:
        """Open the journal, or begin it.

        Raises:
            OutputError: it cannot be written.
        """
        self._path, self._ndim = path, ndim
        self._head = canonical_json({"journal": 1, "ndim": ndim, "space_id": space_id}) + b"\n"
        self.vectors: dict[bytes, Int8s] = {}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            whole = self._read()
            self._file = path.open("r+b" if whole else "wb", buffering=0)
            self._begin(whole)
        except OSError as e:
            raise OutputError(f"{path}: cannot be written ({e.strerror or e}): choose another place") from e
        self.resumed = len(self.vectors)

    def add(self, picture_sha256: bytes, vector: Int8s) -> None:
        """Keep one vector; it survives this process from here on, and a power cut within `FLUSH_EVERY` more.

        Raises:
            OutputError: the disk is full.
        """
        body = picture_sha256 + vector.tobytes()
        try:
            self._write(body + self._check(body))
            self.vectors[picture_sha256] = vector
            if len(self.vectors) % FLUSH_EVERY == 0:
                os.fsync(self._file.fileno())
        except OSError as e:
            raise OutputError(
                f"{self._path}: cannot be written ({e.strerror or e}): make room and start again, "
                f"{len(self.vectors)} vectors are kept"
            ) from e

    def remove(self) -> None:
        """Remove the file, when what it was kept for is done."""
        self._file.close()
        self._path.unlink(missing_ok=True)

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def _read(self) -> int:
        """Take over what an earlier build left and return how many bytes of it are whole."""
        content = self._path.read_bytes() if self._path.is_file() else b""
        if not content.startswith(self._head):
            return 0
        length, at = _SHA256_BYTES + self._ndim, len(self._head)
        while len(record := content[at : at + length + _CHECK_BYTES]) == length + _CHECK_BYTES:
            body, check = record[:length], record[length:]
            if self._check(body) != check:
                break
            self.vectors[body[:_SHA256_BYTES]] = np.frombuffer(body, np.int8, offset=_SHA256_BYTES)
            at += len(record)
        return at

    def _begin(self, whole: int) -> None:
        if whole:
            self._file.truncate(whole)
            self._file.seek(whole)
        else:
            self._write(self._head)

    def _write(self, content: bytes) -> None:
        if self._file.write(content) != len(content):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _check(self, body: bytes) -> bytes:
        return hashlib.sha256(self._head + body).digest()[:_CHECK_BYTES]
