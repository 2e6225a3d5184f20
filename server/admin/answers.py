"""What every answer below /admin has in common: headers that forbid what the page does not need, errors as pages."""

from __future__ import annotations

import logging

from flask import Blueprint, Response, make_response, render_template, request
from werkzeug.exceptions import HTTPException

from server.app.problems import AWAY_RETRY_S, Problem
from server.database.connection import AWAY, reason

POLICY = "; ".join(
    (
        "default-src 'none'",
        "style-src 'self'",
        "img-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
"""Content Security Policy Level 3: no script, no style within a page, nothing from elsewhere, no frame around it."""
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
LARGEST_FORM = 20_000
_log = logging.getLogger("server.app.admin")


def dress(blueprint: Blueprint) -> None:
    """Give a blueprint its headers and let its errors be pages."""
    blueprint.before_request(_limit)
    blueprint.after_request(_guarded)
    blueprint.register_error_handler(Problem, _problem)
    blueprint.register_error_handler(HTTPException, _http)
    for away in AWAY:
        blueprint.register_error_handler(away, _away)
    blueprint.register_error_handler(Exception, _unexpected)


def _limit() -> None:
    request.max_content_length = LARGEST_FORM


def _guarded(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    return response


def _page(status: int, sentence: str, retry_s: int | None = None) -> Response:
    response = make_response(render_template("admin/problem.html", sentence=sentence), status)
    if retry_s is not None:
        response.headers["Retry-After"] = str(retry_s)
    return response


def _problem(problem: Problem) -> Response:
    return _page(problem.status, str(problem), problem.retry_s)


def _http(error: HTTPException) -> Response:
    return _page(error.code or 500, error.description or error.name)


def _away(error: Exception) -> Response:
    _log.error("database away", extra={"fields": {"reason": reason(error)}})
    return _page(503, "the database is away for the moment: see the log", AWAY_RETRY_S)


def _unexpected(error: Exception) -> Response:
    _log.error("request failed", exc_info=error)
    return _page(500, "the server failed on this request: the place is in its log")
