"""What else happens to a device: damage, a full disk, two processes, a disk that cannot be written."""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from edge.cli import main
from edge.errors import ArtefactRefused, OutputError
from edge.golden import golden_folder
from edge.outbox import drafts
from edge.outbox.drafts import count, keep
from edge.outbox.enrolment import Enrolment, write_enrolment
from edge.outbox.push import push_from
from edge.outbox.rescue import events_in
from edge.outbox.store import look_into_outbox, open_outbox
from edge.shard import open_shard
from tests.conftest import REPOSITORY
from tests.outbox.damage import damage_page_of, flushed
from tests.outbox.device import DEVICE_ID, NOW_S, accept, device, line_to, reject, run_of, server, tag, waiting
from tests.outbox.server import listening

ACCEPT_ALL = (
    "import sys; from pathlib import Path; from tests.outbox.device import accept; accept(Path(sys.argv[1]), {})"
)


def notes(home: Path) -> tuple[str, ...]:
    with open_outbox(home) as outbox:
        return outbox.notes


def in_a_process(program: str, home: Path, **options: Any) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", program, str(home)]
    return subprocess.Popen(command, cwd=REPOSITORY, text=True, stderr=subprocess.PIPE, **options)


def test_a_damaged_page_costs_its_events_and_no_other(tmp_path: Path) -> None:
    home = device(tmp_path, tags=60)
    accept(home, *range(60))
    ids = waiting(home)
    damage_page_of(home / "outbox.db", ids[30])
    (note,) = notes(home)
    kept = waiting(home)
    assert re.fullmatch(rf"outbox.db was damaged: it is kept as outbox.damaged-1.db, and {len(kept)} events .*", note)
    assert 40 <= len(kept) < 60 and set(kept) < set(ids)
    assert (home / "outbox.damaged-1.db").exists() and notes(home) == ()
    events = server()
    push_from(home, line_to(events))
    assert [event_id for _, event_id in events.stored] == kept


@pytest.mark.parametrize("lost", [16, 100, 4096], ids=["magic", "header", "first page"])
def test_events_are_found_in_a_file_that_is_no_database_any_more(tmp_path: Path, lost: int) -> None:
    home = device(tmp_path, tags=60)
    accept(home, *range(60))
    ids, path = waiting(home), home / "outbox.db"
    path.write_bytes(b"\x55" * lost + flushed(path)[lost:])
    assert len(notes(home)) == 1 and sorted(waiting(home)) == sorted(ids)
    assert accept(home, 5).decided[0].change == "same", "the decisions are known again too"


def test_a_file_cut_in_half_gives_what_is_left(tmp_path: Path) -> None:
    home = device(tmp_path, tags=60)
    accept(home, *range(60))
    ids, path = waiting(home), home / "outbox.db"
    data = flushed(path)
    path.write_bytes(data[: len(data) // 2])
    assert len(notes(home)) == 1 and 0 < len(waiting(home)) < 60 and set(waiting(home)) < set(ids)


def test_a_rescue_brings_back_no_decision_that_was_replaced(tmp_path: Path) -> None:
    home = device(tmp_path)
    accept(home, 0, 1)
    reject(home, 0, now_s=NOW_S + 1)
    path = home / "outbox.db"
    path.write_bytes(b"\x55" * 16 + flushed(path)[16:])
    with open_outbox(home) as outbox:
        kinds = {kept.event.tag_id: kept.event.kind for kept in outbox.waiting()[0]}
    assert kinds == {f"{0:016x}": "rejected", f"{1:016x}": "accepted"}


def test_a_second_damage_is_kept_beside_the_first(tmp_path: Path) -> None:
    home = device(tmp_path)
    for number in (1, 2):
        accept(home, number)
        path = home / "outbox.db"
        path.write_bytes(b"\x55" * 16 + flushed(path)[16:])
        assert f"outbox.damaged-{number}.db" in notes(home)[0]
    assert len(waiting(home)) == 2


def test_bytes_that_only_look_like_events_are_none() -> None:
    assert events_in(b"") == []
    assert events_in(b'{"catalog":' * 50 + b'"tag_id":"0000000000000000"}') == []
    assert events_in(b'{"catalog":"x","tag_id":"0000000000000000"}') == []


def test_damaged_drafts_are_set_aside_by_the_next_tagging(tmp_path: Path) -> None:
    home = device(tmp_path)
    accept(home, 0)
    path = home / drafts.DRAFTS
    path.write_bytes(b"\x55" * 100 + flushed(path)[100:])
    with pytest.raises(OutputError, match=r"drafts.db: is damaged .*tag the source again"):
        accept(home, 1)
    note = keep(home, run_of(open_shard(tmp_path / "shard"), [tag(9)]), NOW_S)
    assert "kept as drafts.damaged-1.db" in note and count(home).tags == 1 and len(waiting(home)) == 1


def test_status_says_what_is_damaged_and_ends_well(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = device(tmp_path)
    accept(home, 0)
    for name in ("drafts.db", "outbox.db"):
        path = home / name
        path.write_bytes(b"\x55" * 100 + flushed(path)[100:])
    assert main(["status", "--home", str(home)]) == 0
    said = capsys.readouterr().out
    assert "drafts.db: is damaged" in said and "outbox.db was damaged" in said and "1 events wait" in said


def test_an_outbox_of_a_later_version_is_left_alone(tmp_path: Path) -> None:
    home = device(tmp_path)
    accept(home, 0)
    with open_outbox(home) as outbox:
        outbox._rows.execute("PRAGMA user_version = 9")
    with pytest.raises(ArtefactRefused, match="later version"):
        accept(home, 1)
    with pytest.raises(ArtefactRefused, match="later version"), look_into_outbox(home):
        pass


@pytest.mark.parametrize("limit", [0, 4096, 20_000])
def test_a_full_disk_keeps_what_was_decided_before(tmp_path: Path, limit: int) -> None:
    home = device(tmp_path, tags=300)
    accept(home, 0)
    ids = waiting(home)
    limited = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))}
    child = in_a_process(ACCEPT_ALL.format("*range(1, 300)"), home, **limited)
    said = child.communicate(timeout=60)[1]
    assert child.returncode == 1 and "OutputError" in said and "cannot be written" in said.splitlines()[-1]
    assert waiting(home) == ids, "all of a call or nothing of it"
    accept(home, *range(1, 300))
    assert len(waiting(home)) == 300


def test_on_a_full_disk_nothing_leaves_that_could_not_be_marked(tmp_path: Path) -> None:
    home, events = device(tmp_path), server()
    accept(home, 0, 1)
    ids = waiting(home)
    push_in_child = (
        "import sys; from pathlib import Path; from edge.outbox.push import push_from; "
        "from edge.sync.transport import HttpTransport, Metered; "
        "report = push_from(Path(sys.argv[1]), Metered(HttpTransport({!r}))); sys.exit(f'{{type(report.error)}}')"
    )
    with listening(events) as address:
        write_enrolment(home, Enrolment(address, DEVICE_ID, "token"))
        full = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))}
        assert "OutputError" in in_a_process(push_in_child.format(address), home, **full).communicate(timeout=60)[1]
        assert events.asked == [] and waiting(home) == ids
        in_a_process(push_in_child.format(address), home).communicate(timeout=60)
    assert [event_id for _, event_id in events.stored] == ids and waiting(home) == []


def test_a_full_disk_costs_the_draft_but_not_the_tags(tmp_path: Path) -> None:
    program = "import sys; from edge.cli import main; sys.exit(main(sys.argv[1:]))"
    picture = str(golden_folder() / "two.png")
    command = [sys.executable, "-c", program, "tag", picture, "--home", str(tmp_path / "home"), "--json", "-"]
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))  # noqa: E731
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=120, preexec_fn=limit)
    assert done.returncode == 0 and len(json.loads(done.stdout)["sources"][0]["tags"]) == 2
    assert "edge tag: these tags cannot be accepted later" in done.stderr and "Traceback" not in done.stderr


def test_processes_that_accept_at_once_lose_nothing(tmp_path: Path) -> None:
    home = device(tmp_path, tags=80)
    shares = [f"*range({first}, 80, 4)" for first in range(4)]
    children = [in_a_process(ACCEPT_ALL.format(share), home) for share in shares]
    for child in children:
        assert child.communicate(timeout=120)[1] == "" and child.returncode == 0
    assert len(waiting(home)) == 80


def test_processes_that_accept_the_same_tag_at_once_make_one_event(tmp_path: Path) -> None:
    home = device(tmp_path)
    children = [in_a_process(ACCEPT_ALL.format("0, 1, 2"), home) for _ in range(4)]
    for child in children:
        assert child.communicate(timeout=120)[1] == "" and child.returncode == 0
    assert len(waiting(home)) == 3


def test_processes_that_find_the_damage_at_once_rescue_once(tmp_path: Path) -> None:
    home = device(tmp_path, tags=8)
    accept(home, *range(4))
    path = home / "outbox.db"
    path.write_bytes(b"\x55" * 100 + flushed(path)[100:])
    children = [in_a_process(ACCEPT_ALL.format(number), home) for number in range(4, 8)]
    for child in children:
        assert child.communicate(timeout=120)[1] == "" and child.returncode == 0
    assert len(waiting(home)) == 8 and len(list(home.glob("outbox.damaged-*.db"))) == 1


@pytest.fixture
def readable_home() -> Iterator[Path]:
    """A home that everybody can read and only its owner can write."""
    folder = Path(tempfile.mkdtemp())
    home = device(folder)
    accept(home, 1)
    for name in ("outbox.db", "drafts.db"):
        flushed(home / name)
    folder.chmod(0o755)
    yield home
    shutil.rmtree(folder)


@contextmanager
def as_nobody() -> Iterator[None]:
    """Be a user who may write nothing, where the tests run as one who may write everything."""
    if os.geteuid():
        pytest.skip("only root can become somebody else")
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.parametrize("words", [["outbox", "--drafts"], ["status"], ["accept", "0" * 16]], ids=lambda w: w[0])
def test_a_home_that_cannot_be_written_can_be_looked_at(
    readable_home: Path, tmp_path: Path, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    main([*words, "--home", str(tmp_path)])  # so that everything is imported
    capsys.readouterr()
    before = sorted(file.name for file in readable_home.iterdir())
    with as_nobody():
        code = main([*words, "--home", str(readable_home)])
    out, said = capsys.readouterr()
    assert sorted(file.name for file in readable_home.iterdir()) == before
    if words[0] == "accept":
        assert code == 3 and len(said.splitlines()) == 1 and "cannot be written" in said
    else:
        assert code == 0 and "1 events wait" in out, said
