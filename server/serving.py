"""gunicorn from within: workers that serve, and a timer in each that signs anew what is about to expire.

Every worker runs the timer; `refresh` takes the repository's lock and writes nothing where nothing is due, so that one
of them does the work and the others find it done.
"""

from __future__ import annotations

import logging
import random
import socket
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication

from edge.command_line import say, write_json
from edge.errors import OutputError, TagletError
from server.announcing import open_signers
from server.app.factory import create_app
from server.app.settings import ServiceSettings
from server.keys import ONLINE_ROLES, KeyRing
from server.metadata import read_served
from server.refreshing import refresh
from server.repository import Repository

THREADS = 4
TIMEOUT_S = 60
END_S = 10
"""How long requests may take to end once the service is told to stop; a worker that was just starting hears nothing."""
BACKLOG = 512
_log = logging.getLogger("server.app.timer")


@dataclass(frozen=True)
class Listening:
    """How to serve.

    Attributes:
        listener: a socket that listens.
        workers: processes, of `THREADS` threads each.
        refresh_hours: between two runs of `refresh`; 0: it is not run.
        ring: keys for it.
        json: where to write the address; None: nowhere.
    """

    listener: socket.socket
    workers: int
    refresh_hours: float
    ring: KeyRing
    json: str | None

    @property
    def address(self) -> str:
        """Where devices find it."""
        host, port = self.listener.getsockname()[:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def listen_at(host: str, port: int) -> socket.socket:
    """Open a socket that listens.

    Raises:
        OutputError: the port is taken, not allowed, or the address is none of this machine.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as e:
        raise OutputError(f"{host}:{port}: cannot listen there ({e.strerror or e}): choose another --port") from e


def require_keys(repository: Repository, ring: KeyRing) -> None:
    """Check that `refresh` will find its keys and what opens them.

    Raises:
        InputError, UsageError: it will not; the sentence names the key and the options.
    """
    open_signers(ring, read_served(repository.public), ONLINE_ROLES)


def serve(settings: ServiceSettings, listening: Listening) -> int:
    """Serve until a signal comes; return the exit code."""
    say(f"server serve: listening at {listening.address}; stop it with Ctrl-C")
    if listening.json:
        write_json({"address": listening.address}, listening.json)
    try:
        _Gunicorn(settings, listening).run()
    except SystemExit as e:
        return e.code if isinstance(e.code, int) else 0
    return 0


class _Gunicorn(BaseApplication):  # type: ignore[misc]
    """gunicorn, told by values instead of a file."""

    def __init__(self, settings: ServiceSettings, listening: Listening) -> None:
        self._settings, self._listening = settings, listening
        super().__init__()

    def load_config(self) -> None:
        """Hand the values over."""
        values: dict[str, Any] = {
            "bind": [f"fd://{self._listening.listener.fileno()}"],
            "workers": self._listening.workers,
            "worker_class": "gthread",
            "threads": THREADS,
            "timeout": TIMEOUT_S,
            "graceful_timeout": END_S,
            "loglevel": "warning",
            "proc_name": "taglet",
            "control_socket_disable": True,
            "post_worker_init": self._begin,
            "child_exit": _forget_worker,
        }
        for name, value in values.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """Make the application, in each worker its own."""
        return create_app(self._settings)

    def _begin(self, _worker: object) -> None:
        if self._listening.refresh_hours:
            arguments = (self._settings.repository, self._listening.ring, self._listening.refresh_hours * 3600)
            threading.Thread(target=_refresh_for_ever, args=arguments, daemon=True, name="refresh").start()


def refresh_once(repository: Repository, ring: KeyRing) -> None:
    """Sign anew what is due, and log what could not be; a later run tries again."""
    try:
        done = refresh(repository, ring, datetime.now(UTC))
    except TagletError as e:
        _log.error("refresh failed", extra={"fields": {"reason": str(e)}})
        return
    if done.signed or done.waiting:
        fields = {"signed": list(done.signed), "waiting": list(done.waiting), "health": done.health.colour}
        _log.log(logging.WARNING if done.waiting else logging.INFO, "refresh", extra={"fields": fields})


def _refresh_for_ever(repository: Repository, ring: KeyRing, every_s: float) -> None:
    pause = threading.Event()
    while True:
        refresh_once(repository, ring)
        pause.wait(every_s * random.uniform(0.9, 1.1))


def _forget_worker(_server: object, worker: Any) -> None:
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]
