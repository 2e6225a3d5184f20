"""What goes wrong with a request, as one sentence in JSON: `{"error": "..."}`."""

from __future__ import annotations

import logging

from flask import Flask, Response, jsonify
from werkzeug.exceptions import HTTPException

from server.database.connection import AWAY, reason

AWAY_RETRY_S = 5
_SENTENCES = {
    404: "there is nothing at this address",
    405: "this address does not take this method",
    413: "the body is too large: send fewer events at once",
    500: "the server failed on this request; nothing was stored: try again, and tell the operator",
}
_log = logging.getLogger(__name__)


class Problem(Exception):
    """A request that is answered with an error.

    Attributes:
        status: of HTTP.
        retry_s: when to try again, seconds; None: nothing is said.
    """

    def __init__(self, status: int, sentence: str, retry_s: int | None = None) -> None:
        super().__init__(sentence)
        self.status, self.retry_s = status, retry_s


def answer_problems(app: Flask) -> None:
    """Let every error of an application be answered in JSON."""
    app.register_error_handler(Problem, _problem)
    app.register_error_handler(HTTPException, _http)
    for away in AWAY:
        app.register_error_handler(away, _away)
    app.register_error_handler(Exception, _unexpected)


def _answer(status: int, sentence: str, retry_s: int | None = None) -> Response:
    response = jsonify(error=sentence)
    response.status_code = status
    if retry_s is not None:
        response.headers["Retry-After"] = str(retry_s)
    if status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _problem(problem: Problem) -> Response:
    return _answer(problem.status, str(problem), problem.retry_s)


def _http(error: HTTPException) -> Response:
    status = error.code or 500
    answer = _answer(status, _SENTENCES.get(status) or (error.description or error.name))
    original = error.get_response()
    for name in ("Allow", "Content-Range", "Accept-Ranges"):
        if name in original.headers:
            answer.headers[name] = original.headers[name]
    return answer


def _away(error: Exception) -> Response:
    _log.error("database away", extra={"fields": {"reason": reason(error)}})
    return _answer(503, "the database is away for the moment: keep the events and try again later", AWAY_RETRY_S)


def _unexpected(error: Exception) -> Response:
    _log.error("request failed", exc_info=error)
    return _answer(500, _SENTENCES[500])
