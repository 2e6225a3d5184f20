"""What is remembered of the last time that a server was verified; read without the framework, at every start.

>>> read_state(home / "trust" / STATE).expires_s
1764547200.0
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

STATE = "state.json"


@dataclass(frozen=True)
class TrustState:
    """What is remembered between two calls.

    Attributes:
        etag: of the timestamp that was read last; empty where the server gave none.
        refreshed_s: when everything was last verified, seconds since 1970.
        seen_s: latest time that was ever seen; a clock that shows less is not believed.
        expires_s: when what was verified ends, seconds since 1970.
    """

    etag: str = ""
    refreshed_s: float = 0.0
    seen_s: float = 0.0
    expires_s: float = 0.0


def read_state(path: Path) -> TrustState:
    """Read what is remembered; nothing, where it cannot be read."""
    try:
        value = json.loads(path.read_bytes())
        times = (float(value[name]) for name in ("refreshed_s", "seen_s", "expires_s"))
        return TrustState(str(value["etag"]), *times)
    except (OSError, ValueError, KeyError, TypeError):
        return TrustState()
