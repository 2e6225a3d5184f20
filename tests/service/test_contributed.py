"""Vectors that creators agreed to share, as `server views export` hands them on, and what is not in the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.contributed import ContributedFile, read_contributed
from server import cli
from server.database.contributed import contributed_views, voice_of
from server.database.enrolment import new_code
from tests.server.shop import Shop
from tests.service.fleet import Clock, Counter, Till, an_event, hexadecimal

SALT = b"s" * 32
VECTOR, OTHER = b"\x01" * 8, b"\x02" * 8


def shared(counter: Counter) -> list[tuple[str, bytes]]:
    return sorted((view.product_id, view.vector) for view in contributed_views(counter.engine, SALT))


def test_without_events_there_is_nothing(counter: Counter) -> None:
    assert shared(counter) == []


def test_only_what_was_accepted_or_corrected_and_shared(counter: Counter, clock: Clock) -> None:
    till = counter.device("till 1", clock)
    events = [
        an_event(1, embedding=VECTOR),
        an_event(2),
        an_event(3, kind="rejected", embedding=VECTOR),
        an_event(4, kind="corrected", corrected_to="p002", embedding=OTHER),
    ]
    assert till.results(events) == ["stored"] * 4
    assert shared(counter) == [("p001", VECTOR), ("p002", OTHER)]


@pytest.mark.parametrize("later", [{"kind": "rejected"}, {"embedding": None}], ids=["rejected", "consent taken back"])
def test_the_last_decision_on_a_tag_takes_the_vector_back(
    counter: Counter, clock: Clock, later: dict[str, str]
) -> None:
    till = counter.device("till 1", clock)
    first = an_event(1, embedding=VECTOR)
    till.results([first])
    till.results([an_event(2, tag_id=first["tag_id"], **later)])
    assert shared(counter) == []


def test_a_revoked_device_has_no_voice_and_a_forgotten_one_no_rows(counter: Counter, clock: Clock) -> None:
    from server.database.enrolment import revoke

    first, second = counter.device("till 1", clock), counter.device("till 2", clock)
    first.results([an_event(1, embedding=VECTOR)])
    second.results([an_event(2, embedding=OTHER)])
    revoke(counter.engine, "till 1", clock())
    assert shared(counter) == [("p001", OTHER)]
    assert counter.client.delete("/api/v1/device", headers=second.headers).status_code == 204
    assert shared(counter) == []


def test_a_device_that_enrols_anew_under_its_name_speaks_with_the_same_voice(counter: Counter, clock: Clock) -> None:
    till = counter.device("till 1", clock)
    till.results([an_event(1, embedding=VECTOR)])
    for number in range(5):
        code = new_code(counter.engine, "till 1", clock()).text
        answer = counter.enrol(code, hexadecimal(f"another {number}", 32))
        anew = Till(counter, hexadecimal(f"another {number}", 32), answer.json["token"])
        assert anew.results([an_event(f"again {number}", embedding=OTHER)]) == ["stored"]
    voices = [view.voice for view in contributed_views(counter.engine, SALT)]
    assert len(voices) == 6 and set(voices) == {voice_of("till 1", SALT)}


def export(shop: Shop, database: str, out: Path) -> ContributedFile:
    at = ("--repository", str(shop.repository.root), "--database", database)
    assert cli.main(["views", "export", "--out", str(out), *at]) == 0
    return read_contributed(out)


def test_the_file_says_nothing_of_device_tag_or_time_and_two_files_cannot_be_joined(
    shop: Shop, database: str, clock: Clock, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    counter = Counter.open(shop, database, clock)
    till = counter.device("secret till", clock)
    event = an_event(1, embedding=VECTOR)
    till.results([event, an_event(2, product_id="=p\n2", embedding=OTHER)])
    counter.close()
    first = export(shop, database, tmp_path / "first.jsonl")
    assert "2 vectors of 1 devices for 2 products" in capsys.readouterr().out
    assert {(view.product_id, view.vector) for view in first.views} == {("p001", VECTOR), ("=p\n2", OTHER)}
    content = (tmp_path / "first.jsonl").read_bytes()
    for secret in (till.device_id, "secret", event["event_id"], event["tag_id"], str(int(event["made_at_s"]))):
        assert secret.encode() not in content
    second = export(shop, database, tmp_path / "second.jsonl")
    assert {view.voice for view in first.views}.isdisjoint(view.voice for view in second.views)


def test_of_one_catalogue_only(shop: Shop, database: str, clock: Clock, tmp_path: Path) -> None:
    counter = Counter.open(shop, database, clock)
    counter.device("till 1", clock).results([an_event(1, embedding=VECTOR)])
    counter.close()
    at = ("--repository", str(shop.repository.root), "--database", database, "--catalog", "other")
    assert cli.main(["views", "export", "--out", str(tmp_path / "views.jsonl"), *at]) == 0
    assert read_contributed(tmp_path / "views.jsonl").views == ()
