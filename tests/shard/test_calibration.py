"""The calibration beside a shard: read strictly, believed for its own shard only, used by everything that decides."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edge.bundle_description import Matching, SecondLookPart
from edge.errors import ArtefactRefused
from edge.shard import Shard, open_shard, write_shard
from edge.shard.calibration import (
    CALIBRATION,
    Calibration,
    Kept,
    Trial,
    Way,
    calibration_bytes,
    read_calibration,
    rule_of,
    write_calibration,
)
from tests.small_shards import random_shard

RULE = SecondLookPart()
BUNDLE = Matching(0.7, 0.05)
ALONE = Way(
    None,
    Matching(0.8, 0.1),
    Kept(90, 80, 70),
    (Trial("nothing", 100, None, 1, 0.047), Trial("shows", 90, None, 0, 0.033)),
)
LOOKED = Way(RULE, Matching(0.9, 0.0), None, (Trial("products", 61, None, 0, 0.048),))


def calibration(shard: Shard, *ways: Way) -> Calibration:
    return Calibration(shard.sha256, shard.space_id, "b" * 64, 0.05, 0.95, "photos", ways or (ALONE, LOOKED))


@pytest.fixture
def shard(tmp_path: Path) -> Shard:
    return random_shard(tmp_path / "shard", 3, 3)


def test_a_shard_without_a_calibration_has_the_thresholds_of_the_bundle(shard: Shard) -> None:
    assert read_calibration(shard.root) is None and shard.calibration is None
    assert shard.matching(BUNDLE, None) == BUNDLE and shard.calibration_note(None) is None


def test_what_is_written_is_read(shard: Shard) -> None:
    write_calibration(shard.root, calibration(shard))
    assert read_calibration(shard.root) == calibration(shard)


def test_each_manner_of_ranking_has_its_own_thresholds(shard: Shard) -> None:
    write_calibration(shard.root, calibration(shard))
    assert shard.matching(BUNDLE, None) == ALONE.matching
    assert shard.matching(BUNDLE, RULE) == LOOKED.matching


def test_another_second_look_than_was_calibrated_is_not_covered(shard: Shard) -> None:
    write_calibration(shard.root, calibration(shard, LOOKED))
    other = replace(RULE, weight=1.0)
    assert shard.matching(BUNDLE, other) == BUNDLE
    assert "not made with the second look that is taken" in str(shard.calibration_note(other))
    assert "not made without the second look that is taken" in str(shard.calibration_note(None))


def test_catalogues_are_looked_at_by_the_rule_that_they_were_calibrated_with(shard: Shard) -> None:
    always = replace(RULE, margin_threshold=2.0)
    one = calibration(shard, ALONE, replace(LOOKED, second_look=always))
    assert rule_of(RULE, []) == rule_of(RULE, [None]) == rule_of(RULE, [calibration(shard, ALONE)]) == RULE
    assert rule_of(RULE, [one]) == rule_of(RULE, [one, None, one]) == always
    assert rule_of(RULE, [one, calibration(shard, replace(LOOKED, second_look=replace(RULE, weight=1.0)))]) == RULE
    assert rule_of(None, [one]) is None


@pytest.mark.parametrize("change", [{"shard": "c" * 64}, {"space_id": "6" * 64}])
def test_a_calibration_of_another_shard_is_not_used_and_said(shard: Shard, change: dict[str, str]) -> None:
    write_calibration(shard.root, replace(calibration(shard), **change))
    again = open_shard(shard.root)
    assert again.calibration is None and again.matching(BUNDLE, None) == BUNDLE
    assert "made for another shard: run `export calibrate`" in str(again.calibration_note(None))


def altered(*path: str | int, to: Any) -> Callable[[Any], Any]:
    def change(value: Any) -> Any:
        at = value
        for step in path[:-1]:
            at = at[step]
        at[path[-1]] = to
        return value

    return change


@pytest.mark.parametrize(
    ("change", "part"),
    [
        (altered("schema", to=2), "calibration schema 2, this version reads 1: update"),
        (altered("ways", to=[]), "ways: expected each manner of ranking once"),
        (lambda value: {**value, "ways": value["ways"][:1] * 2}, "ways: expected each manner of ranking once"),
        (altered("max_false_tags", to=0), "max_false_tags: expected a number between 0 and 1"),
        (altered("confidence", to=1.5), "confidence: expected a number between 0 and 1"),
        (altered("basis", to="faith"), "basis: expected photos or products"),
        (altered("shard", to="short"), "shard: expected 64 hexadecimal digits"),
        (altered("ways", 0, "matching", "similarity_threshold", to=7), "expected a number from -1 to 1"),
        (altered("ways", 0, "matching", "margin_threshold", to="0.1"), "margin_threshold: expected a number"),
        (altered("ways", 0, "trials", 0, "false", to=101), "expected a number from 0 to 100"),
        (altered("ways", 0, "trials", 1, "products", to=91), "expected a number from 0 to 90"),
        (altered("ways", 0, "trials", 0, "name", to="luck"), "trials[0].name: expected nothing or left_out"),
        (altered("ways", 0, "kept", "kept", to=81), "expected a number from 0 to 80"),
        (lambda value: [value], "is no calibration"),
    ],
)
def test_refuses_what_is_not_as_the_format_says(shard: Shard, change: Callable[[Any], Any], part: str) -> None:
    value = change(json.loads(calibration_bytes(calibration(shard))))
    (shard.root / CALIBRATION).write_text(json.dumps(value))
    with pytest.raises(ArtefactRefused) as refused:
        shard.calibration  # noqa: B018
    assert part in str(refused.value) and CALIBRATION in str(refused.value)


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", b"[" * 100_000])
def test_refuses_what_is_no_json(shard: Shard, data: bytes) -> None:
    (shard.root / CALIBRATION).write_bytes(data)
    with pytest.raises(ArtefactRefused, match="calibration"):
        read_calibration(shard.root)


def test_a_shard_that_is_written_again_keeps_it_while_its_content_is_the_same(shard: Shard) -> None:
    write_calibration(shard.root, calibration(shard))
    write_shard(shard.root, shard.catalog, 2, shard.space_id, dict(shard.columns))
    assert open_shard(shard.root).calibration == calibration(shard)
    random_shard(shard.root, 4, 4)
    assert open_shard(shard.root).calibration is None and not (shard.root / CALIBRATION).exists()
