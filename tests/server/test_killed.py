"""A publisher that dies at any step: the old state is served whole, and the next publish finishes."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from server.publishing import publish
from server.repository import Settings
from tests.dying import run_until_killed
from tests.server.killed_child import NEW_IS_SERVED, OLD_IS_SERVED, PLACES, STEPS, WRONG_ORDER
from tests.server.shop import DAY, FORCED, NOW, Shop

REPOSITORY = Path(__file__).resolve().parents[2]


def killed_publish(shop: Shop, point: str) -> None:
    """Publish version 2 in a child that must die at the point."""
    shard = shop.shard(2, pictures=True)
    run_until_killed("tests.server.killed_child", [str(shop.repository.root), str(shard.root), point], point)


def test_every_step_is_a_point() -> None:
    assert sorted([*OLD_IS_SERVED, *NEW_IS_SERVED]) == sorted([*STEPS, *PLACES])


@pytest.mark.parametrize("point", [*OLD_IS_SERVED, *NEW_IS_SERVED])
def test_a_killed_publish_leaves_a_whole_tree_and_the_next_one_finishes(tmp_path: Path, point: str) -> None:
    shop = Shop.open(tmp_path, settings=Settings(grace_days=1))
    shop.publish(1, pictures=True)
    device = shop.device()
    assert device.version() == 1

    killed_publish(shop, point)
    served = 1 if point in OLD_IS_SERVED else 2
    assert device.version() == shop.device("fresh").version() == served

    again = publish(shop.repository, shop.shard(2, pictures=True), shop.ring, FORCED, NOW)
    assert bool(again.writes) == (served == 1)
    assert device.version() == shop.device("late").version() == 2
    assert len(shop.index().generations[0].deltas) == 1
    shop.publish(3, now=NOW + 2 * DAY)
    assert device.version() == 3
    assert [path for path in shop.public.rglob(".*") if path.is_file()] == [], "a half-written file stayed"


def test_the_check_sees_a_publisher_that_writes_in_the_wrong_order(tmp_path: Path) -> None:
    shop = Shop.open(tmp_path)
    shop.publish(1)
    device = shop.device()
    device.version()
    killed_publish(shop, WRONG_ORDER)
    with pytest.raises(Exception, match=r"not found|snapshot"):
        device.version()


def test_the_reason_outlives_a_publisher_that_dies(tmp_path: Path) -> None:
    shop = Shop.open(tmp_path)
    killed_publish(shop, "files")
    last = json.loads(shop.repository.journal.read_text().splitlines()[-1])
    assert (last["event"], last["stage"], last["forced"]) == ("publish", "begun", "killed at: files")


@pytest.mark.parametrize("limit", [100, 300, 600, 1000, 2000])
def test_a_full_disk_leaves_the_old_state(tmp_path: Path, limit: int) -> None:
    """No file may grow beyond a limit, which a write meets as it meets a full disk: an error in the middle."""
    shop = Shop.open(tmp_path)
    shop.publish(1)
    shard = shop.shard(2, pictures=True)
    command = [sys.executable, "-m", "server", "publish", str(shard.root)]
    done = subprocess.run(
        [*command, "--repository", str(shop.repository.root), "--force", "a test"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    assert done.returncode == 3, done.stderr
    assert "cannot be written" in done.stderr and len(done.stderr.splitlines()) == 1
    assert shop.device().version() == 1
    publish(shop.repository, shard, shop.ring, FORCED, NOW)
    assert shop.device("late").version() == 2
