"""Downloads over loopback: cut, resumed, altered, too long, refused, and without a network."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.errors import ArtefactRefused, NetworkError, OutputError, UsageError
from export.zoo import download as module
from export.zoo.download import download
from tests.zoo.serving import Shop, serving

CONTENT = bytes(range(256)) * 4000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAUSE_S", 0)
    monkeypatch.setattr(module, "TIMEOUT_S", 5)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def shop() -> Iterator[Shop]:
    with serving(Shop(CONTENT)) as opened:
        yield opened


def fetch(shop: Shop, folder: Path, length: int = len(CONTENT), sha256: str = SHA256) -> bool:
    return download(f"{shop.url}/m.onnx", folder / "m.onnx", length, sha256)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_fetches_once(shop: Shop, tmp_path: Path) -> None:
    seen: list[int] = []
    target = tmp_path / "deep" / "m.onnx"
    assert download(f"{shop.url}/m.onnx", target, len(CONTENT), SHA256, seen.append)
    assert target.read_bytes() == CONTENT
    assert seen[-1] == len(CONTENT) and seen == sorted(seen)
    assert not download(f"{shop.url}/m.onnx", target, len(CONTENT), SHA256)
    assert len(shop.asked) == 1
    assert names(target.parent) == ["m.onnx"]


def test_an_empty_file_is_a_file(tmp_path: Path) -> None:
    with serving(Shop(b"")) as shop:
        assert fetch(shop, tmp_path, 0, hashlib.sha256(b"").hexdigest())
    assert names(tmp_path) == ["m.onnx"]


def test_cut_connections_are_gone_on_from(shop: Shop, tmp_path: Path) -> None:
    shop.cuts = [1000, 0, 300_000, 7]
    assert fetch(shop, tmp_path)
    assert (tmp_path / "m.onnx").read_bytes() == CONTENT
    starts = [wanted for _, wanted in shop.asked]
    assert starts == [None, "bytes=1000-", "bytes=1000-", "bytes=301000-", "bytes=301007-"]


def test_a_connection_that_always_breaks_keeps_what_came(shop: Shop, tmp_path: Path) -> None:
    shop.cuts = [5000] + [0] * 20
    with pytest.raises(NetworkError, match=r"5000 of 1024000 bytes are kept"):
        fetch(shop, tmp_path)
    assert names(tmp_path) == ["m.onnx.part"]
    shop.cuts = []
    assert fetch(shop, tmp_path)
    assert shop.asked[-1][1] == "bytes=5000-"
    assert (tmp_path / "m.onnx").read_bytes() == CONTENT


def test_a_server_that_cannot_resume_starts_again(shop: Shop, tmp_path: Path) -> None:
    shop.ranges = False
    shop.cuts = [4000]
    assert fetch(shop, tmp_path)
    assert (tmp_path / "m.onnx").read_bytes() == CONTENT


@pytest.mark.parametrize("part", [b"rotten" * 100, CONTENT + b"!", CONTENT])
def test_a_part_of_another_day_does_no_harm(shop: Shop, tmp_path: Path, part: bytes) -> None:
    (tmp_path / "m.onnx.part").write_bytes(part)
    assert fetch(shop, tmp_path)
    assert (tmp_path / "m.onnx").read_bytes() == CONTENT
    assert names(tmp_path) == ["m.onnx"]


def test_rejects_another_content(shop: Shop, tmp_path: Path) -> None:
    with pytest.raises(ArtefactRefused, match="SHA-256"):
        fetch(shop, tmp_path, sha256="0" * 64)
    assert names(tmp_path) == []


def test_never_replaces_a_good_file_with_a_bad_one(shop: Shop, tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(b"mine")
    with pytest.raises(ArtefactRefused):
        fetch(shop, tmp_path, sha256="0" * 64)
    assert (tmp_path / "m.onnx").read_bytes() == b"mine"


def test_rejects_more_bytes_than_promised(shop: Shop, tmp_path: Path) -> None:
    with pytest.raises(ArtefactRefused, match="longer than the 1000 bytes"):
        fetch(shop, tmp_path, length=1000)
    assert names(tmp_path) == []


@pytest.mark.parametrize("status, said", [(404, "not there"), (403, "not there"), (503, "answers 503")])
def test_an_answer_that_is_no_file_is_said(shop: Shop, tmp_path: Path, status: int, said: str) -> None:
    shop.status = status
    with pytest.raises(NetworkError, match=said):
        fetch(shop, tmp_path)
    assert len(shop.asked) == (module.ATTEMPTS if status == 503 else 1)


def test_no_network_is_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(NetworkError, match=r"cannot be reached .*refused.* is there a network\?"):
        download(f"http://127.0.0.1:{port}/m.onnx", tmp_path / "m.onnx", 5, SHA256)


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://a/b", "m.onnx", ""])
def test_rejects_an_address_that_is_no_web_address(tmp_path: Path, url: str) -> None:
    with pytest.raises(UsageError, match="http"):
        download(url, tmp_path / "m.onnx", 5, SHA256)


def test_a_folder_that_cannot_be_made_is_said(shop: Shop, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"m\.onnx: cannot be written"):
        fetch(shop, tmp_path / "file" / "deeper")
