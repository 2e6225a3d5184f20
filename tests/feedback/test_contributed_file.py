"""The file of contributed views: what is written is read, and what is not one is refused in a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.contributed import ContributedView, read_contributed, write_contributed
from edge.errors import ArtefactRefused, InputError

VIEWS = st.builds(
    ContributedView,
    voice=st.text("0123456789abcdef", min_size=16, max_size=16),
    product_id=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40),
    space_id=st.text("0123456789abcdef", min_size=64, max_size=64),
    vector=st.binary(min_size=1, max_size=200),
)


def test_an_empty_file_of_views_has_none(tmp_path: Path) -> None:
    assert write_contributed(tmp_path / "views.jsonl", []) == 0
    assert read_contributed(tmp_path / "views.jsonl").views == ()


@given(st.lists(VIEWS, max_size=6))
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, views: list[ContributedView]) -> None:
    path = tmp_path_factory.getbasetemp() / "views.jsonl"
    write_contributed(path, views)
    read = read_contributed(path)
    assert read.problems == () and sorted(read.views, key=repr) == sorted(views, key=repr)


@given(st.binary(max_size=300))
def test_any_bytes_after_the_head_are_views_or_problems(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.jsonl"
    write_contributed(path, [])
    path.write_bytes(path.read_bytes() + content)
    read_contributed(path)


@pytest.mark.parametrize("content", [b"", b"{}\n", b"product_id,vector\n", b"[1]\n", b"\xff\xfe\n"])
def test_another_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "other").write_bytes(content)
    with pytest.raises(ArtefactRefused, match="is no file of contributed views"):
        read_contributed(tmp_path / "other")


def test_a_later_schema_and_a_cut_file_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "views.jsonl"
    write_contributed(path, [ContributedView("a" * 16, "p", "s", b"1"), ContributedView("b" * 16, "p", "s", b"2")])
    content = path.read_bytes()
    path.write_bytes(content.replace(b'"schema":1', b'"schema":2'))
    with pytest.raises(ArtefactRefused, match="schema 2, this version reads 1"):
        read_contributed(path)
    path.write_bytes(b"\n".join(content.split(b"\n")[:2]) + b"\n")
    with pytest.raises(ArtefactRefused, match="ends after 1 of 2 views"):
        read_contributed(path)


def test_a_missing_file_is_an_input(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_contributed(tmp_path / "gone.jsonl")


def test_a_bad_line_is_left_out_and_named(tmp_path: Path) -> None:
    path = tmp_path / "views.jsonl"
    write_contributed(path, [ContributedView("a" * 16, "p", "s", b"1")])
    path.write_bytes(path.read_bytes() + b'{"voice":"x","product_id":"p","space_id":"s","vector":"AA=="}\n')
    read = read_contributed(path)
    assert len(read.views) == 1 and read.problems == (
        f"{path}, line 3: needs a voice of 16 hexadecimal digits and a vector of 1 to 4096 bytes",
    )
