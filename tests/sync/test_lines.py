"""The same pull over real sockets: any static server, bad lines, wrong addresses, and the command itself."""

from __future__ import annotations

import datetime
import ipaddress
import json
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path

import pytest

from edge.cli import main
from edge.errors import NetworkError, UsageError
from edge.shard import Shard
from edge.sync import transport
from edge.sync.syncing import Outcome, Wishes, pull
from edge.sync.transport import HttpTransport, Metered
from tests.small_shards import SPACE
from tests.sync.simulator import NOW_S, Publisher
from tests.sync.test_pull import catalogue, held
from tests.sync.web import Site, Weather, bad_line, serving

WISHES = Wishes(SPACE)


@pytest.fixture(scope="module")
def states(tmp_path_factory: pytest.TempPathFactory) -> list[Shard]:
    folder = tmp_path_factory.mktemp("states")
    return [catalogue(folder, 1, range(0, 60), {}), catalogue(folder, 2, range(1, 61), {3: "2.00"})]


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(transport, "FIRST_PAUSE_S", 0.01)


def sync(home: Path, url: str, timeout_s: float = 20.0, max_bytes: int | None = None) -> tuple[Outcome, Metered]:
    line = Metered(HttpTransport(url, timeout_s), max_bytes)
    return pull(home, line, WISHES, NOW_S)[0], line


@pytest.mark.parametrize("ranges", [True, False], ids=["with ranges", "without ranges"])
def test_any_static_server_will_do(tmp_path: Path, states: list[Shard], ranges: bool) -> None:
    publisher = Publisher()
    publisher.publish(states[0], part_products=60)
    with serving(Site(publisher.files, ranges, cut_after=[100, 300])) as site:
        outcome, _ = sync(tmp_path, site.url)
        assert outcome.complete and held(tmp_path).sha256 == states[0].sha256
        assert any(wanted == "bytes=100-" for _, wanted in site.asked)
        publisher.publish(*states)
        outcome, line = sync(tmp_path, site.url)
        assert (outcome.way, outcome.to_version) == ("delta", 2)
        outcome, line = sync(tmp_path, site.url)
        assert (outcome.way, line.requests) == ("none", 1) and line.received < 400


def test_a_portal_to_sign_in_is_told_from_a_server(tmp_path: Path, states: list[Shard]) -> None:
    publisher = Publisher()
    publisher.publish(*states)
    with serving(Site(publisher.files)) as site:
        sync(tmp_path, site.url)
        before = held(tmp_path).sha256
        site.portal = True
        publisher.publish(states[1], states[0])
        with pytest.raises(NetworkError, match="sign in to this network"):
            sync(tmp_path, site.url)
        assert held(tmp_path).sha256 == before
        with pytest.raises(NetworkError, match="sign in to this network"):
            sync(tmp_path / "new", site.url)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def test_nobody_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(NetworkError, match="no connection"):
        sync(tmp_path, f"http://127.0.0.1:{free_port()}")
    for address in ("shop.example", "ftp://shop.example", "https://"):
        with pytest.raises(UsageError, match="is not the address of a server"):
            HttpTransport(address)


def test_a_proxy_that_is_not_there_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
    with pytest.raises(NetworkError, match="the proxy cannot be reached"):
        sync(tmp_path, "http://shop.invalid")


def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path, states: list[Shard]) -> None:
    publisher = Publisher()
    publisher.publish(states[0])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed(tmp_path / "certificate.pem"))
    with (
        serving(Site(publisher.files), context) as site,
        pytest.raises(NetworkError, match="certificate is not trusted"),
    ):
        sync(tmp_path / "home", site.url)


def self_signed(path: Path) -> Path:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return path


def test_a_lossy_line_still_brings_everything(tmp_path: Path, states: list[Shard]) -> None:
    publisher = Publisher()
    publisher.publish(states[0], part_products=10)
    with serving(Site(publisher.files)) as site, bad_line(site.url, Weather(loss=0.05, seed=3)) as url:
        for _ in range(20):
            try:
                outcome, _ = sync(tmp_path, url)
                break
            except NetworkError:
                continue
        assert outcome.complete and held(tmp_path).sha256 == states[0].sha256


@pytest.mark.full
def test_a_train_ride(tmp_path: Path, states: list[Shard]) -> None:
    """5 % loss, two seconds to every answer, and two tunnels of 20 s: calls are made again until one ends well."""
    publisher = Publisher()
    publisher.publish(states[0], part_products=20)
    weather = Weather(round_trip_s=2.0, loss=0.05, outages=((3.0, 23.0), (40.0, 60.0)), seed=1)
    with serving(Site(publisher.files)) as site, bad_line(site.url, weather) as url:
        calls = 0
        while True:
            calls += 1
            try:
                outcome, _ = sync(tmp_path, url)
                break
            except NetworkError:
                assert calls < 200
                time.sleep(1.0)  # whoever calls again waits a little; in a tunnel every call ends at once
        assert outcome.complete and calls > 1 and held(tmp_path).sha256 == states[0].sha256


@pytest.mark.full
def test_a_connection_cut_at_every_thousandth_byte(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    big = catalogue(tmp_path_factory.mktemp("big"), 1, range(0, 100), {n: str(n) * 400 for n in range(100)})
    publisher = Publisher()
    publisher.publish(big, part_products=100)
    length = max(part.file.bytes for part in publisher.index.generations[0].releases[0].parts)
    with serving(Site(publisher.files)) as site:
        for cut in range(0, length, 1000):
            site.cut_after = [cut]
            outcome, _ = sync(tmp_path / str(cut), site.url)
            assert outcome.complete and held(tmp_path / str(cut)).sha256 == big.sha256


def test_the_command_pulls_and_tags_offline(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from edge.defaults import demo_shard
    from edge.shard import open_shard

    demo = open_shard(demo_shard())
    publisher = Publisher()
    publisher.now_s = datetime.datetime.now(datetime.UTC).timestamp()
    publisher.publish(demo)
    root = tmp_path / "root.json"
    root.write_bytes(publisher.files["metadata/1.root.json"])
    home = ["--home", str(tmp_path / "home")]
    with serving(Site(publisher.files)) as site:
        asked = ["sync", *home, "--server", site.url, "--root", str(root), "--json", "-"]
        assert main([*asked, "--dry-run"]) == 0
        would = json.loads(capsys.readouterr().out)
        assert would["way"] == "full" and would["to_version"] is None and would["catalogs"][0]["to_come"]
        assert main(asked) == 0
        did = json.loads(capsys.readouterr().out)
        assert (did["way"], did["to_version"], did["events_sent"]) == ("full", demo.version, 0)
        assert main(["sync", *home, "--json", "-"]) == 0, "the server is remembered"
        again = json.loads(capsys.readouterr().out)
        assert (again["way"], again["requests"]) == ("none", 1)
    assert main(["sync", *home]) == 6
    assert "no connection" in capsys.readouterr().err
    assert main(["status", *home, "--json", "-"]) == 0
    status = json.loads(capsys.readouterr().out)
    assert [(s["demo"], s["complete"], s["items"]) for s in status["shards"]] == [(False, True, demo.products)]
    picture = next((demo_shard().parent / "golden").glob("one.png"))
    assert main(["tag", *home, str(picture), "--json", "-"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["shards"][0]["sha256"] == demo.sha256 and "notice" not in document


def test_a_disk_that_fills_up_keeps_what_is_there(tmp_path: Path, states: list[Shard]) -> None:
    """A limit on the length of files stands for the full disk: the child may write none above 5 kB."""
    publisher = Publisher()
    publisher.publish(states[0])
    with serving(Site(publisher.files)) as site:
        sync(tmp_path / "home", site.url)
        publisher.publish(*states)
        program = (
            "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (600, 600));"
            "from edge.errors import OutputError; from edge.sync.syncing import Wishes, pull;"
            "from edge.sync.transport import HttpTransport, Metered; from pathlib import Path;"
            f"pull(Path(sys.argv[1]), Metered(HttpTransport(sys.argv[2])), Wishes({SPACE!r}), {NOW_S})"
        )
        ended = subprocess.run(
            [sys.executable, "-c", program, str(tmp_path / "home"), site.url],
            capture_output=True, text=True, timeout=60, cwd=Path(__file__).parents[2],
        )  # fmt: skip
        assert ended.returncode == 1 and "OutputError" in ended.stderr.splitlines()[-1], ended.stderr[-800:]
        assert held(tmp_path / "home").sha256 == states[0].sha256
        assert sync(tmp_path / "home", site.url)[0].to_version == 2
