"""GET what `publish` wrote: metadata, indexes, files; ranged, with ETags, immutable where the name says the content.

Only names of exactly these forms are looked up, so that no path leads elsewhere:

    metadata/N.ROLE.json  metadata/timestamp.json  targets/<sha256>.CATALOG.json  files/ab/<sha256>
"""

from __future__ import annotations

import hashlib
import io
import re
from pathlib import Path

from flask import Blueprint, Response, request, send_file
from werkzeug.exceptions import NotFound, RequestedRangeNotSatisfiable

from edge.shard.description import CATALOG_PATTERN
from server.app.service import service
from server.metadata import METADATA
from server.publication import FILES, TARGETS, file_path

FOR_EVER = "public, max-age=31536000, immutable"
ASK_ANEW = "public, no-cache"
_VERSIONED = re.compile(r"[1-9][0-9]{0,9}\.(root|targets|snapshot)\.json")
_INDEX = re.compile(r"([0-9a-f]{64})\.(.+)\.json")
_SHA256 = re.compile(r"[0-9a-f]{64}")

blueprint = Blueprint("artefacts", __name__)


@blueprint.get("/metadata/timestamp.json")
def timestamp() -> Response:
    """Answer with the one file that changes under its name, read at once: a publication may replace it meanwhile."""
    content = _read(service().settings.repository.public / METADATA / "timestamp.json")
    return _sent(io.BytesIO(content), hashlib.sha256(content).hexdigest(), ASK_ANEW)


@blueprint.get("/metadata/<name>")
def versioned(name: str) -> Response:
    """Answer with a version of a role's metadata, which never changes."""
    if not _VERSIONED.fullmatch(name):
        raise NotFound
    path = service().settings.repository.public / METADATA / name
    return _sent(_there(path), name.removesuffix(".json"), FOR_EVER)


@blueprint.get("/targets/<name>")
def index(name: str) -> Response:
    """Answer with the index of a catalogue."""
    parts = _INDEX.fullmatch(name)
    if parts is None or not CATALOG_PATTERN.fullmatch(parts[2]):
        raise NotFound
    path = service().settings.repository.public / TARGETS / name
    return _sent(_there(path), parts[1], FOR_EVER)


@blueprint.get("/files/<folder>/<sha256>")
def file(folder: str, sha256: str) -> Response:
    """Answer with a part, a delta or a pack."""
    if not _SHA256.fullmatch(sha256) or folder != sha256[:2]:
        raise NotFound
    path = service().settings.repository.public / file_path(sha256)
    assert path.parent.parent.name == FILES
    return _sent(_there(path), sha256, FOR_EVER)


def _sent(content: Path | io.BytesIO, etag: str, cached: str) -> Response:
    response = send_file(content, mimetype="application/octet-stream", conditional=False, etag=False)
    response.set_etag(etag)
    response.headers["Cache-Control"] = cached
    for name in ("Last-Modified", "Content-Disposition"):  # bytes that no device needs
        response.headers.pop(name, None)
    length = content.stat().st_size if isinstance(content, Path) else content.getbuffer().nbytes
    try:
        response.make_conditional(request, accept_ranges=True, complete_length=length)
    except RequestedRangeNotSatisfiable:
        response.close()
        raise
    return response


def _there(path: Path) -> Path:
    if not path.is_file():
        raise NotFound
    return path.resolve()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise NotFound from None
