"""GET / and what lies below it: the upload page as `make web` built it, packed with brotli where the browser takes it.

Only files that lay in the folder when it was read are looked up, by their whole path, so that no path leads elsewhere
(`site.py`).
"""

from __future__ import annotations

from flask import Blueprint, Response, request, send_file
from werkzeug.exceptions import NotFound, RequestedRangeNotSatisfiable

from server.app.artefacts import ASK_ANEW, FOR_EVER
from server.app.problems import Problem
from server.app.service import service
from server.app.site import INDEX, SiteFile

HASHED = "assets/"
"""Below it, names say the content."""
POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; style-src 'self'; "
    "img-src 'self' blob:; media-src 'self' blob:; connect-src 'self' data:; manifest-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""What gives the page threads, and what it forbids itself; `build_steps/policy.ts` tells other hosts the same."""

NOT_BUILT = "the upload page is not built on this server: run `make web`, or name its folder with --page"

blueprint = Blueprint("upload_page", __name__)


@blueprint.get("/")
@blueprint.get("/<path:name>")
def show(name: str = INDEX) -> Response:
    """Answer with a file of the page."""
    site = service().site
    found = site.file(name)
    if found is None:
        if name == INDEX and not site.is_built:
            raise Problem(404, NOT_BUILT)
        request.url_rule = None  # counted and logged as an address that is none
        raise NotFound
    return _sent(found, name.startswith(HASHED))


def _sent(file: SiteFile, hashed: bool) -> Response:
    packed = file.packed if request.accept_encodings["br"] > 0 and "Range" not in request.headers else None
    path = packed or file.path
    try:
        response = send_file(path, mimetype=file.media_type, conditional=False, etag=False)
    except OSError as e:  # the page is being built anew
        raise NotFound from e
    response.set_etag(f"{file.etag}-br" if packed else file.etag)
    response.headers.update(HEADERS)
    response.headers["Cache-Control"] = FOR_EVER if hashed else ASK_ANEW
    response.headers["Vary"] = "Accept-Encoding"
    for name in ("Last-Modified", "Content-Disposition"):
        response.headers.pop(name, None)
    if packed:
        response.headers["Content-Encoding"] = "br"
    try:
        response.make_conditional(request, accept_ranges=packed is None, complete_length=path.stat().st_size)
    except RequestedRangeNotSatisfiable:
        response.close()
        raise
    return response
