"""Catalogues as devices fetch them: ranges, conditions, caching, and no way out of the published folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from server.app.factory import create_app
from server.app.settings import ServiceSettings
from server.releases import named_files
from tests.server.shop import Shop


class Client(FlaskClient):
    """Reads every answer to its end, as a server sends it."""

    def open(self, *args: Any, **options: Any) -> TestResponse:
        return super().open(*args, **{**options, "buffered": True})


def client_of(shop: Shop) -> FlaskClient:
    app = create_app(ServiceSettings(shop.repository, "sqlite:///never opened"))
    app.test_client_class = Client
    return app.test_client()


@pytest.fixture
def client(shop: Shop) -> FlaskClient:
    return client_of(shop)


def published(shop: Shop) -> list[str]:
    return [path.relative_to(shop.public).as_posix() for path in shop.public.rglob("*") if path.is_file()]


def test_a_repository_without_a_publication_serves_its_metadata(tmp_path: Path) -> None:
    shop = Shop.open(tmp_path)
    client = client_of(shop)
    assert {client.get(f"/{path}").status_code for path in published(shop)} == {200}
    assert client.get("/metadata/2.root.json").status_code == 404


def test_every_published_file_is_served_as_it_is(shop: Shop, client: FlaskClient) -> None:
    paths = published(shop)
    assert {path.split("/")[0] for path in paths} == {"metadata", "targets", "files"}
    for path in paths:
        answer = client.get(f"/{path}")
        content = (shop.public / path).read_bytes()
        assert (answer.status_code, answer.data) == (200, content)
        assert answer.headers["Accept-Ranges"] == "bytes" and answer.headers["ETag"]
        for_ever = path != "metadata/timestamp.json"
        assert ("immutable" in answer.headers["Cache-Control"]) == for_ever
        same = client.get(f"/{path}", headers={"If-None-Match": answer.headers["ETag"]})
        assert (same.status_code, same.data) == (304, b"")
        head = client.head(f"/{path}")
        assert (head.status_code, head.headers["Content-Length"]) == (200, str(len(content)))


def test_a_part_of_a_file_is_served(shop: Shop, client: FlaskClient) -> None:
    file = next(iter(named_files(shop.index())))
    path = f"/files/{file.sha256[:2]}/{file.sha256}"
    whole = client.get(path).data
    for asked, start, end in (("0-0", 0, 1), ("10-", 10, None), ("-7", -7, None), ("3-99999999", 3, None)):
        answer = client.get(path, headers={"Range": f"bytes={asked}"})
        assert (answer.status_code, answer.data) == (206, whole[start:end])
        assert answer.headers["Content-Range"].endswith(f"/{len(whole)}")
    beyond = client.get(path, headers={"Range": f"bytes={len(whole)}-"})
    assert (beyond.status_code, beyond.headers["Content-Range"]) == (416, f"bytes */{len(whole)}")
    changed = client.get(path, headers={"Range": "bytes=1-2", "If-Range": '"another"'})
    assert (changed.status_code, changed.data) == (200, whole)


def test_the_timestamp_has_another_etag_after_a_publication(shop: Shop, client: FlaskClient) -> None:
    before = client.get("/metadata/timestamp.json")
    shop.publish(2)
    after = client.get("/metadata/timestamp.json", headers={"If-None-Match": before.headers["ETag"]})
    assert after.status_code == 200 and after.data == (shop.public / "metadata/timestamp.json").read_bytes()


WAYS_OUT = [
    "../repository.json",
    "..%2frepository.json",
    "%2e%2e/repository.json",
    "../keys/online",
    "..\\journal.jsonl",
]
WAYS_OUT += ["/etc/passwd", "%2fetc%2fpasswd", "1.root.json%00", "1.root.json/../../../repository.json", "."]
WAYS_OUT += ["01.root.json", "١.root.json", "1.root.json%0a", "..%c0%af..%c0%afetc/passwd"]


@pytest.mark.parametrize("way", WAYS_OUT)
def test_no_path_leads_out_of_the_published_folder(shop: Shop, client: FlaskClient, way: str) -> None:
    for folder in ("metadata", "targets", "files", "files/aa"):
        answer = client.get(f"/{folder}/{way}")
        assert answer.status_code in (404, 308), (folder, way)
        assert list(answer.json or {"error": ""}) == ["error"]


def test_a_link_in_the_published_folder_is_no_way_in(shop: Shop, client: FlaskClient) -> None:
    (shop.public / "files/link").symlink_to(shop.repository.root)
    assert client.get("/files/link/repository.json").status_code == 404


def test_writing_is_not_possible(client: FlaskClient) -> None:
    for method in (client.put, client.post, client.delete, client.patch):
        answer = method("/metadata/timestamp.json", data=b"x")
        assert answer.status_code == 405 and list(answer.json) == ["error"] and "GET" in answer.headers["Allow"]
