"""What a device accepts and refuses: the client of python-tuf over trees that an attacker altered."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from securesystemslib.signer import CryptoSigner
from tuf.api import exceptions
from tuf.api.metadata import Metadata, MetaFile

from server import publication
from server.keys import create_key
from server.metadata import read_served
from server.refreshing import refresh
from server.rotation import rotate
from tests.server.shop import DAY, NOW, Device, Shop


def metadata_of(shop: Shop, name: str) -> Metadata[Any]:
    return Metadata.from_bytes((shop.public / "metadata" / name).read_bytes())


def forge(shop: Shop, role: str, name: str, by: CryptoSigner, change: Callable[[Any], None]) -> bytes:
    """Alter a role's metadata, sign it with some key, and put it in its place."""
    metadata = metadata_of(shop, name)
    change(metadata.signed)
    metadata.sign(by)
    data = metadata.to_bytes()
    path = shop.public / "metadata" / (name if role == "timestamp" else f"{metadata.signed.version}.{role}.json")
    path.write_bytes(data)
    return data


def next_version(signed: Any) -> None:
    signed.version += 1


def test_nothing_published_is_signed_all_the_same(tmp_path: Path) -> None:
    shop = Shop.open(tmp_path)
    served = read_served(shop.public)
    assert not served.targets.targets
    assert all(served.is_signed(role) for role in ("root", "targets", "snapshot", "timestamp"))


def test_a_device_follows_from_version_to_version(tmp_path: Path) -> None:
    shop = Shop.open(tmp_path, 2, 3)
    device = shop.device()
    for version in (1, 2, 3):
        shop.publish(version)
        assert device.version() == version
    assert device.line.asked == ["2.root.json", "timestamp.json", "4.snapshot.json", "4.targets.json", *indexes(shop)]


def indexes(shop: Shop) -> list[str]:
    return [f"{read_served(shop.public).targets.targets['shop.json'].hashes['sha256']}.shop.json"]


def test_root_moves_to_other_keys_and_an_old_device_follows(tmp_path: Path) -> None:
    shop = Shop.open(tmp_path, 2, 3)
    shop.publish(1)
    device, late = shop.device(), shop.device("late")
    assert device.version() == 1
    done = rotate(shop.repository, shop.ring, "root", NOW, threshold=3, keys=4)
    assert (done.root_version, len(done.revoked), len(done.new)) == (2, 3, 4)
    assert read_served(shop.public).root.roles["root"].threshold == 3
    rotate(shop.repository, shop.ring, "root", NOW, threshold=1, keys=1)
    assert device.version() == late.version() == 1
    shop.publish(2)
    assert device.version() == 2


def test_a_root_that_the_old_keys_did_not_sign_is_refused(tmp_path: Path) -> None:
    shop = Shop.open(tmp_path, 2, 3)
    shop.publish(1)
    rotate(shop.repository, shop.ring, "root", NOW)
    path = shop.public / "metadata/2.root.json"
    root = json.loads(path.read_bytes())
    before = metadata_of(shop, "1.root.json").signed.roles["root"].keyids
    old = [signature for signature in root["signatures"] if signature["keyid"] in before]
    new = [signature for signature in root["signatures"] if signature["keyid"] not in before]
    assert len(new) == 3 and len(old) >= 2
    root["signatures"] = [*new, old[0]]
    path.write_text(json.dumps(root))
    with pytest.raises(exceptions.UnsignedMetadataError, match="root was signed by 1/2"):
        shop.device().version()


@pytest.mark.parametrize("role", ["targets", "snapshot", "timestamp"])
def test_a_revoked_key_signs_nothing_any_more(tmp_path: Path, role: str) -> None:
    shop = Shop.open(tmp_path)
    shop.publish(1)
    device = shop.device()
    assert device.version() == 1
    served = read_served(shop.public)
    (stolen,) = shop.ring.signers(served.root, role)
    others = {r: shop.ring.signers(served.root, r)[0] for r in ("snapshot", "timestamp")}
    done = rotate(shop.repository, shop.ring, role, NOW)
    assert not done.lost and device.version() == 1, "the switch itself stops no device"

    served = read_served(shop.public)
    now_served = {r: f"{served.version(r)}.{r}.json" for r in ("targets", "snapshot")} | {"timestamp": "timestamp.json"}
    data = forge(shop, role, now_served[role], stolen, next_version)
    if role == "targets":
        info = MetaFile.from_data(served.version("targets") + 1, data, ["sha256"])
        data = forge(shop, "snapshot", now_served["snapshot"], others["snapshot"], lambda s: take(s, "meta", info))
    if role != "timestamp":
        info = MetaFile.from_data(served.version("snapshot") + 1, data, ["sha256"])
        forge(shop, "timestamp", "timestamp.json", others["timestamp"], lambda s: take(s, "snapshot_meta", info))
    with pytest.raises(exceptions.UnsignedMetadataError, match=f"{role} was signed by 0/1"):
        device.version()


class Stopped(Exception):
    """The machine stops."""


@pytest.mark.parametrize("role", ["root", "targets", "snapshot", "timestamp"])
def test_a_rotation_that_stops_at_any_step_stops_no_device(
    tmp_path: Path, role: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = Shop.open(tmp_path, 2, 3)
    shop.publish(1)
    device, number, done = shop.device(), 0, False
    while not done:
        number += 1
        steps = iter(range(number))

        def stop(step: str, steps: Iterator[int] = steps) -> None:
            if next(steps, None) is None:
                raise Stopped(step)

        monkeypatch.setattr(publication, "reached", stop)
        try:
            rotate(shop.repository, shop.ring, role, NOW)
            done = True
        except Stopped:
            assert device.version() == shop.device(f"fresh-{number}").version() == 1
    assert number == 2 + {"root": 0, "targets": 3, "snapshot": 2, "timestamp": 1}[role]
    assert device.version() == 1
    monkeypatch.setattr(publication, "reached", lambda step: None)
    shop.publish(2)
    assert device.version() == shop.device("late").version() == 2


def take(signed: Any, field: str, info: MetaFile) -> None:
    signed.version += 1
    setattr(signed, field, {"targets.json": info} if field == "meta" else info)


def test_a_lost_key_is_replaced_and_an_interrupted_rotation_is_finished(tmp_path: Path) -> None:
    shop = Shop.open(tmp_path)
    shop.publish(1)
    device = shop.device()
    device.version()
    for path in shop.repository.online_keys.glob("timestamp-*"):
        path.unlink()
    before = (shop.public / "metadata/timestamp.json").read_bytes()
    done = rotate(shop.repository, shop.ring, "timestamp", NOW)
    assert done.lost and device.version() == 1
    (shop.public / "metadata/timestamp.json").write_bytes(before)
    with pytest.raises(exceptions.UnsignedMetadataError):
        device.version()
    assert refresh(shop.repository, shop.ring, NOW).signed == ("timestamp",)
    assert device.version() == 1


def test_expired_metadata_is_refused(tmp_path: Path) -> None:
    shop = Shop.open(tmp_path, now=NOW - 30 * DAY)
    shop.publish(1, now=NOW - 8 * DAY)
    with pytest.raises(exceptions.ExpiredMetadataError, match=r"timestamp\.json"):
        shop.device().version()
    refresh(shop.repository, shop.ring, NOW)
    assert shop.device().version() == 1


def test_a_frozen_server_is_noticed_when_its_timestamp_expires(tmp_path: Path) -> None:
    shop = Shop.open(tmp_path, now=NOW - 30 * DAY)
    shop.publish(1, now=NOW - 6 * DAY)
    frozen = (shop.public / "metadata/timestamp.json").read_bytes()
    device = shop.device()
    assert device.version() == 1
    shop.publish(2, now=NOW - 8 * DAY)
    (shop.public / "metadata/timestamp.json").write_bytes(frozen)
    assert device.version() == 1, "until then nobody can tell"
    shop.publish(3, now=NOW - 8 * DAY)
    with pytest.raises(exceptions.ExpiredMetadataError):
        shop.device("new").version()


def test_an_older_state_is_refused(tmp_path: Path) -> None:
    shop = Shop.open(tmp_path)
    shop.publish(1)
    shutil.copytree(shop.public, tmp_path / "older")
    shop.publish(2)
    device = shop.device()
    assert device.version() == 2
    with pytest.raises(exceptions.BadVersionNumberError):
        Device(tmp_path / "older", device.home, device.root).version()


@pytest.mark.parametrize("role", ["snapshot", "targets"])
def test_metadata_of_another_time_does_not_mix_in(tmp_path: Path, role: str) -> None:
    shop = Shop.open(tmp_path)
    shop.publish(1)
    shop.publish(2)
    folder = shop.public / "metadata"
    shutil.copy(folder / f"2.{role}.json", folder / f"3.{role}.json")
    with pytest.raises(exceptions.RepositoryError, match=f"{role}|length|hash|sha256"):
        shop.device().version()


def test_an_index_of_another_time_does_not_mix_in(tmp_path: Path) -> None:
    shop = Shop.open(tmp_path)
    shop.publish(1)
    (old,) = indexes(shop)
    shop.publish(2)
    shutil.copy(shop.public / "targets" / old, shop.public / "targets" / indexes(shop)[0])
    with pytest.raises(exceptions.RepositoryError):
        shop.device().version()


def test_a_strangers_key_is_refused(tmp_path: Path) -> None:
    shop = Shop.open(tmp_path)
    shop.publish(1)
    stranger = create_key(tmp_path, "timestamp", None)
    forge(shop, "timestamp", "timestamp.json", stranger, next_version)
    with pytest.raises(exceptions.UnsignedMetadataError, match="timestamp was signed by 0/1"):
        shop.device().version()


def test_endless_metadata_is_cut_off(tmp_path: Path) -> None:
    shop = Shop.open(tmp_path)
    shop.publish(1)
    path = shop.public / "metadata/timestamp.json"
    path.write_bytes(path.read_bytes() + b" " * 20_000)
    with pytest.raises(exceptions.DownloadLengthMismatchError):
        shop.device().version()
