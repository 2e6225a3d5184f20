"""Why a product is suggested, in the words that the upload page uses too: both are held to one file of cases."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from edge.bundle import Matching
from edge.output.wording import explain_tag
from tests.output.invented_runs import a_tag

CASES = json.loads((Path(__file__).parents[2] / "web_demo" / "tests" / "wording.json").read_text("utf-8"))


def test_there_are_cases() -> None:
    assert {case["status"] for case in CASES} == {"match", "ambiguous"}


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["text"])[:40])
def test_says_why_as_the_upload_page_does(case: dict[str, Any]) -> None:
    candidates = [("first", "First", case["similarity"])]
    if case["second"] is not None:
        candidates.append(("second", case["second"], case["similarity"] - case["margin"]))
    tag = a_tag(*candidates, margin=case["margin"], status=case["status"])
    assert explain_tag(tag, Matching(case["similarity_threshold"], case["margin_threshold"])) == case["text"]
