"""The commands as a user runs them, against a server on a real socket."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge.bundle import load_bundle
from edge.cli import main
from edge.defaults import default_bundle
from edge.events import FIELDS
from edge.golden import golden_folder
from edge.shard import ProductRecord
from tests.conftest import REPOSITORY
from tests.outbox.device import waiting
from tests.outbox.server import EventServer, listening
from tests.small_shards import make_shard
from tests.sync.simulator import Publisher

CODES = {"GOOD-CODE", "SECOND-CODE"}


@pytest.fixture
def events() -> EventServer:
    return EventServer(codes=set(CODES))


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of a server that publishes a catalogue for the packaged bundle, signed just now."""
    publisher = Publisher()
    publisher.now_s = time.time()
    records = [ProductRecord("oat-1l", "Oat drink 1 l")]
    space_id = load_bundle(default_bundle()).space_id
    folder = tmp_path_factory.mktemp("published") / "shard"
    publisher.publish(make_shard(folder, records, [0], np.ones((1, 128)), space_id=space_id))
    return publisher.files


@pytest.fixture
def address(events: EventServer, published: dict[str, bytes]) -> Iterator[str]:
    with listening(events, published) as address:
        yield address


@pytest.fixture(scope="module")
def tagged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which a picture was really tagged."""
    home = tmp_path_factory.mktemp("tagged") / "home"
    assert main(["tag", str(golden_folder() / "two.png"), "--home", str(home)]) == 0
    return home


@pytest.fixture
def home(tagged: Path, tmp_path: Path) -> Path:
    target = tmp_path / "home"
    target.mkdir()
    for file in tagged.iterdir():
        (target / file.name).write_bytes(file.read_bytes())
    return target


def edge(home: Path, *words: object, code: int = 0) -> dict[str, Any]:
    """Run a command, require its exit code, and return its document."""
    document = home.parent / "document.json"
    document.unlink(missing_ok=True)
    assert main([*map(str, words), "--home", str(home), "--json", str(document)]) == code
    return dict(json.loads(document.read_text())) if document.exists() else {}


def tag_ids(home: Path) -> list[str]:
    return [draft["tag_id"] for draft in edge(home, "outbox", "--drafts")["drafts"]]


def test_from_a_real_picture_to_the_server_and_forgotten_again(
    home: Path, events: EventServer, address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = tag_ids(home)
    assert edge(home, "accept", first[:6])["decisions"][0]["change"] == "new"
    assert edge(home, "correct", second, "jaspfern-day-milk-pear-1-l", "--share-embedding")["waiting"] == 2
    shown = edge(home, "outbox")
    assert shown["fields"] == list(FIELDS) and [set(one["event"]) for one in shown["waiting"]] == [set(FIELDS)] * 2
    assert edge(home, "enrol", address, "GOOD-CODE") == {
        "server": address,
        "device_id": json.loads((home / "device.json").read_text())["device_id"],
    }
    token = json.loads((home / "enrolment.json").read_text())["token"]
    assert stat.S_IMODE((home / "enrolment.json").stat().st_mode) == 0o600
    assert token not in capsys.readouterr().out

    synced = edge(home, "sync")
    assert (synced["events_sent"], synced["events_acknowledged"], synced["to_version"]) == (2, 2, 1)
    assert [event["kind"] for event in events.stored.values()] == ["accepted", "corrected"]
    status = edge(home, "status")
    assert status["outbox"]["waiting"] == 0 and status["drafts"]["tags"] == 2
    assert status["enrolment"]["server"] == address and token not in json.dumps(status)

    capsys.readouterr()
    assert len(edge(home, "forget", "--show")["events"]) == 2
    assert edge(home, "forget") == {"server_asked": True, "decisions": 2, "waiting": 0}
    assert events.stored == {} and events.tokens == {}
    assert not (home / "enrolment.json").exists() and not (home / "device.json").exists()
    kept = b"".join(file.read_bytes() for file in home.glob("outbox*"))
    assert first.encode() not in kept, "nothing of what was sent is left in the file either"
    assert edge(home, "status")["enrolment"] is None


def test_a_dry_run_shows_fields_and_bytes_and_sends_nothing(
    home: Path, events: EventServer, address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    edge(home, "accept", tag_ids(home)[0])
    edge(home, "enrol", address, "GOOD-CODE")
    capsys.readouterr()
    document = edge(home, "sync", "--dry-run")
    assert document["push"]["fields"] == list(FIELDS) and document["push"]["to_go"][0]["bytes"] > 100
    assert [set(event) for event in document["push"]["to_go"][0]["events"]] == [set(FIELDS)]
    out = capsys.readouterr().out
    assert ", ".join(FIELDS) in out and f'"tag_id":"{tag_ids(home)[0]}"' in out and "bytes would go to" in out
    assert events.stored == {} and len(waiting(home)) == 1


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["enrol", "ADDRESS", "WRONG"], 3, "unknown, used or expired"),
        (["enrol", "ftp://x", "GOOD-CODE"], 2, "is not the address of a server"),
        (["enrol", "http://127.0.0.1:9", "GOOD-CODE"], 6, "no connection"),
        (["accept", "feedfeedfeedfeed"], 3, "no tag feedfeedfeedfeed is known here"),
        (["correct", "feedfeedfeedfeed", "x"], 3, "no tag feedfeedfeedfeed is known here"),
        (["accept", "feedfeedfeedfeed", "--share-embedding"], 3, "no tag feedfeedfeedfeed is known here"),
        (["forget"], 2, "not enrolled"),
        (["forget", "--show"], 2, "not enrolled"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_a_mistake_gets_one_sentence(
    home: Path, address: str, words: list[str], code: int, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    edge(home, *[address if word == "ADDRESS" else word for word in words], code=code)
    said = capsys.readouterr().err.strip().splitlines()
    assert len(said) == 1 and sentence in said[0]


def test_a_push_that_fails_does_not_stop_the_pull_and_the_exit_code_says_so(
    home: Path, events: EventServer, address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    edge(home, "accept", tag_ids(home)[0])
    edge(home, "enrol", address, "GOOD-CODE")
    events.tokens.clear()
    capsys.readouterr()
    document = edge(home, "sync", code=6)
    assert (document["to_version"], document["events_waiting"], document["events_acknowledged"]) == (1, 1, 0)
    assert "events were not sent" in capsys.readouterr().err and "edge enrol" in document["push"]["error"]
    edge(home, "enrol", address, "SECOND-CODE")
    assert edge(home, "sync")["events_acknowledged"] == 1 and waiting(home) == []


def test_another_server_is_refused_while_the_first_could_still_be_asked_to_delete(
    home: Path, events: EventServer, address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    edge(home, "enrol", address, "GOOD-CODE")
    edge(home, "enrol", "http://127.0.0.1:9", "OTHER", code=2)
    assert f"is enrolled with {address}" in capsys.readouterr().err
    edge(home, "enrol", address, "SECOND-CODE")
    edge(home, "forget", "--local")
    assert len(events.tokens) == 2 and edge(home, "status")["enrolment"] is None, "no server was asked"


def test_bytes_that_are_saved_for_the_pull_leave_events_waiting(
    home: Path, events: EventServer, address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    edge(home, "accept", *tag_ids(home))
    edge(home, "enrol", address, "GOOD-CODE")
    capsys.readouterr()
    document = edge(home, "sync", "--max-bytes", 400)
    assert (document["events_sent"], document["events_waiting"]) == (0, 2) and events.batches == []
    assert "0 sent, 0 acknowledged, 2 wait" in capsys.readouterr().out


def test_an_address_without_catalogues_still_takes_the_events(home: Path, events: EventServer) -> None:
    with listening(events) as address:
        edge(home, "accept", tag_ids(home)[0])
        edge(home, "enrol", address, "GOOD-CODE")
        edge(home, "sync", code=6)
        assert len(events.stored) == 1 and waiting(home) == []


def test_deciding_needs_no_extra(home: Path) -> None:
    program = (
        "import sys; sys.modules.update(dict.fromkeys(['zstandard', 'tuf', 'urllib3', 'filelock']))\n"
        "from edge.cli import main\n"
        "home = ['--home', sys.argv[1]]\n"
        "calls = ['accept', sys.argv[2]], ['outbox'], ['status'], ['forget', '--local']\n"
        "print([main([*words, *home]) for words in calls], main(['enrol', 'https://shop.example', 'CODE', *home]))\n"
    )
    command = [sys.executable, "-c", program, str(home), tag_ids(home)[0]]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=120)
    assert done.stdout.splitlines()[-1] == "[0, 0, 0, 0] 2" and "pip install 'taglet[sync]'" in done.stderr, done.stderr
