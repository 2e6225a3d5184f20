"""How long what is served stays valid, as a colour: ok, warn, or red below a quarter of the life left.

`refresh` signs a role anew when less than half of its life is left, so on a server whose timer runs no online role is
ever below that for long: below two fifths something is wrong, below a quarter someone must come.

    >>> health_of(served, settings, now).colour
    'ok'
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

from server.keys import OFFLINE_ROLES
from server.metadata import Served
from server.repository import ROLES, Settings

Colour = Literal["ok", "warn", "red"]
RENEW_BELOW = 0.5
WARN_BELOW = 0.4
RED_BELOW = 0.25
_ORDER: tuple[Colour, ...] = ("ok", "warn", "red")


@dataclass(frozen=True)
class RoleHealth:
    """The state of one role's metadata.

    Attributes:
        role: "root", "targets", "snapshot" or "timestamp".
        version: of its metadata.
        expires: when devices stop accepting it.
        life_left: share of its life that is left, 0 to 1 (0 from the moment it expires).
        signed: whether its signatures are those that root demands.
        colour: "red" also where it is not signed.
        offline: whether signing it anew needs the offline keys.
    """

    role: str
    version: int
    expires: datetime
    life_left: float
    signed: bool
    colour: Colour
    offline: bool

    @property
    def sentence(self) -> str:
        """What to do about it, empty where nothing is."""
        if self.colour == "ok":
            return ""
        state = "has expired" if self.life_left <= 0 else f"expires on {self.expires:%Y-%m-%d %H:%M} UTC"
        state = state if self.signed else "is not signed as root demands"
        how = "bring the offline keys and run `refresh --offline`" if self.offline else "run `refresh`"
        return f"{self.role} {state}: {how}"


@dataclass(frozen=True)
class Health:
    """The state of everything that is served: the worst of its roles."""

    roles: Mapping[str, RoleHealth]

    @property
    def colour(self) -> Colour:
        """The worst colour."""
        return max((role.colour for role in self.roles.values()), key=_ORDER.index)

    @property
    def sentences(self) -> tuple[str, ...]:
        """What there is to do."""
        return tuple(role.sentence for role in self.roles.values() if role.sentence)

    def document(self) -> dict[str, Any]:
        """Return plain JSON values."""
        roles = [{**asdict(role), "expires": role.expires.isoformat()} for role in self.roles.values()]
        return {"colour": self.colour, "to_do": list(self.sentences), "roles": roles}


def health_of(served: Served, settings: Settings, now: datetime) -> Health:
    """Return how what is served stands at a time."""
    return Health({role: _role(served, settings, role, now) for role in ROLES})


def _role(served: Served, settings: Settings, role: str, now: datetime) -> RoleHealth:
    left = max(0.0, min(1.0, (served.expires(role) - now) / settings.life(role)))
    signed = served.is_signed(role)
    colour: Colour = "red" if left < RED_BELOW or not signed else "warn" if left < WARN_BELOW else "ok"
    return RoleHealth(role, served.version(role), served.expires(role), left, signed, colour, role in OFFLINE_ROLES)
