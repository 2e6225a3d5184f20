"""A checked, resumable download: a file appears under its name only when its length and SHA-256 are right.

What has arrived waits in `NAME.part` beside the target, so that a broken connection costs what was missing only. The
standard library does it (urllib): the usual libraries for fetching data sets do not resume, and a general HTTP client
would be a dependency for one request.

    >>> download(model.url(), Path("models/yolox-nano.onnx"), model.bytes, model.sha256)
"""

from __future__ import annotations

import http.client
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from edge.errors import ArtefactRefused, NetworkError, OutputError, UsageError
from edge.files import sha256_of_file

BLOCK = 1 << 16
TIMEOUT_S = 30.0
ATTEMPTS = 4
PAUSE_S = 0.5
Arrived = Callable[[int], None]


class _Broken(Exception):
    """The connection broke; what has arrived is kept."""


def download(url: str, target: Path, length: int, sha256: str, arrived: Arrived = lambda n: None) -> bool:
    """Fetch a file unless it is there.

    Args:
        url: http or https.
        target: where it shall stand; its folder is made.
        length: bytes that it must have; never more is read.
        sha256: in hex.
        arrived: called with the number of bytes that are there, from time to time.

    Returns:
        False if it was there already.

    Raises:
        UsageError: the address is not http or https.
        NetworkError: no connection, or it broke too often; what has arrived is kept for the next call.
        ArtefactRefused: what came is not what was asked for; nothing is kept.
        OutputError: it cannot be written.
    """
    if not url.startswith(("http://", "https://")):
        raise UsageError(f"{url}: an address must start with http:// or https://")
    try:
        if target.is_file() and target.stat().st_size == length and sha256_of_file(target) == sha256:
            return False
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(target.name + ".part")
        resumed = _prepare(part, length)
        _fetch(url, part, length, arrived)
        if resumed and sha256_of_file(part) != sha256:  # the kept part may be of another day or half-written
            part.unlink()
            _fetch(url, part, length, arrived)
        _finish(url, part, target, sha256)
    except OSError as e:
        raise OutputError(f"{target}: cannot be written ({e.strerror or e})") from e
    return True


def _prepare(part: Path, length: int) -> bool:
    """Return whether there is a part to go on from; drop one that is too long."""
    if not part.is_file():
        return False
    if part.stat().st_size > length:
        part.unlink()
        return False
    return part.stat().st_size > 0


def _fetch(url: str, part: Path, length: int, arrived: Arrived) -> None:
    """Read until the part is whole; a connection that breaks is made again as long as it brings something."""
    part.touch()
    failures = 0
    while (before := _size(part)) < length:
        try:
            _read(url, part, length, arrived)
        except _Broken as e:
            failures = 1 if _size(part) > before else failures + 1
            if failures >= ATTEMPTS:
                have = _size(part)
                kept = f"{have} of {length} bytes are kept, run the command again to go on from there"
                raise NetworkError(f"{url}: {e}; {kept if have else 'is there a network?'}") from e
            time.sleep(PAUSE_S * failures)


def _read(url: str, part: Path, length: int, arrived: Arrived) -> None:
    start = _size(part)
    headers = {"User-Agent": "taglet", "Accept-Encoding": "identity"}
    request = urllib.request.Request(url, headers=headers | ({"Range": f"bytes={start}-"} if start else {}))
    try:
        response = urllib.request.urlopen(request, timeout=TIMEOUT_S)
    except urllib.error.HTTPError as e:
        e.close()
        _refuse(e, url, part)
    except (OSError, http.client.HTTPException) as e:
        reason = getattr(e, "reason", e)
        raise _Broken(f"cannot be reached ({getattr(reason, 'strerror', None) or reason})") from e
    with response:
        goes_on = response.status == 206 and response.headers.get("Content-Range", "").startswith(f"bytes {start}-")
        _append(response, part, start if goes_on else 0, length, arrived)


def _refuse(answer: urllib.error.HTTPError, url: str, part: Path) -> NoReturn:
    if answer.code == 416:
        part.unlink(missing_ok=True)
        raise _Broken("the server cannot go on from where it stopped")
    if answer.code >= 500 or answer.code == 429:
        raise _Broken(f"the server answers {answer.code} ({answer.reason})")
    raise NetworkError(f"{url}: the server answers {answer.code} ({answer.reason}): the file is not there")


def _append(response: http.client.HTTPResponse, part: Path, start: int, length: int, arrived: Arrived) -> None:
    """Write the answer behind the first `start` bytes; more than `length` is refused, less is a broken connection."""
    have = start
    with part.open("r+b" if start else "wb") as file:
        file.seek(start)
        while have <= length and (block := _block(response)):
            have += len(block)
            if have <= length:
                file.write(block)
                arrived(have)
    if have > length:
        part.unlink()
        raise ArtefactRefused(f"{response.url}: longer than the {length} bytes that it must have: nothing was kept")
    if have < length:
        raise _Broken("the connection broke")


def _block(response: http.client.HTTPResponse) -> bytes:
    try:
        return response.read1(BLOCK)
    except (OSError, http.client.HTTPException) as e:
        raise _Broken(f"the connection broke ({type(e).__name__})") from e


def _finish(url: str, part: Path, target: Path, sha256: str) -> None:
    found = sha256_of_file(part)
    if found != sha256:
        part.unlink()
        raise ArtefactRefused(f"{url}: has SHA-256 {found[:16]}..., expected {sha256[:16]}...: nothing was kept")
    with part.open("rb") as file, suppress(OSError):
        os.fsync(file.fileno())
    part.replace(target)


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0
