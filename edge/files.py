"""Reading with a hash, writing without halves.

Whatever is written here appears under its name only when it is whole: it is written to a temporary file in the same
folder, flushed to the disk and renamed.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from edge.errors import ArtefactRefused, OutputError


def sha256_of_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes in hex, read in blocks."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def canonical_json(value: Any) -> bytes:
    """Return the one JSON text of a value that is hashed: sorted keys, no spaces, UTF-8, no NaN."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode()


def read_json_object(path: Path, what: str) -> dict[str, Any]:
    """Read a JSON file that must hold one object.

    Raises:
        ArtefactRefused: the file is missing, not JSON, or not an object; `what` names it in the sentence.
    """
    try:
        value = json.loads(path.read_bytes())
    except FileNotFoundError as e:
        raise ArtefactRefused(f"{path}: no such file, so this is not a {what}") from e
    except (ValueError, RecursionError, OSError) as e:
        raise ArtefactRefused(f"{path}: cannot be read as the description of a {what} ({e})") from e
    if not isinstance(value, dict):
        raise ArtefactRefused(f"{path}: a {what} is described by a JSON object, found {type(value).__name__}")
    return value


@contextmanager
def whole_file(path: Path, mode: int = 0o644) -> Iterator[Path]:
    """Yield a temporary path in the same folder; it replaces `path` if the block ends well, else it is removed.

    Args:
        path: where the file shall stand.
        mode: who may read it in the end; until then nobody else can.

    Raises:
        OutputError: the folder is not writable, the disk is full, or another I/O error while writing.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=path.suffix)
        os.close(handle)
    except OSError as e:
        raise OutputError(f"{path}: cannot be written ({e.strerror or e}): choose another place") from e
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.chmod(mode)
        temporary.replace(path)
    except OSError as e:
        raise OutputError(f"{path}: cannot be written ({e.strerror or e}): nothing was left behind") from e
    finally:
        with suppress(OSError):
            temporary.unlink()


def write_whole(path: Path, content: bytes | str, mode: int = 0o644) -> None:
    """Write a file so that it is either whole or not there; see `whole_file`."""
    with whole_file(path, mode) as temporary:
        temporary.write_bytes(content.encode() if isinstance(content, str) else content)


@contextmanager
def whole_folder(path: Path, marker: str, kind: str) -> Iterator[Path]:
    """Yield a temporary folder beside `path`; it takes the place of `path` if the block ends well, else it is removed.

    Args:
        path: where the folder shall stand. What stands there is replaced only if it is empty or holds `marker`.
        marker: name of the file that every folder of this kind has.
        kind: what the folder is, for the error message, such as "shard".

    Raises:
        OutputError: something else stands there, it cannot be written, or the disk is full.
    """
    require_replaceable(path, marker, kind)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}."))
    except OSError as e:
        raise OutputError(f"{path}: cannot be written ({e.strerror or e}): choose another place") from e
    try:
        yield temporary
        temporary.chmod(0o755)
        _flush(temporary)
        replace_folder(temporary, path)
    except OSError as e:
        raise OutputError(f"{path}: cannot be written ({e.strerror or e}): nothing was left behind") from e
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def require_replaceable(path: Path, marker: str, kind: str) -> None:
    """Raise `OutputError` unless `path` is free, an empty folder, or a folder of this kind; see `whole_folder`."""
    try:
        is_kind = (path / marker).is_file()
        taken = os.path.lexists(path) and not is_kind and not (path.is_dir() and not any(path.iterdir()))
    except OSError as e:
        raise OutputError(f"{path}: cannot be written ({e.strerror or e}): choose another place") from e
    if taken:
        raise OutputError(
            f"{path}: is there already and is not a {kind}: it holds something else (no {marker} in it): "
            "choose another place or remove it"
        )


def _flush(folder: Path) -> None:
    for path in (p for p in folder.rglob("*") if p.is_file()):
        with path.open("rb") as file:
            os.fsync(file.fileno())


def replace_folder(new: Path, path: Path) -> None:
    """Give a folder its name; one that is in the way is set aside first and comes back if the rename fails."""
    if not path.exists():
        new.rename(path)
        return
    aside = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}.old."))
    path.rename(aside / path.name)
    try:
        new.rename(path)
    except OSError:
        (aside / path.name).rename(path)
        raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)
