"""How long metadata is valid: what refresh signs and when, what is said, and what colour health has."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from edge.errors import InputError
from server.health import health_of
from server.metadata import read_served
from server.refreshing import refresh
from tests.server.shop import DAY, NOW, Shop


def colour(shop: Shop, now: datetime) -> str:
    return health_of(read_served(shop.public), shop.repository.settings, now).colour


@pytest.mark.parametrize(
    ("days", "expected"),
    [(0.0, "ok"), (4.1, "ok"), (4.3, "warn"), (5.2, "warn"), (5.3, "red"), (7.0, "red"), (99, "red")],
)
def test_health_is_red_below_a_quarter_of_the_life_left(tmp_path: Path, days: float, expected: str) -> None:
    assert colour(Shop.open(tmp_path), NOW + timedelta(days=days)) == expected


def test_nothing_is_signed_anew_before_half_of_the_life_is_over(tmp_path: Path) -> None:
    shop = Shop.open(tmp_path)
    before = (shop.public / "metadata/timestamp.json").read_bytes()
    assert refresh(shop.repository, shop.ring, NOW + 3 * DAY).signed == ()
    assert (shop.public / "metadata/timestamp.json").read_bytes() == before
    assert refresh(shop.repository, shop.ring, NOW + 4 * DAY).signed == ("timestamp",)
    assert refresh(shop.repository, shop.ring, NOW + 15 * DAY).signed == ("snapshot", "timestamp")


def test_a_quiet_catalogue_does_not_expire_its_devices(tmp_path: Path) -> None:
    shop = Shop.open(tmp_path)
    shop.publish(1)
    for path in list(shop.repository.offline_keys.iterdir()):
        path.unlink()
    colours = {"ok"}
    for day in range(1, 180):
        now = NOW + day * DAY
        done = refresh(shop.repository, shop.ring, now)
        colours.add(done.health.colour)
        assert done.health.roles["timestamp"].life_left >= 0.5
    assert colours == {"ok"} and done.waiting == ()


def test_what_needs_the_offline_keys_is_said_and_done_when_they_are_back(tmp_path: Path) -> None:
    shop = Shop.open(tmp_path, 2, 3)
    shop.publish(1)
    later = NOW + 300 * DAY
    done = refresh(shop.repository, shop.ring, later)
    assert done.waiting == ("root", "targets") and done.health.colour == "red"
    assert [s for s in done.health.sentences if "bring the offline keys" in s] == list(done.health.sentences)
    done = refresh(shop.repository, shop.ring, later, offline=True)
    assert done.signed == ("root", "targets", "snapshot", "timestamp") and done.health.colour == "ok"
    assert shop.device().version() == 1


def test_a_refresh_does_not_wait_for_ever(tmp_path: Path) -> None:
    shop = Shop.open(tmp_path)
    with shop.repository.locked(0), pytest.raises(InputError, match="try again later"):
        refresh(shop.repository, shop.ring, NOW + 4 * DAY, wait_s=0)


def test_metadata_that_is_not_signed_as_root_demands_is_red(tmp_path: Path) -> None:
    shop = Shop.open(tmp_path)
    path = shop.public / "metadata/timestamp.json"
    value = json.loads(path.read_bytes())
    value["signed"]["version"] += 1
    path.write_text(json.dumps(value))
    health = health_of(read_served(shop.public), shop.repository.settings, NOW)
    assert health.colour == "red" and health.sentences == ("timestamp is not signed as root demands: run `refresh`",)
