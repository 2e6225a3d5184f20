"""The event: what is written is read back, and what is wrong is refused with the field's name."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import InputError
from edge.events import Event, event_bytes, event_document, read_event

GOOD: dict[str, Any] = event_document(
    Event("0" * 32, "accepted", 1.5, "a" * 16, "spring", 3, "b" * 64, "s" * 64, "oat", None, 0.8, 0.2, "match")
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=50)
HEX = "0123456789abcdef"
EVENTS = st.builds(
    Event,
    event_id=st.text(HEX, min_size=32, max_size=32),
    kind=st.sampled_from(["accepted", "rejected"]),
    made_at_s=st.floats(0, 2e11),
    tag_id=st.text(HEX, min_size=16, max_size=16),
    catalog=st.just("spring"),
    catalog_version=st.integers(0, 2**53),
    shard_sha256=st.text(HEX, min_size=64, max_size=64),
    space_id=st.just("s" * 64),
    product_id=TEXTS,
    corrected_to=st.none(),
    similarity=st.floats(-1, 1),
    margin=st.floats(0, 2),
    status=st.sampled_from(["match", "ambiguous"]),
    embedding=st.none() | st.binary(min_size=1, max_size=200),
)


@given(EVENTS)
def test_an_event_that_was_written_is_read_back(event: Event) -> None:
    assert read_event(json.loads(event_bytes(event))) == event


@pytest.mark.parametrize("value", [None, [], "event", 7, {}, {"schema": 1}])
def test_refuses_what_is_no_event(value: object) -> None:
    with pytest.raises(InputError):
        read_event(value)


@pytest.mark.parametrize("schema", [0, 2, None, "1", True, [1]])
def test_refuses_another_schema(schema: object) -> None:
    with pytest.raises(InputError, match="schema"):
        read_event({**GOOD, "schema": schema})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("event_id", "0" * 31),
        ("event_id", "A" * 32),
        ("event_id", "0" * 32 + "\n"),
        ("kind", "liked"),
        ("made_at_s", -1),
        ("made_at_s", 1e15),
        ("made_at_s", float("nan")),
        ("made_at_s", "now"),
        ("made_at_s", True),
        ("tag_id", ""),
        ("catalog", "../spring"),
        ("catalog_version", 1.5),
        ("catalog_version", 2**60),
        ("shard_sha256", None),
        ("space_id", "two words"),
        ("product_id", ""),
        ("product_id", "x" * 1001),
        ("product_id", "zero\0byte"),
        ("product_id", "half \ud800"),
        ("corrected_to", "rye"),
        ("similarity", 1.1),
        ("margin", -0.1),
        ("status", "unsure"),
        ("embedding", "not base64!"),
        ("embedding", ""),
        ("embedding", base64.b64encode(b"x" * 4097).decode()),
        ("embedding", [1, 2]),
    ],
)
def test_refuses_a_field_that_is_not_in_its_range(field: str, value: object) -> None:
    with pytest.raises(InputError, match=f"^event: {field}: "):
        read_event({**GOOD, field: value})


def test_a_correction_needs_a_product() -> None:
    with pytest.raises(InputError, match="corrected_to"):
        read_event({**GOOD, "kind": "corrected"})


@pytest.mark.parametrize("field", GOOD)
def test_refuses_an_event_that_lacks_a_field(field: str) -> None:
    with pytest.raises(InputError, match=field):
        read_event({name: value for name, value in GOOD.items() if name != field})


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(), lambda v: st.lists(v) | st.dictionaries(st.text(), v)
    )
)
def test_whatever_is_read_is_refused_in_a_sentence(value: object) -> None:
    with pytest.raises(InputError):
        read_event(value)
    for field in GOOD:
        if value != GOOD[field]:
            try:
                read_event({**GOOD, field: value})
            except InputError as e:
                assert "\n" not in str(e)
