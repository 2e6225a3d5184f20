"""One JSON object a line on stderr; of a request its route, never its address, token, device or body."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime

from flask import Flask, Response, request

from server.app.metrics import elapsed_s, route

LOGGER = "server.app"
_log = logging.getLogger(__name__)


class JsonLines(logging.Formatter):
    """Writes a record, and the fields that it was given as `extra={"fields": ...}`."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line."""
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line = {"time": time, "level": record.levelname.lower(), "event": record.getMessage()}
        line |= getattr(record, "fields", {})
        if record.exc_info and record.exc_info[1] is not None:
            line["error"] = _place_of(record.exc_info[1])
        return json.dumps(line, ensure_ascii=False)


def write_logs() -> None:
    """Let the service's records go to stderr as JSON lines, once."""
    logger = logging.getLogger(LOGGER)
    if not any(isinstance(handler.formatter, JsonLines) for handler in logger.handlers):
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(JsonLines())
        logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False


def log_requests(app: Flask) -> None:
    """Log every request of an application."""

    @app.after_request
    def log(response: Response) -> Response:
        fields = {"method": request.method[:10], "route": route(), "status": response.status_code}
        _log.info("request", extra={"fields": {**fields, "ms": round(elapsed_s() * 1000, 1)}})
        return response


def _place_of(error: BaseException) -> str:
    """Return an error's kind and place; its message may hold what a device sent, so it stays out."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace is not None else "?"
    return f"{type(error).__name__} at {place}"
