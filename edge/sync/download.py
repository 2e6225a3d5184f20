"""Fetching a file by its hash, from the byte where the last attempt ended, over a line that breaks.

A file is named by its SHA-256 and never changes, so what came of it yesterday is still good. It is kept under
`partial/` until it is whole; nobody opens it before its length and its hash have been checked.

    >>> data = Downloads(home / "partial", line).fetch(delta.file, "files/ab/abcd...")
"""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from edge.errors import ArtefactRefused, NetworkError, OutputError
from edge.sync.index import PublishedFile
from edge.sync.transport import ATTEMPTS, Answer, Transport, pause_s

CAPTIVE = "answered with a web page: sign in to this network, or check the address"
Watch = Callable[[int], None]


@dataclass
class Downloads:
    """Fetches files into a folder of unfinished ones.

    Attributes:
        folder: where unfinished files wait.
        line: answers requests.
        watch: is told of every block's length.
        pause: waits some seconds.
        attempts: how often in a row a file may bring no new byte before it is given up.
    """

    folder: Path
    line: Transport
    watch: Watch = field(default=lambda length: None)
    pause: Callable[[float], None] = time.sleep
    attempts: int = ATTEMPTS

    def fetch(self, file: PublishedFile) -> bytes:
        """Return a file's bytes, once length and SHA-256 are right; what came is kept if it does not come whole.

        Raises:
            NetworkError: the line or the server failed again and again.
            ArtefactRefused: the server sends something else than was signed.
            OutputError: the disk is full or cannot be written.
        """
        path = self.path_of(file)
        resumed = self.held(file) > 0
        if self._length(path) < file.bytes or not file.bytes:
            self._complete(file, path)
        try:
            return self._checked(file, path)
        except ArtefactRefused:
            if not resumed:
                raise
        return self.fetch(file)  # what was kept from earlier was bad: once more, from the first byte

    def path_of(self, file: PublishedFile) -> Path:
        """Return where a file waits until it is whole."""
        return self.folder / file.sha256

    def held(self, file: PublishedFile) -> int:
        """Return how many bytes of a file are here already."""
        return min(self._length(self.path_of(file)), file.bytes)

    def _complete(self, file: PublishedFile, path: Path) -> None:
        failures = 0
        while True:
            before = self._length(path)
            try:
                self._go_on(file, path, before)
                return
            except NetworkError:
                failures = 1 if self._length(path) > before else failures + 1
                if failures >= self.attempts:
                    raise
                self.pause(pause_s(failures))

    def _go_on(self, file: PublishedFile, path: Path, start: int) -> None:
        with self.line.get(remote_path(file.sha256), start=start) as answer:
            skip = self.require_usable(answer, start)
            self._append(path, file.bytes, answer, skip)
        if self._length(path) < file.bytes:
            raise NetworkError(f"{self.line.address}: a file ended after {self._length(path)} of {file.bytes} bytes")

    def require_usable(self, answer: Answer, start: int) -> int:
        """Return how many bytes of the body are here already; a server that knows no ranges sends them again."""
        if answer.is_page:
            raise NetworkError(f"{self.line.address}: {CAPTIVE}")
        if answer.status == 200:
            return start
        said = re.match(r"bytes (\d+)-", answer.headers.get("content-range", ""))
        if answer.status == 206 and said and int(said[1]) == start:
            return 0
        raise NetworkError(f"{self.line.address}: answered with status {answer.status}")

    def _append(self, path: Path, length: int, answer: Answer, skip: int) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with path.open("ab") as file:
                for block in answer.blocks:
                    self.watch(len(block))
                    skipped, skip = block[skip:], max(0, skip - len(block))
                    left = length - file.tell()
                    file.write(skipped[:left])
                    if len(skipped) > left:
                        return
        except OSError as e:
            raise OutputError(f"{path}: cannot be written ({e.strerror or e}): what came is kept") from e

    def _checked(self, file: PublishedFile, path: Path) -> bytes:
        try:
            data = path.read_bytes()
        except OSError as e:
            raise OutputError(f"{path}: cannot be read ({e.strerror or e})") from e
        if len(data) != file.bytes or hashlib.sha256(data).hexdigest() != file.sha256:
            self.forget(file)
            raise ArtefactRefused(f"{self.line.address}: sends another file than was signed ({file.sha256[:12]})")
        return data

    def forget(self, file: PublishedFile) -> None:
        """Remove what is here of a file."""
        with suppress(OSError):
            os.unlink(self.path_of(file))

    @staticmethod
    def _length(path: Path) -> int:
        try:
            return path.stat().st_size
        except OSError:
            return 0


def remote_path(sha256: str) -> str:
    """Return where a published file lies below the server's address."""
    return f"files/{sha256[:2]}/{sha256}"
