"""Whose device this is: the server that takes its events, and the token that proves who sends them.

The token stands in `home/enrolment.json`, which only its owner can read (mode 0600). It is sent to that server and to
no other.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from edge.errors import OutputError
from edge.files import write_whole

ENROLMENT = "enrolment.json"
MODE = 0o600


@dataclass(frozen=True)
class Enrolment:
    """What a device got when it was enrolled.

    Attributes:
        server: address.
        device_id: 32 hex digits; the token is valid with this one only.
        token: secret; left out where the enrolment is printed.
    """

    server: str
    device_id: str
    token: str = field(repr=False)


def read_enrolment(home: Path) -> Enrolment | None:
    """Return the enrolment, or None where there is none that can be read."""
    try:
        value = json.loads((home / ENROLMENT).read_bytes())
        found = Enrolment(str(value["server"]), str(value["device_id"]), str(value["token"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    sound = re.fullmatch("[0-9a-f]{32}", found.device_id) and found.token.isascii() and found.token.isprintable()
    return found if sound else None


def write_enrolment(home: Path, enrolment: Enrolment) -> None:
    """Keep an enrolment, whole or not at all, for its owner's eyes only.

    Raises:
        OutputError: it cannot be written.
    """
    write_whole(home / ENROLMENT, json.dumps(asdict(enrolment), indent=1) + "\n", MODE)


def remove_enrolment(home: Path) -> None:
    """Remove the token.

    Raises:
        OutputError: it cannot be removed.
    """
    try:
        with suppress(FileNotFoundError):
            (home / ENROLMENT).unlink()
    except OSError as e:
        raise OutputError(f"{home / ENROLMENT}: cannot be removed ({e.strerror or e})") from e
