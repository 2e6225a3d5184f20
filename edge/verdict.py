"""The verdict on a shard: which checks were made before it is published, and whether it passed them.

A verdict is bound to the identity of the shard, so it cannot be shown for another one. `export evaluate` writes it,
`server publish` demands it. The format is written down in docs/formats/verdict.md.

    >>> verdict = read_verdict(Path("verdict.json"))
    >>> verdict.passed
    True
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.errors import ArtefactRefused
from edge.files import canonical_json, read_json_object
from edge.sync.index import SHA256

SCHEMA = 1
Check = Mapping[str, Any]


@dataclass(frozen=True)
class Verdict:
    """What was found of one shard.

    Attributes:
        shard: identity of the shard that was checked.
        passed: whether it may be published; never true where a check failed.
        checks: what was looked at: each has a `name` and whether it `passed`, and may say more.
    """

    shard: str
    passed: bool
    checks: tuple[Check, ...]

    @classmethod
    def of(cls, shard: str, checks: tuple[Check, ...]) -> Verdict:
        """Return the verdict that checks amount to: passed if there are some and none failed."""
        return cls(shard, bool(checks) and all(check["passed"] for check in checks), checks)

    @property
    def failed(self) -> tuple[str, ...]:
        """Names of the checks that failed."""
        return tuple(str(check["name"]) for check in self.checks if not check["passed"])


def joined(path: Path, verdict: Verdict) -> Verdict:
    """Return a verdict together with what a file says already of the same shard; checks of the same name are replaced.

    Raises:
        ArtefactRefused: something that is no verdict stands there.
    """
    before = read_verdict(path) if path.exists() else None
    if before is None or before.shard != verdict.shard:
        return verdict
    names = {check["name"] for check in verdict.checks}
    kept = tuple(check for check in before.checks if check["name"] not in names)
    return Verdict.of(verdict.shard, (*kept, *verdict.checks))


def verdict_bytes(verdict: Verdict) -> bytes:
    """Return the file of a verdict."""
    value = {"schema": SCHEMA, "shard": verdict.shard, "passed": verdict.passed}
    return canonical_json({**value, "checks": [dict(check) for check in verdict.checks]}) + b"\n"


def read_verdict(path: Path) -> Verdict:
    """Read a verdict.

    Raises:
        ArtefactRefused: the file is missing, malformed, of a newer schema, or passed although a check failed.
    """
    value = read_json_object(path, "verdict")
    if type(value.get("schema")) is not int or value["schema"] != SCHEMA:
        found = str(value.get("schema"))[:40]
        raise ArtefactRefused(f"{path}: verdict schema {found}, this version reads {SCHEMA}: update this program")
    shard, passed, checks = value.get("shard"), value.get("passed"), value.get("checks")
    if set(value) != {"schema", "shard", "passed", "checks"} or not isinstance(passed, bool):
        raise ArtefactRefused(f"{path}: a verdict has exactly the keys schema, shard, passed and checks")
    if not isinstance(shard, str) or not SHA256.fullmatch(shard):
        raise ArtefactRefused(f"{path}: {str(shard)[:80]!r} is not the identity of a shard")
    if not isinstance(checks, list) or not all(_is_check(check) for check in checks):
        raise ArtefactRefused(f"{path}: every check needs a name and whether it passed")
    verdict = Verdict(shard, passed, tuple(checks))
    if passed != Verdict.of(shard, verdict.checks).passed:
        raise ArtefactRefused(f"{path}: contradicts itself, passed is {passed} but its checks say otherwise")
    return verdict


def _is_check(check: Any) -> bool:
    return isinstance(check, dict) and isinstance(check.get("name"), str) and isinstance(check.get("passed"), bool)
