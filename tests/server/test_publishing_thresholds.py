"""Thresholds are published with the shard that they are for, and come back with what is withdrawn."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from edge.bundle_description import Matching
from edge.errors import ArtefactRefused
from edge.shard import Shard
from edge.shard.calibration import Calibration, Trial, Way, calibration_bytes, write_calibration
from server.publication import file_path
from server.publishing import publish
from server.withdrawal import Withdrawal, withdraw
from tests.server.shop import FORCED, NOW, Shop
from tests.small_shards import SPACE


def calibrated(shard: Shard, similarity: float = 0.8) -> bytes:
    """Put thresholds beside a shard and return their bytes."""
    way = Way(None, Matching(similarity, 0.1), None, (Trial("nothing", 100, None, 0, 0.03),))
    calibration = Calibration(shard.sha256, SPACE, "b" * 64, 0.05, 0.95, "photos", (way,))
    write_calibration(shard.root, calibration)
    shard.__dict__.pop("calibration", None)  # opened before it was written
    return calibration_bytes(calibration)


def published(shop: Shop) -> bytes | None:
    """Return the thresholds that a device finds beside the newest release."""
    file = shop.index().generations[0].newest.calibration
    return None if file is None else (shop.public / file_path(file.sha256)).read_bytes()


def test_a_shard_without_thresholds_is_published_without(tmp_path: Path) -> None:
    shop = Shop.open(tmp_path)
    shop.publish(1)
    assert published(shop) is None


def test_thresholds_are_published_with_a_shard_and_replaced_beside_it(tmp_path: Path) -> None:
    shop = Shop.open(tmp_path)
    shard = shop.shard(1)
    for similarity in (0.8, 0.9):
        data = calibrated(shard, similarity)
        assert publish(shop.repository, shard, shop.ring, FORCED, NOW).writes
        assert published(shop) == data and shop.device().version() == 1
        assert not publish(shop.repository, shard, shop.ring, FORCED, NOW).writes


def test_only_the_offered_release_has_thresholds(tmp_path: Path) -> None:
    shop = Shop.open(tmp_path)
    shard = shop.shard(1)
    calibrated(shard)
    publish(shop.repository, shard, shop.ring, FORCED, NOW)
    shop.publish(2)
    assert [release.calibration for release in shop.index().generations[0].releases] == [None, None]


def test_thresholds_of_another_shard_are_not_published(tmp_path: Path) -> None:
    shop = Shop.open(tmp_path)
    shard = shop.shard(1)
    foreign = Calibration("c" * 64, SPACE, "b" * 64, 0.05, 0.95, "photos", (Way(None, Matching(0.8, 0.1), None, ()),))
    write_calibration(shard.root, foreign)
    with pytest.raises(ArtefactRefused, match="is for another shard: run `export calibrate`"):
        publish(shop.repository, shard, shop.ring, FORCED, NOW)


def test_withdrawing_a_version_brings_back_the_thresholds_of_the_one_before(tmp_path: Path) -> None:
    shop = Shop.open(tmp_path)
    shard = shop.shard(1)
    data = calibrated(shard)
    publish(shop.repository, shard, shop.ring, FORCED, NOW)
    shop.publish(2)
    withdraw(shop.repository, shop.ring, Withdrawal("2", "a test", wait_s=0), NOW)
    assert published(shop) == data


def test_without_one_of_its_products_a_catalogue_has_no_thresholds(tmp_path: Path) -> None:
    shop = Shop.open(tmp_path)
    shard = shop.shard(1)
    calibrated(shard)
    publish(shop.repository, shard, shop.ring, replace(FORCED), NOW)
    withdraw(shop.repository, shop.ring, Withdrawal("p001", "a test", wait_s=0), NOW)
    assert published(shop) is None
