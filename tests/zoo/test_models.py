"""The list of public models: complete, of fixed content, and what the real files are."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from edge.files import sha256_of_file
from edge.preprocessing import Preprocessing
from export import cli
from export.bundles.reading import read_model
from export.zoo import download, models
from export.zoo.models import ZooModel, zoo
from tests.zoo.serving import Shop, serving
from tests.zoo.test_download import CONTENT, SHA256

SMALL = ZooModel(
    "small", "detector", "yolox", "a/b", "c" * 40, "d/e.onnx", len(CONTENT), SHA256, "MIT", Preprocessing((8, 8)), ""
)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "zoo", lambda: (SMALL,))
    monkeypatch.setattr(download, "PAUSE_S", 0)


def test_every_entry_names_one_content_and_a_permissive_licence() -> None:
    assert len({model.name for model in zoo()}) == len(zoo()) >= 12
    for model in zoo():
        assert re.fullmatch(r"[0-9a-f]{40}", model.commit) and re.fullmatch(r"[0-9a-f]{64}", model.sha256)
        assert model.licence in ("Apache-2.0", "MIT", "BSD-3-Clause")
        assert model.url().count(model.commit) == 1 and model.bytes > 0
        assert re.fullmatch(r"[a-z0-9-]+", model.name)


def test_entries_are_what_the_real_files_are(shared: Path) -> None:
    by_hash = {sha256_of_file(p): p for p in (shared / "models").rglob("*") if p.suffix in (".onnx", ".tflite")}
    for model in zoo():
        path = by_hash[model.sha256]
        reading = read_model(path)
        assert path.stat().st_size == model.bytes and path.suffix == Path(model.path).suffix
        assert (reading.kind, reading.family) == (model.kind, model.family), model.name
        assert reading.preprocessing == model.preprocessing, model.name


def test_list_names_every_model(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["models", "list"]) == 0
    said = capsys.readouterr().out
    assert all(model.name in said and model.licence in said for model in zoo())
    assert cli.main(["models", "list", "--json", "-"]) == 0
    listed = json.loads(capsys.readouterr().out)["models"]
    assert [entry["url"] for entry in listed] == [model.url() for model in zoo()]


@pytest.mark.usefixtures("small")
def test_fetch_writes_a_checked_file_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with serving(Shop(CONTENT, cuts=[100])) as shop:
        words = ["models", "fetch", "small", "--out", str(tmp_path), "--base-url", f"{shop.url}/"]
        assert cli.main([*words, "--json", "-"]) == 0
        told = json.loads(capsys.readouterr().out)["models"][0]
        assert cli.main(words) == 0
    assert (tmp_path / "small.onnx").read_bytes() == CONTENT
    assert (told["fetched"], told["file"]) == (True, str(tmp_path / "small.onnx"))
    assert "was there" in capsys.readouterr().out
    assert shop.asked[0][0] == f"/a/b/{'c' * 40}/d/e.onnx"


@pytest.mark.usefixtures("small")
def test_no_network_is_one_sentence_and_exit_6(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["models", "fetch", "small", "--out", str(tmp_path), "--base-url", "http://127.0.0.1:1"]) == 6
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("\n") == 1 and "cannot be reached" in said.err


@pytest.mark.usefixtures("small")
def test_altered_content_is_refused_with_exit_4(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with serving(Shop(CONTENT[:-1] + b"?")) as shop:
        assert cli.main(["models", "fetch", "small", "--out", str(tmp_path), "--base-url", shop.url]) == 4
    assert "SHA-256" in capsys.readouterr().err and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "words, said",
    [(["fetch"], "needs the name"), (["list", "small"], "takes no name"), (["fetch", "no"], "yolox-nano")],
)
def test_wrong_usage_is_said(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["models", *words]) == 2
    assert said in capsys.readouterr().err


def test_a_mirror_may_end_in_a_slash_or_not() -> None:
    assert replace(SMALL).url("http://a/") == replace(SMALL).url("http://a")
