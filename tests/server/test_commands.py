"""The commands as an operator runs them: what they say, what they refuse, and with which exit code."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from edge.verdict import Verdict, verdict_bytes
from server import cli
from server.cli import EXTRA_BRINGS
from server.repository import ROLES
from tests.server.shop import make_shard, titles

ROOT = Path(__file__).resolve().parents[2]


class Operator:
    """Runs commands in a folder and keeps what they said."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.capsys = folder, capsys
        self.out = self.err = ""

    def run(self, *words: object, expect: int = 0) -> str:
        """Run `python -m server` with words; return what it printed."""
        code = cli.main([str(word) for word in words])
        self.out, self.err = self.capsys.readouterr()
        assert code == expect, f"{words}: {code}\n{self.out}{self.err}"
        assert expect == 0 or len(self.err.splitlines()) == 1, self.err
        return self.out


@pytest.fixture
def operator(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Operator:
    for kind in ("OFFLINE", "ONLINE"):
        monkeypatch.delenv(f"TAGLET_{kind}_PASSPHRASE", raising=False)
        (tmp_path / f"{kind.lower()}.txt").write_text(f"{kind} words\n")
    monkeypatch.chdir(tmp_path)
    for version in (1, 2):
        make_shard(tmp_path / f"shard-{version}", version, titles(version))
    return Operator(tmp_path, capsys)


SECRETS = ("--offline-passphrase-file", "offline.txt", "--online-passphrase-file", "online.txt")
AT = ("--repository", "shop")


def test_init_says_what_to_carry_away_and_what_to_back_up(operator: Operator) -> None:
    said = operator.run("init", "shop", *SECRETS)
    assert "any 2 of the 3 root keys sign together" in said
    assert all(word in said for word in ("carry away", "back up", "1.root.json", "cannot be replaced"))
    keys = sorted(Path("shop/keys").rglob("*.pem"))
    assert [path.name.partition("-")[0] for path in keys] == ["root"] * 3 + ["targets", "snapshot", "timestamp"]
    for path in keys:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert b"ENCRYPTED PRIVATE KEY" in path.read_bytes()
    assert stat.S_IMODE(Path("shop/keys/offline").stat().st_mode) == 0o700
    assert not list(Path("shop/public").rglob("*.pem"))


def test_init_never_replaces_what_is_there(operator: Operator) -> None:
    operator.run("init", "shop", "--no-passphrase")
    before = sorted(path.name for path in Path("shop/keys").rglob("*.pem"))
    operator.run("init", "shop", "--no-passphrase", expect=3)
    assert "is a repository already; its keys would be lost" in operator.err
    assert sorted(path.name for path in Path("shop/keys").rglob("*.pem")) == before
    operator.run("init", "shard-1", "--no-passphrase", expect=3)
    assert "is not empty" in operator.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--threshold", 4, "--keys", 3, "--no-passphrase"], "1 <= threshold <= keys"),
        (["--single-key", "--keys", 3, "--no-passphrase"], "leave those away"),
        (["--timestamp-days", 0, "--no-passphrase"], "days must be above 0"),
        ([], "no terminal to ask at: give --offline-passphrase-file FILE or set TAGLET_OFFLINE_PASSPHRASE"),
    ],
)
def test_init_refuses_what_makes_no_sense(operator: Operator, words: list[object], said: str) -> None:
    operator.run("init", "shop", *words, expect=2)
    assert said in operator.err and not Path("shop").exists()


def test_a_passphrase_opens_the_keys_and_a_wrong_one_does_not(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    operator.run("init", "shop", *SECRETS)
    operator.run("publish", "shard-1", *AT, "--force", "try-out", *SECRETS)
    Path("wrong.txt").write_text("guess\nanother guess\n")
    operator.run("publish", "shard-2", *AT, "--force", "x", *SECRETS[:2], SECRETS[2], "wrong.txt", expect=3)
    assert operator.err.endswith("wrong passphrase\n") and "snapshot-" in operator.err
    operator.run("publish", "shard-2", *AT, "--force", "x", SECRETS[0], "gone.txt", *SECRETS[2:], expect=3)
    assert "--offline-passphrase-file gone.txt: cannot be read" in operator.err
    operator.run("refresh", "--all", *AT, expect=2)
    assert "TAGLET_ONLINE_PASSPHRASE" in operator.err
    monkeypatch.setenv("TAGLET_ONLINE_PASSPHRASE", "ONLINE words")
    assert "signed anew: snapshot, timestamp" in operator.run("refresh", "--all", *AT)
    Path("several.txt").write_text("guess\nOFFLINE words\n")
    assert "version 2" in operator.run("publish", "shard-2", *AT, "--force", "x", SECRETS[0], "several.txt")


def test_a_passphrase_is_asked_for_at_a_terminal(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    typed = iter(["one", "another", "", "one", "one", "two", "two", "two", "two"])
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("getpass.getpass", lambda prompt: next(typed))
    for _ in range(2):
        operator.run("init", "shop", "--single-key", expect=2)
        assert "typed differently" in operator.err and not Path("shop").exists()
    operator.run("init", "shop", "--single-key")
    operator.run("refresh", "--all", *AT)
    assert list(typed) == [], "one key after the other is asked for"


def test_keys_that_are_carried_away_are_asked_for(operator: Operator) -> None:
    operator.run("init", "shop", "--no-passphrase")
    Path("stick").mkdir()
    for path in Path("shop/keys/offline").iterdir():
        path.rename(Path("stick") / path.name)
    operator.run("publish", "shard-1", *AT, "--force", "x", expect=3)
    assert "targets needs 1 of 1 keys (targets-" in operator.err and "--offline-keys" in operator.err
    operator.run("publish", "shard-1", *AT, "--force", "x", "--offline-keys", "stick")
    operator.run("rotate", "timestamp", *AT, expect=3)
    assert "root needs 2 of 3 keys" in operator.err
    for path in list(Path("stick").glob("root-*"))[:1]:
        path.unlink()
    assert "root is version 2 now" in operator.run("rotate", "root", *AT, "--offline-keys", "stick")
    assert len(list(Path("stick").glob("root-*"))) == 5
    for path in Path("shop/keys/online").glob("timestamp-*"):
        path.write_bytes(b"scratched")
    operator.run("refresh", "--all", *AT, expect=3)
    assert "timestamp-" in operator.err and "is not the key that its name says" in operator.err


def test_publish_says_what_is_new(operator: Operator) -> None:
    operator.run("init", "shop", "--no-passphrase", "--single-key")
    operator.run("publish", "shard-1", *AT, "--force", "x")
    said = operator.run("publish", "shard-2", *AT, "--force", "x", "--share", 0.25)
    assert "published shop version 2: 41 products, 41 views, for a share of 0.25 of the devices" in said
    assert "first install" in said and "from version 1" in said
    assert "nothing new: shop version 2 is published already" in operator.run("publish", "shard-2", *AT, "--force", "x")
    document = json.loads(operator.run("rollout", 2, "--share", 1, *AT, "--json", "-"))
    assert (document["version"], document["share"], document["published"]) == (2, 1.0, True)
    document = json.loads(operator.run("withdraw", "p007", *AT, "--reason", "recalled", "--json", "-"))
    assert [p["products"] for p in document["published"]] == [40]
    events = [json.loads(line)["event"] for line in Path("shop/journal.jsonl").read_text().splitlines()]
    assert events == ["init", *["publish"] * 4, *["rollout"] * 2, *["withdraw"] * 2]


def test_publish_takes_a_verdict(operator: Operator) -> None:
    operator.run("init", "shop", "--no-passphrase", "--single-key")
    shard = make_shard(operator.folder / "judged", 1, titles(3))
    Path("verdict.json").write_bytes(verdict_bytes(Verdict.of(shard.sha256, ({"name": "lint", "passed": True},))))
    operator.run("publish", "shard-1", *AT, "--verdict", "verdict.json", expect=4)
    assert "verdict.json: is about shard" in operator.err
    operator.run("publish", "judged", *AT, "--verdict", "verdict.json")
    operator.run("publish", "shard-2", *AT, expect=4)
    assert "--force REASON" in operator.err
    operator.run("publish", "shard-2", *AT, "--force", " ", expect=2)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["publish", "nowhere", "--force", "x"], 4, "no such file, so this is not a shard"),
        (["publish", "shard-1", "--force", "x", "--share", 0], 2, "--share 0: above 0 and at most 1"),
        (["publish", "shard-1", "--force", "x", "--keep", 0], 2, "--keep 0: at least 1"),
        (["withdraw", "1", "--reason", "x"], 2, "--catalog is missing: published are none"),
        (["withdraw", "1", "--reason", " "], 2, "--reason is empty"),
        (["rollout", "1", "--share", 2], 2, "--share 2: above 0"),
        (["rotate", "targets", "--keys", 3], 2, "only root has several"),
    ],
)
def test_bad_input_gets_one_sentence(operator: Operator, words: list[object], code: int, said: str) -> None:
    operator.run("init", "shop", "--no-passphrase", "--single-key")
    operator.run(*words, *AT, expect=code)
    assert said in operator.err


@pytest.mark.parametrize("command", ["publish", "status", "refresh"])
def test_a_folder_that_is_no_repository_is_refused(operator: Operator, command: str) -> None:
    words = ["shard-1", "--force", "x"] if command == "publish" else []
    operator.run(command, *words, "--repository", "shard-1", expect=4)
    assert "python -m server init" in operator.err


@pytest.mark.parametrize("module", EXTRA_BRINGS)
def test_a_missing_extra_is_named(operator: Operator, module: str) -> None:
    operator.run("init", "shop", "--no-passphrase", "--single-key")
    words = ["serve", str(operator.folder / "shop"), "--port", "0"]
    words += ["--database", "postgresql://127.0.0.1:9/x"] if module == "psycopg" else []
    program = f"import sys; sys.modules[{module!r}] = None; from server.cli import main; sys.exit(main({words!r}))"
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (
        2,
        f"server: {module} is not installed: run `pip install 'taglet[server]'`\n",
    )


def test_a_damaged_shard_is_refused_and_the_old_state_stays(operator: Operator) -> None:
    operator.run("init", "shop", "--no-passphrase", "--single-key")
    operator.run("publish", "shard-1", *AT, "--force", "x")
    before = Path("shop/public/metadata/timestamp.json").read_bytes()
    with Path("shard-2/vectors.npy").open("r+b") as file:
        file.seek(200)
        file.write(b"\1\2\3")
    operator.run("publish", "shard-2", *AT, "--force", "x", expect=4)
    assert Path("shop/public/metadata/timestamp.json").read_bytes() == before


def test_a_folder_that_cannot_be_written_is_said(operator: Operator) -> None:
    operator.run("init", "shop", "--no-passphrase", "--single-key")
    Path("shop/public/files").write_text("in the way")
    operator.run("publish", "shard-1", *AT, "--force", "x", expect=3)
    assert "shop/public/files" in operator.err and "cannot be written" in operator.err


def test_status_shows_versions_sizes_and_expiries(operator: Operator) -> None:
    operator.run("init", "shop", "--no-passphrase", "--single-key")
    assert "nothing is published yet" in operator.run("status", *AT)
    operator.run("publish", "shard-1", *AT, "--force", "x")
    operator.run("publish", "shard-2", *AT, "--force", "x")
    said = operator.run("status", *AT)
    assert "version 2: 41 products" in said and "health ok" in said
    document = json.loads(operator.run("status", *AT, "--json", "-"))
    (catalog,) = document["catalogs"]
    (generation,) = catalog["generations"]
    assert [release["version"] for release in generation["releases"]] == [2, 1]
    assert generation["deltas"][0]["from"] == 1 and generation["deltas"][0]["to"] == 2
    assert document["health"]["colour"] == "ok" and set(document["metadata_bytes"]) == set(ROLES)
    index = next(Path("shop/public/targets").glob("*.shop.json"))
    assert catalog["index_bytes"] in {path.stat().st_size for path in index.parent.iterdir()}
