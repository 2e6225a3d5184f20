"""`Event`: what a device tells the server of one decision on one tag, and nothing else.

The format is written down in docs/formats/event.md, the reasons for every field in docs/privacy.md. An event is made
once, where the decision is made, and is the same bytes however often it is sent.

    >>> event = read_event(json.loads(text))
    >>> event_document(event)["kind"]
    'accepted'
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, fields
from typing import Any, Literal, cast

import numpy as np

from edge.document_fields import Fields
from edge.errors import InputError
from edge.files import canonical_json
from edge.shard.description import CATALOG_PATTERN, SPACE_PATTERN
from edge.shard.vectors import Int8s

SCHEMA = 1
MAX_BATCH = 500
"""Most events that are sent at once."""
KINDS = ("accepted", "rejected", "corrected")
STATUSES = ("match", "ambiguous")
LATEST_S = 253_402_300_799.0
"""The last second of the year 9999; a device's clock is kept as it stands, if it stands at a date at all."""
LONGEST_TEXT = 1_000
LARGEST_VERSION = 2**53
LARGEST_VECTOR = 4_096

Kind = Literal["accepted", "rejected", "corrected"]
Status = Literal["match", "ambiguous"]

_HEX = {"event_id": 32, "tag_id": 16, "shard_sha256": 64}
_NAMES = {"catalog": CATALOG_PATTERN, "space_id": SPACE_PATTERN}


@dataclass(frozen=True)
class Event:
    """One decision on one tag.

    Attributes:
        event_id: 32 hex digits, random, made once with the decision: what makes a repeated event known again.
        kind: what was decided.
        made_at_s: seconds since 1970 by the device's clock, 0 to the year 9999; the clock may be wrong.
        tag_id: 16 hex digits, see docs/formats/tag-document.md.
        catalog: name of the catalogue that the product is of.
        catalog_version: its version, 0 to 2^53.
        shard_sha256: identity of its shard, 64 hex digits.
        space_id: embedding space.
        product_id: what was suggested.
        corrected_to: what it is instead; only where `kind` is "corrected".
        similarity: of the suggestion, -1..1.
        margin: its lead, 0..2.
        status: how sure the suggestion was.
        embedding: int8 vector of the best crop, 1 to 4,096 bytes; None without the creator's explicit consent.
    """

    event_id: str
    kind: Kind
    made_at_s: float
    tag_id: str
    catalog: str
    catalog_version: int
    shard_sha256: str
    space_id: str
    product_id: str
    corrected_to: str | None
    similarity: float
    margin: float
    status: Status
    embedding: bytes | None = None

    def __post_init__(self) -> None:
        """Check what no type says.

        Raises:
            InputError: a field is not in its range.
        """
        for name, digits in _HEX.items():
            _require_hex(name, getattr(self, name), digits)
        for name, pattern in _NAMES.items():
            if not pattern.fullmatch(getattr(self, name)):
                raise InputError(f"event: {name}: expected a name, found {getattr(self, name)[:70]!r}")
        for name in ("product_id", "corrected_to"):
            _require_text(name, getattr(self, name))
        if (self.corrected_to is None) == (self.kind == "corrected"):
            raise InputError("event: corrected_to: expected a product exactly where kind is corrected")
        if self.embedding is not None and not 1 <= len(self.embedding) <= LARGEST_VECTOR:
            raise InputError(f"event: embedding: expected 1 to {LARGEST_VECTOR} bytes, found {len(self.embedding)}")

    def vector(self) -> Int8s | None:
        """Return the embedding as int8 (ndim,), or None."""
        return None if self.embedding is None else np.frombuffer(self.embedding, np.int8)


FIELDS = ("schema", *(field.name for field in fields(Event)))
"""Every field that can leave a device: the test of docs/privacy.md holds on to this."""


def event_document(event: Event) -> dict[str, Any]:
    """Return an event as the JSON object that the format describes: exactly `FIELDS`."""
    value = {field.name: getattr(event, field.name) for field in fields(event)}
    if event.embedding is not None:
        value["embedding"] = base64.b64encode(event.embedding).decode()
    return {"schema": SCHEMA, **value}


def event_bytes(event: Event) -> bytes:
    """Return an event as canonical JSON: the same event has the same bytes."""
    return canonical_json(event_document(event))


def read_event(value: object, where: str = "event") -> Event:
    """Check a parsed event: exactly the fields of the format, each with its type and range.

    Args:
        value: what `json.loads` gave.
        where: names the event in the sentence.

    Raises:
        InputError: a field is missing, wrong, or not one of the format, or it is of another schema.
    """
    top = Fields(value, where)
    if top.get("schema") != SCHEMA or isinstance(top.get("schema"), bool):
        raise InputError(f"{where}: schema {str(top.get('schema'))[:20]}, this version reads {SCHEMA}: update it")
    _require_fields(cast("dict[str, object]", value), where)
    return Event(
        event_id=top.text("event_id"),
        kind=cast("Kind", top.one_of("kind", KINDS)),
        made_at_s=top.number("made_at_s", 0, LATEST_S),
        tag_id=top.text("tag_id"),
        catalog=top.text("catalog"),
        catalog_version=top.whole("catalog_version", LARGEST_VERSION),
        shard_sha256=top.text("shard_sha256"),
        space_id=top.text("space_id"),
        product_id=top.text("product_id"),
        corrected_to=top.optional_text("corrected_to"),
        similarity=top.number("similarity", -1, 1),
        margin=top.number("margin", 0, 2),
        status=cast("Status", top.one_of("status", STATUSES)),
        embedding=_read_embedding(top.optional_text("embedding"), where),
    )


def _read_embedding(text: str | None, where: str) -> bytes | None:
    if text is None:
        return None
    if len(text) > 2 * LARGEST_VECTOR:
        raise InputError(f"{where}: embedding: expected at most {LARGEST_VECTOR} bytes as base64")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as e:
        raise InputError(f"{where}: embedding: expected base64, found {text[:40]!r}") from e


def _require_fields(value: dict[str, object], where: str) -> None:
    unknown, missing = sorted(value.keys() - set(FIELDS)), [name for name in FIELDS if name not in value]
    if unknown:
        raise InputError(f"{where}: {unknown[0][:60]!r} is no field of an event")
    if missing:
        raise InputError(f"{where}: {missing[0]}: expected a value or null, found nothing")


def _require_hex(name: str, value: str, digits: int) -> None:
    if not re.fullmatch(f"[0-9a-f]{{{digits}}}", value):
        raise InputError(f"event: {name}: expected {digits} lower-case hexadecimal digits, found {value[:70]!r}")


def _require_text(name: str, value: str | None) -> None:
    """Refuse what a database or a message could not hold: nothing, too much, a zero byte, half a character."""
    if value is None:
        return
    if not 1 <= len(value) <= LONGEST_TEXT or "\0" in value:
        raise InputError(
            f"event: {name}: expected 1 to {LONGEST_TEXT} characters without a zero byte, found {value[:40]!r}"
        )
    try:
        value.encode()
    except UnicodeEncodeError as e:
        raise InputError(f"event: {name}: expected text that is UTF-8, found {value[:40]!r}") from e
