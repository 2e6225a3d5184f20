"""The model zoo: which public models are known, where each lies, and what it must be.

`models.json` beside this file is the list; an address is made of repository, commit and path, so that it names one
content for ever, and length and SHA-256 say which. No model comes with the kit.

    >>> find_model("yolox-nano").licence
    'Apache-2.0'
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

from edge.errors import UsageError
from edge.preprocessing import Preprocessing

LIST = Path(__file__).parent / "models.json"
BASE_URL = "https://raw.githubusercontent.com"
"""Serves REPOSITORY/COMMIT/PATH of public GitHub repositories; a mirror must do the same."""


@dataclass(frozen=True)
class ZooModel:
    """One public model.

    Attributes:
        name: what `export models fetch` calls it.
        kind: "detector", "embedder" or "classifier" (which embeds by its class scores).
        family: of a detector, else None.
        repository: "owner/name" on GitHub.
        commit: 40 hexadecimal digits.
        path: of the file in the repository.
        bytes: its length.
        sha256: in hex.
        licence: SPDX identifier, of the repository that it comes from.
        preprocessing: how a picture becomes its input.
        note: a warning, empty where none is needed.
    """

    name: str
    kind: str
    family: str | None
    repository: str
    commit: str
    path: str
    bytes: int
    sha256: str
    licence: str
    preprocessing: Preprocessing
    note: str

    @property
    def file_name(self) -> str:
        """Name of the file that `fetch` writes."""
        return self.name + PurePosixPath(self.path).suffix

    def url(self, base_url: str = BASE_URL) -> str:
        """Return where it is fetched from."""
        return f"{base_url.rstrip('/')}/{self.repository}/{self.commit}/{self.path}"


@cache
def zoo() -> tuple[ZooModel, ...]:
    """Return every known model, in the order of the list."""
    return tuple(_model(entry) for entry in json.loads(LIST.read_text(encoding="utf-8"))["models"])


def find_model(name: str) -> ZooModel:
    """Return a model by its name.

    Raises:
        UsageError: no model has this name; the sentence lists them.
    """
    found = next((model for model in zoo() if model.name == name), None)
    if found is None:
        raise UsageError(f"the zoo has no model {name!r}, it has {', '.join(model.name for model in zoo())}")
    return found


def _model(entry: dict[str, Any]) -> ZooModel:
    rule = Preprocessing.from_json(entry["preprocessing"], f"{LIST.name}: {entry['name']}")
    return ZooModel(**{field.name: entry[field.name] for field in fields(ZooModel)} | {"preprocessing": rule})
