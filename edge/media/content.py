"""What a source is, told from its bytes: which pictures the kit reads, and the identity that tags are derived from."""

from __future__ import annotations

import errno
import hashlib
from pathlib import Path

from edge.errors import MediaError

MIB = 1 << 20
"""Bytes taken from each end of a file for its content id."""

CAMERA_PREFIX = "camera:"

SIGNATURES = {"JPEG": b"\xff\xd8\xff", "PNG": b"\x89PNG\r\n\x1a\n", "BMP": b"BM", "GIF": b"GIF8", "WEBP": b"RIFF"}
"""First bytes of each picture format that is read; a RIFF file is WebP only if bytes 8..12 say so."""


def content_id(path: Path) -> str:
    """Return the identity of a file's content, cheap for a file of any length.

    The rule (the browser follows the same one): SHA-256, in hex, over the file's length in bytes as ASCII decimal
    digits, a newline, and then the whole content if it is at most 2 MiB long, else its first 1 MiB followed by its
    last 1 MiB.

    Raises:
        MediaError: the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            length = file.seek(0, 2)
            digest = hashlib.sha256(f"{length}\n".encode())
            file.seek(0)
            digest.update(file.read(min(length, 2 * MIB) if length <= 2 * MIB else MIB))
            if length > 2 * MIB:
                file.seek(length - MIB)
                digest.update(file.read(MIB))
    except OSError as e:
        raise MediaError(f"{path}: cannot be read ({e.strerror or e}): check the disk and the permissions") from e
    return digest.hexdigest()


def first_bytes(path: Path) -> bytes:
    """Return up to 32 first bytes of a media file.

    Raises:
        MediaError: no such file, a folder, not readable, not a regular file, or empty.
    """
    try:
        if path.exists() and not path.is_file():
            raise MediaError(f"{path}: is not a file: give a picture, a video or a folder of them")
        with path.open("rb") as file:
            head = file.read(32)
    except FileNotFoundError as e:
        raise MediaError(f"{path}: no such file: check the name") from e
    except (OSError, ValueError) as e:  # ValueError: a null byte in the name
        reason = "permission denied" if getattr(e, "errno", None) == errno.EACCES else getattr(e, "strerror", None) or e
        raise MediaError(f"{path}: cannot be read ({reason}): check the name and the permissions") from e
    if not head:
        raise MediaError(f"{path}: is empty (0 bytes): copy it again from where it came from")
    return head


def picture_format(head: bytes) -> str | None:
    """Return the format of a picture by its first bytes ("JPEG", "PNG", "BMP", "GIF", "WEBP"), None if it is none."""
    for name, signature in SIGNATURES.items():
        if head.startswith(signature):
            return name if name != "WEBP" or head[8:12] == b"WEBP" else None
    return None


def unread_picture_format(head: bytes) -> str | None:
    """Return the name of a picture format that people have but that is not read here, None if it is none of them."""
    if head[4:8] == b"ftyp" and head[8:12] in (b"heic", b"heix", b"mif1", b"msf1", b"avif", b"avis"):
        return "HEIC or AVIF"
    if head[:4] in (b"II*\0", b"MM\0*"):
        return "TIFF or a camera's raw format"
    return "SVG" if head.lstrip().startswith(b"<svg") else None
