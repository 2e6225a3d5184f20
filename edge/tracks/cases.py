"""The golden cases of the rule of tracks: looks in, tags out, in plain JSON; docs/formats/tracks.md describes them.

>>> cases = read_cases(golden_folder())
>>> [case["name"] for case in cases["cases"] if answer(case, cases) != case["expected"]]
[]
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from edge.bundle import Matching
from edge.document import tag_entry, unmatched_entry
from edge.files import read_json_object
from edge.preprocessing import ImageArray
from edge.tagging import Identity, tags_of, unmatched_of
from edge.tags import Candidate
from edge.tracks import appearances, association, following, pace, seen, track, votes
from edge.tracks.appearances import Named, gather
from edge.tracks.following import Following
from edge.tracks.naming import name
from edge.tracks.seen import Seen
from edge.tracks.track import Track

TRACKS = "tracks.json"
SCHEMA = 1
CONSTANTS: dict[str, float] = {
    constant: getattr(module, constant)
    for module, names in (
        (pace, ("GLANCE_S", "QUICK_S", "BRISK_S", "CALM_S", "STILL_S", "STEP", "CHANGED", "MOVING", "CUT", "CUT_RISE")),
        (
            association,
            (
                "SAME_OVERLAP",
                "SAME_OVERLAP_WEAK",
                "LEAST_LIKENESS",
                "PART",
                "LEAP",
                "LEAP_S",
                "LEAP_GROWTH",
                "LEAP_LIKENESS",
            ),
        ),
        (following, ("WEAK_SHARE", "LOST_S", "LOST_LOOKS")),
        (track, ("PICKS", "PICKS_APART_S", "SOON_S", "FORESEEN_S")),
        (seen, ("SIDE", "PATCH", "BORDER_SHARE", "CUT_FACTOR", "FULL_SIDE")),
        (votes, ("SURE", "NEARLY")),
        (appearances, ("GAP_S", "BRIEF", "BRIEF_S", "INSIDE", "LEAST_PART", "SAME_PLACE")),
    )
    for constant in names
}
"""Every number of the rule, as the golden kit names it."""
IDENTITY = Identity("content", "space", ("first shard", "second shard"))
"""What the tag_ids of the cases are derived from."""


def read_cases(folder: Path) -> dict[str, Any]:
    """Read the golden cases of a golden kit.

    Raises:
        ArtefactRefused: they are missing or malformed.
    """
    return read_json_object(folder / TRACKS, "golden cases of tracks")


def answer(case: Mapping[str, Any], cases: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the rule makes of a case, as its `expected`.

    Args:
        case: one of the cases.
        cases: the whole file, for thresholds and patches.
    """
    matchings = [Matching(**thresholds) for thresholds in cases["matchings"]]
    follower, asked = Following(cases["confident"]), _Asked()
    ended: list[Track] = []
    for glance in case["glances"]:
        if glance.get("still"):
            follower.stay(glance["timestamp_s"])
            continue
        shown = glance["seen"]
        detections = [_seen(one, cases["patches"]) for one in shown]
        crop_of = asked.crops_of([one.get("candidates", []) for one in shown])
        cut = glance.get("cut", False)
        news = follower.observe(glance["timestamp_s"], tuple(case["resolution_wh"]), detections, crop_of, cut)
        ended += news.ended
    named: list[Named] = [name(one, asked.ask, matchings) for one in [*ended, *follower.close()]]
    known, unknown = gather(named, case["gap_s"])
    found = {
        "crops_embedded": sum(one.asked for one in named),
        "tags": [asdict(tag_entry(tag)) for tag in tags_of(known, IDENTITY)],
        "unmatched": [asdict(unmatched_entry(one)) for one in unmatched_of(unknown)],
    }
    plain: dict[str, Any] = json.loads(json.dumps(found))
    return plain


def watch(case: Mapping[str, Any], cases: Mapping[str, Any]) -> list[list[Any]]:
    """Return what is done at each glance of a case of cuts, as its `expected`: the decision, and whether a cut came.

    Args:
        case: one of the `cuts`.
        cases: the whole file, for the pictures.
    """
    chosen, told = pace.pace_for(case["every_s"]), []
    for timestamp_s, picture in case["glances"]:
        grey = np.array(cases["greys"][picture], np.uint8)
        decision = chosen.decide(timestamp_s, grey)
        told.append([decision, chosen.cut])
        if decision == "look":
            chosen.learn(timestamp_s, grey, restless=False)
    return told


def _seen(value: Mapping[str, Any], patches: Mapping[str, Sequence[float]]) -> Seen:
    x0, y0, x1, y1 = value["xyxy"]
    patch = np.array(patches[value["patch"]], np.float64) if "patch" in value else None
    return Seen((x0, y0, x1, y1), value["confidence"], value.get("sharpness", 0.0), patch)


class _Asked:
    """Hands out crops of one pixel, whose colour is the number of their candidates."""

    def __init__(self) -> None:
        self._candidates: list[tuple[Candidate, ...]] = []

    def crops_of(self, shown: Sequence[Sequence[Sequence[Any]]]) -> Any:
        first = len(self._candidates)
        self._candidates += [tuple(Candidate(s, p, p, v) for s, p, v in candidates) for candidates in shown]
        return lambda place: np.frombuffer((first + place).to_bytes(3, "big"), np.uint8).reshape(1, 1, 3)

    def ask(self, crop: ImageArray) -> tuple[tuple[Candidate, ...], Any]:
        return self._candidates[int.from_bytes(crop.tobytes(), "big")], np.zeros(1, np.int8)
