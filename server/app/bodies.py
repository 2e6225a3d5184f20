"""The body of a request: unpacked and parsed, and never larger or deeper than it may be.

>>> value = parsed(unpacked(data, "zstd", most=8_000_000))
"""

from __future__ import annotations

import json
import zlib
from typing import Any, NoReturn

import zstandard
from flask import request

from edge.shard.travel import MAX_WINDOW_BYTES
from server.app.problems import Problem
from server.app.service import service

GZIP = 31
"""zlib's window bits for a gzip member (RFC 1952)."""
STEP = 256
"""Bytes that are given to zstd at once: four of them can say 128 KiB of the same, so a step makes 8 MiB at most."""


def json_body() -> Any:
    """Return the JSON value that a request carries.

    Raises:
        Problem: 400, it is no JSON or not what its header says; 413, too large; 415, of another type or packing.
    """
    limits = service().settings.limits
    if request.mimetype != "application/json":
        raise Problem(415, f"the body is {request.mimetype[:60] or 'of no type'}: send application/json")
    if (request.content_length or 0) > limits.packed_bytes:
        raise _too_large(limits.packed_bytes)
    data = request.get_data(cache=False)
    if len(data) > limits.packed_bytes:
        raise _too_large(limits.packed_bytes)
    return parsed(unpacked(data, request.headers.get("Content-Encoding", "identity"), limits.unpacked_bytes))


def unpacked(data: bytes, packing: str, most: int) -> bytes:
    """Return a body as it was before it was packed.

    Args:
        data: as it came.
        packing: the header's word: "zstd" (RFC 8878), "gzip" (RFC 1952) or "identity".
        most: bytes that it may have.

    Raises:
        Problem: 400, it is not packed so, is cut short or has something behind it; 413; 415, another word.
    """
    match packing.strip().lower():
        case "identity" | "":
            content = data
        case "gzip":
            content = _gzip(data, most)
        case "zstd":
            content = _zstd(data, most)
        case other:
            raise Problem(415, f"the body is packed as {other[:40]!r}: send zstd, gzip or identity")
    if len(content) > most:
        raise _too_large(most)
    return content


def parsed(content: bytes) -> Any:
    """Return the value of a JSON text (RFC 8259: no NaN).

    Raises:
        Problem: 400, it is none, or nested beyond what a parser follows.
    """
    try:
        return json.loads(content.decode("utf-8"), parse_constant=_no_number)
    except RecursionError as e:
        raise Problem(400, "the body is nested too deeply") from e
    except ValueError as e:
        raise Problem(400, f"the body is no JSON ({str(e)[:80]})") from e


def _gzip(data: bytes, most: int) -> bytes:
    reader = zlib.decompressobj(GZIP)
    try:
        content = reader.decompress(data, most + 1)
    except zlib.error as e:
        raise _not_packed_so("gzip") from e
    if len(content) <= most and (not reader.eof or reader.unused_data):
        raise _not_packed_so("gzip")
    return content


def _zstd(data: bytes, most: int) -> bytes:
    reader = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW_BYTES).decompressobj()
    content, start = bytearray(), 0
    try:
        while start < len(data) and not reader.eof:
            content += reader.decompress(data[start : start + STEP])
            start += STEP
            if len(content) > most:
                raise _too_large(most)
    except zstandard.ZstdError as e:
        raise _not_packed_so("zstd") from e
    if not reader.eof or reader.unused_data or start < len(data):
        raise _not_packed_so("zstd")
    return bytes(content)


def _not_packed_so(packing: str) -> Problem:
    return Problem(400, f"the body is not one whole {packing} stream, as its header says")


def _too_large(most: int) -> Problem:
    return Problem(413, f"the body is more than {most} bytes: send fewer events at once")


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")
