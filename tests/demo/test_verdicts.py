"""The demo's verdict: a tag of what is not shown is counted, even where the right one stands beside it."""

from __future__ import annotations

import numpy as np

from edge.tags import Box, Candidate, Moment, SourceTags, Tag
from export.demo.verdicts import verdict_lines, verdicts
from export.render.clip import Appearance

LEFT, RIGHT = (10.0, 10.0, 50.0, 90.0), (200.0, 10.0, 240.0, 90.0)


def shown(product_id: str | None, xyxy: Box = LEFT) -> Appearance:
    times = tuple(n / 25 for n in range(50))
    return Appearance(product_id, str(product_id), times[0], times[-1], times, (xyxy,) * 50, (1.0,) * 50)


def tag(product_id: str, xyxy: Box = LEFT, status: str = "match", second: str = "other") -> Tag:
    candidates = Candidate(0, product_id, product_id, 0.9), Candidate(0, second, second, 0.5)
    best = Moment(1.0, xyxy, np.zeros((9, 9, 3), np.uint8))
    return Tag("0" * 16, status, candidates, 0.4, 0.5, 1.5, best, ((1.0, xyxy),))  # type: ignore[arg-type]


def outcomes(appearances: list[Appearance], *tags: Tag) -> tuple[list[str], str]:
    found = SourceTags("clip.mp4", "video", 2.0, (320, 180), False, 50, 10, 5, None, tags, ())
    judged = verdicts(appearances, found)
    return [verdict.outcome for verdict in judged], verdict_lines(judged)[-1]


def test_nothing_shown_and_nothing_tagged() -> None:
    assert outcomes([]) == ([], "0 wrong tags; 0 of 0 right")


def test_what_is_right_is_right() -> None:
    found = outcomes([shown("oat"), shown("soy", RIGHT)], tag("oat"), tag("soy", RIGHT))
    assert found == (["found", "found"], "0 wrong tags; 2 of 2 right")


def test_a_sister_beside_the_right_tag_is_wrong() -> None:
    assert outcomes([shown("oat")], tag("oat"), tag("soy")) == (["found", "beside"], "1 wrong tag; 1 of 1 right")


def test_an_ambiguous_tag_beside_the_right_one_claims_nothing() -> None:
    found = outcomes([shown("oat")], tag("oat"), tag("soy", status="ambiguous", second="oat"))
    assert found == (["found"], "0 wrong tags; 1 of 1 right")


def test_wrong_missed_and_out_of_nothing() -> None:
    assert outcomes([shown("oat")], tag("soy")) == (["mistaken"], "1 wrong tag; 0 of 1 right")
    assert outcomes([shown("oat")]) == (["missed"], "0 wrong tags; 0 of 1 right")
    assert outcomes([shown(None)]) == (["rightly untagged"], "0 wrong tags; 1 of 1 right")
    assert outcomes([shown(None)], tag("oat"), tag("soy")) == (["mistaken", "beside"], "2 wrong tags; 0 of 1 right")
    found = outcomes([shown("oat")], tag("oat"), tag("soy", RIGHT))
    assert found == (["found", "nothing there"], "1 wrong tag; 1 of 1 right")
