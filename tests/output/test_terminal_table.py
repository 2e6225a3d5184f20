"""The terminal table: columns line up whatever is in them, and nothing that a terminal obeys gets through."""

from __future__ import annotations

import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.output.table import print_table, table_lines
from edge.output.text_width import display_width, fit, printable, shorten, shorten_start
from tests.output.invented_runs import a_run, a_source, a_tag, an_unmatched, oat

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
TITLES = ["Oat drink 1 l", "日本茶 \U0001f375 500 ml", "Cafe\u0301 cre\u0300me", f"{FAMILY} pack", "x" * 300, ""]
A_RUN = a_run(
    a_source(
        *(
            a_tag((f"p{i}", title, 0.7), ("q", f"other {title}", 0.69), status="ambiguous")
            for i, title in enumerate(TITLES)
        ),
        unmatched=(an_unmatched(), an_unmatched()),
        path="/a/long/path/to/the/folder/that/holds/clip 日本.mp4",
    ),
    a_source(path="wall.jpg", kind="image"),
    a_source(path="broken.jpg", kind="image", error="broken.jpg: the picture ends in the middle"),
    demo=True,
)


def test_prints_a_run_without_sources() -> None:
    assert table_lines(a_run(), None) == ["", "0 tags · not in the catalogue: 0 objects · 0 sources"]


def test_says_what_was_found_and_what_was_not() -> None:
    text = "\n".join(table_lines(A_RUN, None))
    for part in ("0:01.0 – 0:03.0", "0.70", "+0.20", "ambiguous", "not in the catalogue: 2 objects", "nothing found"):
        assert part in text
    assert "broken.jpg: the picture ends in the middle" in text
    assert text.endswith("demo catalogue of invented products")


def test_columns_line_up_under_their_headings() -> None:
    heading, *rows = table_lines(A_RUN, None)
    column = heading.index("Status")
    for row in rows:
        if row.endswith("ambiguous"):
            assert display_width(row.removesuffix("ambiguous")) == column


@given(st.integers(1, 200))
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    assert all(display_width(line) <= width for line in table_lines(A_RUN, width))


def test_keeps_the_end_of_a_long_path() -> None:
    assert any(line.startswith("…") and "clip 日本.mp4" in line for line in table_lines(A_RUN, 100))


def test_a_title_cannot_command_the_terminal() -> None:
    run = a_run(a_source(a_tag(("p", "\x1b[2J\x1b]0;owned\x07 gone\u202e\r\nline", 0.7)), path="a\x1b[31m\n.mp4"))
    text = "".join(table_lines(run, None))
    assert not any(c in text for c in "\x1b\x07\r\n\u202e")
    assert "gone" in text


class _Stream(io.TextIOWrapper):
    def __init__(self, encoding: str, terminal: bool) -> None:
        super().__init__(io.BytesIO(), encoding=encoding, newline="\n")
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal

    def text(self) -> str:
        self.flush()
        return self.buffer.getvalue().decode(self.encoding)  # type: ignore[attr-defined]


def _printed(run: Any, encoding: str = "utf-8", terminal: bool = False) -> str:
    stream = _Stream(encoding, terminal)
    print_table(run, stream)
    return stream.text()


def test_is_plain_and_whole_where_it_is_not_a_terminal() -> None:
    text = _printed(A_RUN)
    assert "\x1b" not in text and "x" * 300 in text


def test_is_coloured_on_a_terminal_unless_told_not_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "90")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[32m" in _printed(a_run(a_source(oat())), terminal=True)
    monkeypatch.setenv("NO_COLOR", "1")
    text = _printed(A_RUN, terminal=True)
    assert "\x1b" not in text and max(map(display_width, text.splitlines())) <= 90


def test_prints_to_a_terminal_that_knows_only_ascii() -> None:
    assert "0.84" in _printed(a_run(a_source(oat())), encoding="ascii")


@pytest.mark.parametrize(
    ("text", "width"),
    [("", 0), ("abc", 3), ("日本", 4), ("e\u0301", 1), ("\U0001f375", 2), (FAMILY, 2), ("\U0001f1f8\U0001f1ea", 2)],
)
def test_counts_cells_as_a_terminal_does(text: str, width: int) -> None:
    assert display_width(text) == width


@given(st.text(), st.integers(0, 30), st.booleans())
def test_fitted_text_has_exactly_its_width(text: str, width: int, right: bool) -> None:
    text = printable(text)
    assert display_width(fit(text, width, right)) == width
    assert display_width(shorten(text, width)) <= width
    assert display_width(shorten_start(text, width)) <= width


@given(st.text())
def test_printable_text_stays_one_line_and_survives_a_second_pass(text: str) -> None:
    safe = printable(text)
    assert safe.isprintable() or all(c.isprintable() or ord(c) > 0x9F for c in safe)
    assert printable(safe) == safe and len(safe.splitlines()) <= 1
