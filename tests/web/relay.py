"""A line between browser and server that counts every byte, headers included."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

BLOCK = 1 << 16


@dataclass
class Relay:
    """What went over the line.

    Attributes:
        port: where the browser finds the server.
        received: bytes that the server sent.
        sent: bytes that the browser sent.
    """

    port: int
    received: int = 0
    sent: int = 0


@contextmanager
def relay_to(port: int) -> Iterator[Relay]:
    """Pass everything on to a port of the loopback."""
    listener = socket.create_server(("127.0.0.1", 0))
    relay = Relay(listener.getsockname()[1])
    threading.Thread(target=_accept, args=(listener, port, relay), daemon=True).start()
    try:
        yield relay
    finally:
        listener.close()


def _accept(listener: socket.socket, port: int, relay: Relay) -> None:
    with suppress(OSError):
        while True:
            browser, _ = listener.accept()
            server = socket.create_connection(("127.0.0.1", port))
            for source, goal, counted in ((browser, server, "sent"), (server, browser, "received")):
                threading.Thread(target=_pass_on, args=(source, goal, relay, counted), daemon=True).start()


def _pass_on(source: socket.socket, goal: socket.socket, relay: Relay, counted: str) -> None:
    with suppress(OSError), source:
        while block := source.recv(BLOCK):
            goal.sendall(block)
            setattr(relay, counted, getattr(relay, counted) + len(block))
    with suppress(OSError):
        goal.shutdown(socket.SHUT_WR)
