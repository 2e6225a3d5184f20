"""Vectors that creators agreed to share, on their way from the server to the next catalogue.

One file of JSON lines, written by `server views export`, read by `export catalog --views`; see docs/formats/views.md.
No picture, no name, no time: a pseudonym that is drawn anew for each file, a product, a vector.

    >>> write_contributed(path, [ContributedView("9f…", "oat-1l", space_id, vector)])
    >>> read_contributed(path).views[0].product_id
    'oat-1l'
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.document_fields import Fields
from edge.errors import ArtefactRefused, InputError
from edge.events import LARGEST_VECTOR, LONGEST_TEXT
from edge.files import canonical_json, whole_file

SCHEMA = 1
KIND = "taglet contributed views"
LONGEST_LINE = 16_384


@dataclass(frozen=True)
class ContributedView:
    """What one device says one product looks like.

    Attributes:
        voice: 16 hex digits, the same for all of one device's vectors in one file and in no other file.
        product_id: the product that was accepted, or corrected to.
        space_id: embedding space of the vector.
        vector: int8 numbers as bytes, 1 to 4,096.
    """

    voice: str
    product_id: str
    space_id: str
    vector: bytes


@dataclass(frozen=True)
class ContributedFile:
    """The vectors of a file, and a sentence for each line that cannot be used."""

    views: tuple[ContributedView, ...]
    problems: tuple[str, ...]


def write_contributed(path: Path, views: Iterable[ContributedView]) -> int:
    """Write a file whole or not at all, in an order that says nothing of time; return how many views it has.

    Raises:
        OutputError: it cannot be written.
    """
    lines = sorted(_line(view) for view in views)
    with whole_file(path) as temporary, temporary.open("wb") as file:
        file.write(canonical_json({"schema": SCHEMA, "kind": KIND, "views": len(lines)}) + b"\n")
        file.writelines(lines)
    return len(lines)


def read_contributed(path: Path) -> ContributedFile:
    """Read a file; a line that is no view is a problem and is left out.

    Raises:
        InputError: it cannot be read.
        ArtefactRefused: it is no such file, of a later schema, or cut short.
    """
    views, problems = [], []
    try:
        with path.open("rb") as file:
            expected = _expected(path, file.readline(LONGEST_LINE))
            number = 1
            while line := file.readline(LONGEST_LINE):
                number += 1
                try:
                    views.append(_view(line, f"{path}, line {number}"))
                except InputError as e:
                    problems.append(str(e))
    except OSError as e:
        raise InputError(f"{path}: cannot be read ({e.strerror or e})") from e
    if number - 1 < expected:
        raise ArtefactRefused(f"{path}: ends after {number - 1} of {expected} views: export it again")
    return ContributedFile(tuple(views), tuple(problems))


def _line(view: ContributedView) -> bytes:
    vector = base64.b64encode(view.vector).decode()
    value = {"voice": view.voice, "product_id": view.product_id, "space_id": view.space_id, "vector": vector}
    return canonical_json(value) + b"\n"


def _expected(path: Path, line: bytes) -> int:
    try:
        head: Any = json.loads(line)
    except ValueError:
        head = None
    if not isinstance(head, dict) or head.get("kind") != KIND:
        raise ArtefactRefused(f"{path}: is no file of contributed views (`python -m server views export` writes one)")
    if head.get("schema") != SCHEMA:
        raise ArtefactRefused(f"{path}: schema {str(head.get('schema'))[:20]}, this version reads {SCHEMA}: update it")
    return int(head["views"]) if type(head.get("views")) is int else 0


def _view(line: bytes, where: str) -> ContributedView:
    try:
        fields = Fields(json.loads(line), where)
        vector = base64.b64decode(fields.text("vector"), validate=True)
    except (ValueError, RecursionError, binascii.Error) as e:
        raise InputError(f"{where}: is no view ({e})") from e
    voice, product_id = fields.text("voice"), fields.text("product_id")
    if not re.fullmatch("[0-9a-f]{16}", voice) or not 1 <= len(vector) <= LARGEST_VECTOR:
        raise InputError(f"{where}: needs a voice of 16 hexadecimal digits and a vector of 1 to {LARGEST_VECTOR} bytes")
    if not 1 <= len(product_id) <= LONGEST_TEXT:
        raise InputError(f"{where}: needs a product_id of 1 to {LONGEST_TEXT} characters")
    return ContributedView(voice, product_id, fields.text("space_id"), vector)
