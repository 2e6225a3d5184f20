"""The upload page as it is served: packed, cached, under a strict policy, and no way out of its folder."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from server.app.factory import create_app
from server.app.settings import ServiceSettings
from server.app.upload_page import HEADERS
from tests.conftest import REPOSITORY
from tests.server.shop import Shop


class Client(FlaskClient):
    """Reads every answer to its end, as a server sends it."""

    def open(self, *args: Any, **options: Any) -> TestResponse:
        return super().open(*args, **{**options, "buffered": True})


def client_of(shop: Shop, page: Path) -> FlaskClient:
    app = create_app(ServiceSettings(shop.repository, "sqlite:///never opened", page=page))
    app.test_client_class = Client
    return app.test_client()


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """Return the folder of a small page, beside a secret."""
    folder = tmp_path / "page"
    (folder / "assets").mkdir(parents=True)
    (tmp_path / "secret").write_text("secret")
    for name in ("index.html", "assets/app-1.js", "assets/run-2.wasm", "demo.npy", "manifest.webmanifest"):
        (folder / name).write_text(f"{name} as it is")
    (folder / "assets/app-1.js.br").write_text("packed")
    (folder / "link").symlink_to(tmp_path / "secret")
    return folder


@pytest.fixture
def client(shop: Shop, page: Path) -> FlaskClient:
    return client_of(shop, page)


def test_where_the_page_is_not_built_one_sentence_says_so_and_the_rest_is_served(shop: Shop, tmp_path: Path) -> None:
    client = client_of(shop, tmp_path / "nowhere")
    answer = client.get("/")
    assert answer.status_code == 404 and "make web" in answer.json["error"]
    assert client.get("/metadata/timestamp.json").status_code == 200
    assert client.get("/assets/app.js").json == {"error": "there is nothing at this address"}


def test_every_file_has_its_type_the_policy_and_what_threads_need(client: FlaskClient) -> None:
    types = {
        "": "text/html",
        "assets/app-1.js": "text/javascript",
        "assets/run-2.wasm": "application/wasm",
        "demo.npy": "application/octet-stream",
        "manifest.webmanifest": "application/manifest+json",
    }
    for name, media_type in types.items():
        answer = client.get(f"/{name}")
        assert (answer.status_code, answer.mimetype) == (200, media_type)
        assert answer.text == f"{name or 'index.html'} as it is"
        assert {name: answer.headers[name] for name in HEADERS} == HEADERS
        assert ("immutable" in answer.headers["Cache-Control"]) == name.startswith("assets/")
        assert client.get(f"/{name}", headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304


def test_a_browser_that_takes_brotli_gets_it(client: FlaskClient) -> None:
    plain = client.get("/assets/app-1.js")
    packed = client.get("/assets/app-1.js", headers={"Accept-Encoding": "gzip, br"})
    assert (packed.text, packed.headers["Content-Encoding"]) == ("packed", "br")
    assert packed.headers["ETag"] != plain.headers["ETag"] and packed.mimetype == "text/javascript"
    assert packed.headers["Vary"] == plain.headers["Vary"] == "Accept-Encoding"
    refused = client.get("/assets/app-1.js", headers={"Accept-Encoding": "gzip, br;q=0"})
    assert "Content-Encoding" not in refused.headers and refused.text == plain.text
    part = client.get("/assets/app-1.js", headers={"Accept-Encoding": "br", "Range": "bytes=0-5"})
    assert (part.status_code, part.text) == (206, "assets")


def test_a_page_that_is_built_anew_is_served_anew(client: FlaskClient, page: Path) -> None:
    assert client.get("/new.js").status_code == 404
    (page / "new.js").write_text("new")
    (page / "index.html").write_text("another")
    assert client.get("/new.js").text == "new" and client.get("/").text == "another"
    (page / "index.html").unlink()
    assert client.get("/").status_code == 404


WAYS_OUT = ["../secret", "..%2fsecret", "%2e%2e/secret", "link", "..\\secret", "assets/../../secret", "//etc/passwd"]
WAYS_OUT += ["assets", "assets/", ".", "assets/app-1.js.br", "assets/app-1.js%00", "assets//app-1.js"]


@pytest.mark.parametrize("way", WAYS_OUT)
def test_no_path_leads_out_of_the_page(client: FlaskClient, way: str) -> None:
    answer = client.get(f"/{way}")
    assert answer.status_code in (404, 308) and "secret" not in answer.text


def test_writing_is_not_possible(client: FlaskClient) -> None:
    for method in (client.put, client.post, client.delete, client.patch):
        assert method("/index.html", data=b"x").status_code == 405


def test_static_hosts_are_told_the_same_headers() -> None:
    source = (REPOSITORY / "web_demo/build_steps/policy.ts").read_text()
    directives = re.findall(r'^  "([^"]+)",$', source, re.MULTILINE)
    assert HEADERS["Content-Security-Policy"] == "; ".join([*directives, "frame-ancestors 'none'"])
    others = dict(re.findall(r'^  "([A-Z][A-Za-z-]+)": "([^"]+)",$', source, re.MULTILINE))
    assert others == {name: value for name, value in HEADERS.items() if name != "Content-Security-Policy"}
