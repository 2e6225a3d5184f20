"""Which file is recommended: never a slower one without saying so, float where nothing else is worth it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from export.quantize import verdict
from export.quantize.job import TARGETS
from export.quantize.judged import Judged
from export.quantize.timing import Timing
from export.quantize.variant import NotMade, Scheme, Variant
from export.quantize.verdict import ESTIMATED, Measured, broken_promise, recommend, to_json


def measured(scheme: Scheme, size: float, time: float, drop: float = 0.0, passed: bool = True) -> Measured:
    judged = Judged("ap50", 0.8, 0.8 - drop / 100, drop, (drop - 0.5, drop + 0.5), 60)
    variant = Variant(Path(f"m.{scheme}.onnx"), TARGETS, scheme, 0.9)
    return Measured(variant, round(size * 1e6), size, judged, Timing(time, time * 1.2, time, 50), passed)


FLOAT = measured("float", 1.0, 10.0)


def test_stays_in_float_where_nothing_holds() -> None:
    choice = recommend("pi", [FLOAT, measured("qdq", 0.3, 4, 9, passed=False)], FLOAT)
    assert choice.file == "m.float.onnx"
    assert choice.sentence.startswith("Stay in float")


def test_the_fastest_that_holds_is_recommended() -> None:
    choice = recommend("pi", [FLOAT, measured("qdq", 0.3, 5), measured("weight_only", 0.26, 10)], FLOAT)
    assert choice.file == "m.qdq.onnx"
    assert "0.50 of the float file's time" in choice.sentence


def test_int8_that_is_slower_than_float_is_not_recommended() -> None:
    choice = recommend("pi", [FLOAT, measured("qdq", 0.3, 18), measured("weight_only", 0.26, 10)], FLOAT)
    assert choice.file == "m.weight_only.onnx"
    assert "Chosen for its size" in choice.sentence


def test_a_browser_is_not_given_static_int8() -> None:
    choice = recommend("web", [FLOAT, measured("qdq", 0.3, 3), measured("weight_only", 0.26, 10)], FLOAT)
    assert choice.file == "m.weight_only.onnx"


def test_what_was_measured_elsewhere_is_called_an_estimate(monkeypatch: pytest.MonkeyPatch) -> None:
    files = [FLOAT, measured("qdq", 0.3, 5)]
    monkeypatch.setattr(verdict, "machine", lambda: {"architecture": "x86_64", "system": "Linux 6"})
    assert ESTIMATED in recommend("pi", files, FLOAT).sentence
    monkeypatch.setattr(verdict, "machine", lambda: {"architecture": "aarch64", "system": "Linux 6"})
    assert ESTIMATED not in recommend("pi", files, FLOAT).sentence
    assert ESTIMATED in recommend("phone", files, FLOAT).sentence


SCHEMES = st.sampled_from(["fp16", "weight_only", "qdq", "mixed", "int8"])
FILES = st.lists(
    st.tuples(SCHEMES, st.floats(0.2, 1), st.floats(1, 30), st.booleans()), max_size=6, unique_by=lambda t: t[0]
)


@given(FILES, st.sampled_from(TARGETS))
def test_never_recommends_what_fails_or_is_slower_without_saying_so(
    files: list[tuple[Scheme, float, float, bool]], target: verdict.Target
) -> None:
    all_files = [FLOAT, *(measured(scheme, size, time, passed=passed) for scheme, size, time, passed in files)]
    choice = recommend(target, all_files, FLOAT)
    [chosen] = [m for m in all_files if m.file == choice.file]
    assert chosen.passed and chosen.timing is not None
    assert chosen.timing.p50 <= 10.5
    assert chosen.timing.p50 <= 10 or "Chosen for its size" in choice.sentence


def test_promise_is_broken_where_no_int8_holds_and_the_sentence_has_the_figures() -> None:
    files = [FLOAT, measured("mixed", 0.3, 5, 3.2, passed=False), measured("weight_only", 0.26, 10)]
    sentence = broken_promise(["pi"], files)
    assert "no int8 file for pi holds the budget: 3.2 points [2.7, 3.7] of ap50 lost" in sentence
    assert "m.weight_only.onnx holds it, computed in float (26% of the size" in sentence
    assert "`--target web` writes it" in sentence
    assert broken_promise(["web"], files) == ""


def test_sentence_says_float_where_nothing_smaller_holds_either() -> None:
    files = [FLOAT, measured("qdq", 0.3, 5, 3, passed=False), measured("weight_only", 0.26, 10, 2, passed=False)]
    for target in TARGETS:
        sentence = broken_promise([target], files)
        assert sentence.endswith("; stay in float") and "--target" not in sentence


def test_promise_is_broken_where_nothing_can_be_made_for_a_target() -> None:
    not_made = [NotMade("mixed", ("pi", "phone"), "onnxruntime failed")]
    sentence = broken_promise(["pi"], [FLOAT, measured("weight_only", 0.26, 10)], not_made)
    assert sentence.startswith("no int8 file for pi can be made: onnxruntime failed; m.weight_only.onnx holds it")


def test_row_of_the_report_has_the_promised_keys() -> None:
    row = to_json(measured("qdq", 0.3, 5, 0.4), 1.0, "pi")
    assert {"file", "target", "scheme", "bytes", "size_ratio", "int8_macs_share"} <= set(row)
    assert {"metric", "latency_ms", "runtimes", "passed"} <= set(row)
    assert row["target"] == "pi"
    assert {"name", "float", "quantized", "drop_points", "drop_ci95"} <= set(row["metric"])
    assert {"p50", "p95"} <= set(row["latency_ms"])
