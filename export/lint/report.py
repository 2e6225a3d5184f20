"""The page of a lint: findings with their pictures side by side, one file without scripts or network.

>>> write_page(Path("lint.html"), shard, linted, checks)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from edge.errors import ArtefactRefused, MediaError
from edge.files import write_whole
from edge.media.pictures import read_picture
from edge.output.pictures import CataloguePictures, crop_uri
from edge.shard import Shard
from export.lint.checking import Linted
from export.lint.findings import BY_NAME, Finding, Place

SHOWN = 200
"""Most findings of one check on the page; the document has them all."""
_SIDE = 192


def write_page(path: Path, shard: Shard, linted: Linted, checks: Sequence[Mapping[str, Any]]) -> None:
    """Write the page.

    Args:
        path: where to; the file is there whole or not at all.
        shard: that was looked at.
        linted: what was found.
        checks: as the verdict has them.

    Raises:
        OutputError: it cannot be written.
    """
    write_whole(path, page_html(shard, linted, checks))


def page_html(shard: Shard, linted: Linted, checks: Sequence[Mapping[str, Any]]) -> str:
    """Return the page as one HTML text."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(files("export.lint").joinpath("report.html").read_text("utf-8"))
    pictures = _Pictures(shard, linted)
    sections = [_section(check, linted.findings, pictures) for check in checks]
    page = template.render(
        style=files("edge.output").joinpath("report.css").read_text("utf-8"),
        shard=shard,
        passed=all(check["passed"] for check in checks),
        sections=sections,
        notes=[*linted.problems, *linted.notes],
        rule=linted.rule,
        pictures=pictures.catalogue.uris,
    )
    return page.encode("utf-8", "replace").decode()


def _section(check: Mapping[str, Any], findings: Sequence[Finding], pictures: _Pictures) -> dict[str, Any]:
    mine = [finding for finding in findings if finding.check == check["name"]]
    return {
        "kind": BY_NAME[check["name"]],
        "check": check,
        "state": "fails" if not check["passed"] else "warns" if mine else "passes" if check["looked_at"] else "open",
        "findings": [_shown(finding, pictures) for finding in mine[:SHOWN]],
        "more": max(0, len(mine) - SHOWN),
    }


def _shown(finding: Finding, pictures: _Pictures) -> dict[str, Any]:
    sides = [finding.place, *([finding.other] if finding.other else [])]
    shown = [{"place": place, **pictures.of(place)} for place in sides]
    if finding.photo:
        photo = pictures.photo(finding.photo)
        shown.insert(0, {"place": Place(finding.photo, "the photo"), "uri": photo, "id": None})
    return {"sentence": finding.sentence, "exclude": finding.exclude, "sides": shown}


class _Pictures:
    """The pictures of a page: of a view where ITEMS.csv names its file, else the product's thumbnail."""

    def __init__(self, shard: Shard, linted: Linted) -> None:
        self.catalogue = CataloguePictures()
        self._shard, self._linted = shard, linted

    def of(self, place: Place) -> dict[str, str | None]:
        path = self._linted.pictures.path(place.key) if self._linted.pictures and place.key is not None else None
        if path is not None and (uri := _small(path)):
            return {"uri": uri, "id": None}
        with suppress(ArtefactRefused):
            return {"uri": None, "id": self.catalogue.add(self._shard, place.product_id)}
        return {"uri": None, "id": None}

    def photo(self, name: str) -> str | None:
        return _small(self._linted.photos / name)


def _small(path: Path) -> str | None:
    """Return a picture as a small data URI, None where it cannot be read."""
    try:
        picture = Image.fromarray(read_picture(str(path)))
    except MediaError:
        return None
    return crop_uri(np.asarray(ImageOps.contain(picture, (_SIDE, _SIDE), Image.Resampling.LANCZOS)))
