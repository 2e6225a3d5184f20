"""ITEMS.csv as people really write it."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.errors import InputError
from edge.shard import ProductRecord
from export.catalog.items import Items, read_items

HEADER = "product_id,title,image,price,currency,in_stock,brand\n"


def items_of(tmp_path: Path, text: str | bytes) -> Items:
    path = tmp_path / "items.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_items(path)


def problems(items: Items) -> list[tuple[int, str]]:
    return [(problem.line, problem.message) for problem in items.problems]


def test_header_alone_is_an_empty_catalogue(tmp_path: Path) -> None:
    items = items_of(tmp_path, HEADER)
    assert (dict(items.records), items.views, items.problems, items.notes) == ({}, (), (), ())


@pytest.mark.parametrize("content", [b"", b"\n \r\n", b"\xef\xbb\xbf", b"\xfe\xff"])
def test_rejects_empty_file(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(InputError, match=r"items\.csv: is empty"):
        items_of(tmp_path, content)


def test_rejects_missing_file_and_folder(tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere.csv", tmp_path):
        with pytest.raises(InputError, match="cannot be read"):
            read_items(path)


@pytest.mark.parametrize("missing", ["product_id", "title", "image"])
def test_rejects_missing_column_and_says_what_was_found(tmp_path: Path, missing: str) -> None:
    header = ",".join(name for name in ("product_id", "title", "image", "price") if name != missing)
    with pytest.raises(InputError, match=f"column '{missing}' is missing: the first line has .*'price'"):
        items_of(tmp_path, f"{header}\na,b,c\n")


def test_rejects_repeated_column_and_what_is_not_text(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="column 'title' stands twice"):
        items_of(tmp_path, "product_id,title,image,title\n")
    with pytest.raises(InputError, match="line 2 is not UTF-8"):
        items_of(tmp_path, "product_id,title,image\na,Crème,a.jpg\n".encode("latin-1"))
    with pytest.raises(InputError, match="line 2 is not CSV"):
        items_of(tmp_path, 'product_id,title,image\n"a"b,c,d\n')


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_reads_what_spreadsheets_write(tmp_path: Path, separator: str, encoding: str, newline: str) -> None:
    rows = [["Product_ID ", "title", "image", "price"], ["a", 'Crème, "fine"; 1\tl', "a b/ü.jpg", "12,90"]]
    text = io.StringIO()
    csv.writer(text, delimiter=separator, lineterminator=newline).writerows(rows)
    items = items_of(tmp_path, text.getvalue().encode(encoding))
    assert dict(items.records) == {"a": ProductRecord("a", 'Crème, "fine"; 1 l', price="12.90")}
    assert [(v.line, v.image) for v in items.views] == [(2, "a b/ü.jpg")] and not items.problems


def test_rows_of_one_product_are_its_views_and_complete_each_other(tmp_path: Path) -> None:
    items = items_of(tmp_path, HEADER + "a,Apple,1.jpg,1.5,eur,,\nb,Bread,2.jpg,,,no,\n\na,,3.jpg,,,yes,Acme\n")
    assert items.records["a"] == ProductRecord("a", "Apple", "1.5", "EUR", brand="Acme", in_stock=True)
    assert items.records["b"].in_stock is False
    assert [(v.line, v.product_id, v.image) for v in items.views] == [
        (2, "a", "1.jpg"),
        (3, "b", "2.jpg"),
        (5, "a", "3.jpg"),
    ]
    assert not items.problems


def test_two_titles_of_one_product_cost_the_second_row(tmp_path: Path) -> None:
    items = items_of(tmp_path, HEADER + "a,Apple,1.jpg,,,,\na,Pear,2.jpg,,,,\na,Apple,3.jpg,,,,\n")
    assert problems(items) == [(3, "product 'a' has title 'Pear' here but 'Apple' on line 2")]
    assert [v.line for v in items.views] == [2, 4]


def test_row_that_says_the_same_twice_is_noted_and_used_once(tmp_path: Path) -> None:
    items = items_of(tmp_path, HEADER + "a,Apple,1.jpg,,,,\na,Apple,1.jpg,,,,\nb,Bread,1.jpg,,,,\n")
    assert [(note.line, note.message) for note in items.notes] == [
        (3, "says the same picture of 'a' as line 2: used once")
    ]
    assert [v.line for v in items.views] == [2, 4] and not items.problems


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (",Apple,1.jpg,,,,", "product_id is empty"),
        ("a,Apple,,,,,", "image is empty"),
        ("a,,1.jpg,,,,", "product 'a' has no title"),
        ("a,Apple,1.jpg,cheap,,,", "price 'cheap' is not a decimal number"),
        ("a,Apple,1.jpg,-1,,,", "price '-1'"),
        ('a,Apple,1.jpg,"1,299",,,', "price '1,299'"),
        ("a,Apple,1.jpg,1e3,,,", "price '1e3'"),
        ("a,Apple,1.jpg,1,euro,,", "currency 'euro'"),
        ("a,Apple,1.jpg,1,EUR,perhaps,", "in_stock 'perhaps' is neither yes nor no"),
        ("a,Apple,../1.jpg,,,,", "inside the folder"),
        ("a,Apple,/etc/1.jpg,,,,", "inside the folder"),
        ("a,Apple,C:\\1.jpg,,,,", "inside the folder"),
        ("a,App\x1b[31mle,1.jpg,,,,", "control character"),
        ("a," + "x" * 4001 + ",1.jpg,,,,", "4001 bytes long"),
        ("a,Apple,1.jpg,,,,,,,", "10 cells where the first line has 7"),
    ],
)
def test_bad_row_costs_one_row_and_names_its_line(tmp_path: Path, row: str, message: str) -> None:
    items = items_of(tmp_path, f"{HEADER}good,Good,0.jpg,,,,\n{row}\nlast,Last,2.jpg,,,,\n")
    assert [line for line, _ in problems(items)] == [3]
    assert message in items.problems[0].message and len(items.problems[0].message) < 200
    assert list(items.records) == ["good", "last"] and [v.line for v in items.views] == [2, 4]


def test_line_numbers_count_lines_inside_quotes(tmp_path: Path) -> None:
    items = items_of(tmp_path, HEADER + 'a,"Apple\nfrom here",1.jpg,,,,\nb,Bread,1.jpg,x,,,\n')
    assert items.records["a"].title == "Apple from here" and problems(items)[0][0] == 4


def test_unknown_columns_are_noted(tmp_path: Path) -> None:
    items = items_of(tmp_path, "product_id,title,image,colour\na,Apple,1.jpg,red\n")
    assert items.notes[0].message == "columns that are not used: 'colour'" and len(items.views) == 1


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.binary(max_size=80), st.text(max_size=80).map(lambda t: (HEADER + t).encode("utf-8", "ignore"))))
def test_any_bytes_give_rows_or_one_sentence(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_bytes(content)
    try:
        items = read_items(path)
    except InputError as e:
        assert str(path) in str(e)
    else:
        assert {view.product_id for view in items.views} == set(items.records)
