"""An accept, a push or a rescue in a process of its own that kills itself at a named point; run by test_killed.py.

python -m tests.outbox.killed_child HOME DOING POINT [ADDRESS]
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from edge.outbox import database, deciding, push, rescue, store
from edge.outbox.push import push_from
from edge.outbox.server import Server
from edge.outbox.store import Outbox, open_outbox
from edge.sync.transport import HttpTransport, Metered
from tests.dying import Place, die, mine
from tests.outbox.device import accept

ACCEPT: dict[str, Place] = {
    "the drafts are found": (deciding, "find", "after"),
    "the event is made": (deciding, "event_of", "after"),
    "nothing is written yet": (Outbox, "decide", "before"),
    "the decision is written, its event is not": (Outbox, "_write_decision", "after"),
    "decision and event are written": (Outbox, "_write_event", "after"),
    "about to be committed": (database, "commit", "before"),
    "committed": (database, "commit", "after"),
    "decided, not yet told": (Outbox, "decide", "after"),
}
PUSH: dict[str, Place] = {
    "a batch is packed": (push, "pack", "after"),
    "about to be marked": (Outbox, "begin_attempt", "before"),
    "the mark is about to be committed": (database, "commit", "before"),
    "marked, nothing has left": (Outbox, "begin_attempt", "after"),
    "stored there, the answer is not read": (Server, "_answered", "after"),
    "the answer is here": (Server, "push", "after"),
    "about to be settled": (Outbox, "settle", "before"),
    "removed, not committed": (Outbox, "_remove", "after"),
    "refused ones are set apart, not committed": (Outbox, "_set_apart", "after"),
    "settled": (Outbox, "settle", "after"),
}
RESCUE: dict[str, Place] = {
    "what is readable is read": (rescue, "_what_is_readable", "after"),
    "the new file is about to be written": (rescue, "_write_rescued", "before"),
    "the new file is whole": (rescue, "_write_rescued", "after"),
    "the damaged file has another name": (rescue, "set_aside", "after"),
    "all is done": (store, "mend", "after"),
}
POINTS = {"accept": ACCEPT, "push": PUSH, "rescue": RESCUE}


def remove_first(self: Outbox, event_ids: Any) -> None:
    """Settle in the wrong order: what is about to be sent is removed before it has left."""
    self.settle(event_ids, {})
    die("wrong order")


def main(home: str, doing: str, point: str, address: str = "") -> None:
    """Do one thing, and die in it."""
    if point == "wrong order":
        Outbox.begin_attempt = remove_first  # type: ignore[method-assign]
    else:
        mine(point, POINTS[doing][point])
    if doing == "accept":
        accept(Path(home), 1, 2)
    elif doing == "push":
        push_from(Path(home), Metered(HttpTransport(address)))
    else:
        with open_outbox(Path(home)):
            pass


if __name__ == "__main__":
    main(*sys.argv[1:])
