"""Query files: what spreadsheets write, and what cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import InputError
from export.evaluation.queries import Query, read_queries


def written(folder: Path, content: str | bytes) -> Path:
    path = folder / "queries.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("path,product_id\n", []),
        ("path,product_id\na.jpg,p1\n", [Query(2, "a.jpg", "p1", "")]),
        ("path,product_id\na.jpg,\n", [Query(2, "a.jpg", "", "")]),
        ("path,product_id,group\na.jpg,p1,near\n", [Query(2, "a.jpg", "p1", "near")]),
        ("group,width,product_id,path\nnear,80,p1,a.jpg\n", [Query(2, "a.jpg", "p1", "near")]),
        ("\ufeffpath;product_id\r\na,b.jpg;p1\r\n", [Query(2, "a,b.jpg", "p1", "")]),
        ("path\tproduct_id\n\n a.jpg \t p1 \n", [Query(3, "a.jpg", "p1", "")]),
        ('Path,Product_ID\n"a, b.jpg","p ""1"""\n', [Query(2, "a, b.jpg", 'p "1"', "")]),
    ],
    ids=["no row", "one", "shows nothing", "group", "other order", "semicolon, BOM, CRLF", "tab, blanks", "quotes"],
)
def test_reads_what_spreadsheets_write(tmp_path: Path, content: str, expected: list[Query]) -> None:
    file = read_queries(written(tmp_path, content))
    assert list(file.queries) == expected
    assert file.problems == ()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "is empty: its first line must name path, product_id"),
        ("image,product_id\na.jpg,p1\n", "column 'path' is missing: the first line has 'image', 'product_id'"),
        ("path,sku\n", "column 'product_id' is missing"),
        (b"path,product_id\n\xff\xfe.jpg,p1\n", "line 2 is not UTF-8"),
        ('path,product_id\n"a.jpg,p1\n', "is not CSV"),
    ],
    ids=["empty file", "no path", "no product_id", "not text", "open quote"],
)
def test_refuses_what_is_no_query_file(tmp_path: Path, content: str | bytes, sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        read_queries(written(tmp_path, content))
    assert sentence in str(caught.value)
    assert "queries.csv" in str(caught.value)


def test_missing_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.csv: cannot be read \(No such file or directory\)"):
        read_queries(tmp_path / "none.csv")


def test_names_the_line_of_a_bad_row_and_keeps_the_others(tmp_path: Path) -> None:
    file = read_queries(written(tmp_path, "path,product_id\na.jpg,p1\n,p2\n\nb.jpg\nc.jpg,p3\n"))
    assert [query.path for query in file.queries] == ["a.jpg", "c.jpg"]
    assert [problem.split("queries.csv, ")[1] for problem in file.problems] == [
        "line 3: no path is given",
        "line 5: 1 of 2 cells: product_id is missing",
    ]


@given(st.text())
def test_any_text_is_read_or_refused_with_a_sentence(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = written(tmp_path_factory.mktemp("any"), ("path,product_id\n" + text).encode("utf-8", "replace"))
    try:
        file = read_queries(path)
    except InputError as e:
        assert str(path) in str(e)
    else:
        assert all(query.path for query in file.queries)
