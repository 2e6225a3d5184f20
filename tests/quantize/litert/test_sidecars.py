"""Sidecars of variants: TOML that says what the float model's reading says."""

from __future__ import annotations

import tomllib

from hypothesis import given
from hypothesis import strategies as st

from export.quantize.litert.sidecars import toml_text

SCALARS = st.one_of(
    st.booleans(), st.integers(-(2**53), 2**53), st.floats(-1e6, 1e6), st.text(st.characters(codec="utf-8"))
)
KEYS = st.from_regex(r"[a-z_]{1,8}", fullmatch=True)


def test_nothing_is_an_empty_document() -> None:
    assert tomllib.loads(toml_text({}, {"options": {}})) == {}


@given(st.dictionaries(KEYS, st.one_of(SCALARS, st.lists(SCALARS)), max_size=4), st.dictionaries(st.text(), SCALARS))
def test_text_is_read_back(values: dict[str, object], table: dict[str, object]) -> None:
    values.pop("table", None)
    expected = {**values, "table": table} if table else values
    assert tomllib.loads(toml_text(values, {"table": table})) == expected


def test_objects_inside_options_are_inline_tables() -> None:
    read = tomllib.loads(toml_text({}, {"options": {"anchors": {"sizes": [1, 2]}}}))
    assert read == {"options": {"anchors": {"sizes": [1, 2]}}}
