"""What publishing makes: parts, deltas, generations, staged roll-outs, withdrawals."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge.errors import ArtefactRefused, InputError
from edge.shard import Shard, open_shard, write_shard
from edge.shard.content import canonical_columns
from edge.shard.delta import apply_delta, identity
from edge.shard.pack_head import read_head
from edge.shard.travel import unpacked
from edge.sync.index import PublishedFile
from edge.sync.plan import plan_update
from edge.verdict import Verdict, verdict_bytes
from server.packing import empty_columns, packed_parts
from server.publication import file_path
from server.publishing import Request, publish
from server.repository import Settings, open_repository
from server.rollout import roll_out
from server.withdrawal import Withdrawal, withdraw
from tests.server.shop import DAY, FORCED, NOW, Shop, make_shard, titles
from tests.small_shards import random_shard

OTHER_SPACE = "6" * 64


def data_of(shop: Shop, file: PublishedFile) -> bytes:
    return (shop.public / file_path(file.sha256)).read_bytes()


def installed(shop: Shop, start: Shard | None = None) -> str:
    """Follow the cheapest way from a state and return the identity that it leads to."""
    generation = shop.index().generations[0]
    plan = plan_update(generation, generation.newest, start and start.sha256)
    columns = empty_columns(generation.ndim) if plan.way == "full" or start is None else dict(start.columns)
    for file in [delta.file for delta in plan.deltas] + [part.file for part in plan.parts]:
        columns = apply_delta(columns, unpacked(data_of(shop, file), file.unpacked_bytes, "file"))
    return identity(generation.space_id, columns)


def test_an_empty_catalogue_is_published(tmp_path: Path) -> None:
    shop = Shop.open(tmp_path)
    empty = make_shard(tmp_path / "empty", 1, {}, pictures=True)
    assert publish(shop.repository, empty, shop.ring, FORCED, NOW).document()["full"] == {"parts": 0, "bytes": 0}
    assert shop.device().version() == 1 and installed(shop) == empty.sha256
    shop.publish(2)
    assert installed(shop, empty) == installed(shop)


def test_every_kept_version_leads_to_the_newest_and_older_ones_get_the_full_shard(tmp_path: Path) -> None:
    shop = Shop.open(tmp_path, settings=Settings(keep=3))
    shards = {version: shop.shard(version) for version in range(1, 7)}
    for version in shards:
        shop.publish(version)
    generation = shop.index().generations[0]
    assert [release.version for release in generation.releases] == [6, 5, 4, 3]
    assert [bool(release.parts) for release in generation.releases] == [True, False, False, False]
    ways = {v: plan_update(generation, generation.newest, shards[v].sha256).way for v in shards}
    assert ways == {1: "full", 2: "full", 3: "delta", 4: "delta", 5: "delta", 6: "none"}
    assert {installed(shop, shard) for shard in shards.values()} == {shards[6].sha256}
    assert len(list((shop.repository.shards / "shop").glob("*.packs.json"))) == 4


def test_a_delta_that_does_not_pay_is_left_out(tmp_path: Path) -> None:
    shop = Shop.open(tmp_path)
    for version in (1, 2):
        shard = make_shard(tmp_path / f"s{version}", version, {f"{version}-{n}": f"title {n}" for n in range(30)})
        publish(shop.repository, shard, shop.ring, FORCED, NOW)
    generation = shop.index().generations[0]
    assert not generation.deltas and len(generation.releases) == 2


def test_an_unchanged_catalogue_publishes_nothing(tmp_path: Path) -> None:
    shop = Shop.open(tmp_path)
    shop.publish(1)
    before = {path: path.read_bytes() for path in shop.public.rglob("*") if path.is_file()}
    same = make_shard(tmp_path / "same", 9, titles(1))
    done = publish(shop.repository, same, shop.ring, FORCED, NOW)
    assert not done.writes and done.version == 1
    assert {path: path.read_bytes() for path in shop.public.rglob("*") if path.is_file()} == before


def test_a_version_that_does_not_rise_is_refused(tmp_path: Path) -> None:
    shop = Shop.open(tmp_path)
    shop.publish(2)
    for version in (1, 2):
        other = make_shard(tmp_path / f"other-{version}", version, titles(7))
        with pytest.raises(ArtefactRefused, match=rf"version {version} of shop does not rise above 2.*--version 3"):
            publish(shop.repository, other, shop.ring, FORCED, NOW)


def test_packs_travel_beside_and_may_come_later(tmp_path: Path) -> None:
    shop = Shop.open(tmp_path)
    shop.publish(1)
    assert shop.index().generations[0].newest.thumbnails is None
    with_pictures = make_shard(tmp_path / "pictures", 1, titles(1), pictures=True)
    with pytest.raises(ArtefactRefused, match="nothing says that it was checked"):
        publish(shop.repository, with_pictures, shop.ring, Request(keep=3), NOW)
    assert open_repository(shop.repository.root).settings.keep == 7
    assert publish(shop.repository, with_pictures, shop.ring, replace(FORCED, keep=3), NOW).writes
    assert open_repository(shop.repository.root).settings.keep == 3
    pack = shop.index().generations[0].newest.thumbnails
    assert pack is not None
    head, entries = read_head(data_of(shop, pack.head), "head"), data_of(shop, pack.entries)
    key = int(with_pictures.keys[with_pictures.find("p007") or 0])
    start, end = head.span(key) or (0, 0)
    assert entries[start:end] == b"picture of p007"


def test_one_more_product_leaves_most_parts_as_they_were(tmp_path: Path) -> None:
    first = random_shard(tmp_path / "a", 3000, 3000, ndim=16)
    parts = packed_parts(first, part_bytes=4096)
    assert len(parts) > 12 and {part.listed.category for part in parts} == {"c0", "c1", "c2"}
    assert sum(part.listed.products for part in parts) == 3000
    columns = apply_delta(
        empty_columns(16), unpacked(bytes(parts[0].blob.data), parts[0].blob.file.unpacked_bytes, "p")
    )
    assert len(columns["keys"]) == parts[0].listed.views
    records = [first.record(row) for row in range(3000) if row != 1234]
    views = [int(first.view_offsets[row]) for row in range(3000) if row != 1234]
    columns = canonical_columns(records, first.keys[views], first.vectors[views], np.arange(2999))
    write_shard(tmp_path / "b", "small", 2, first.space_id, columns)
    again = {part.blob.file.sha256 for part in packed_parts(open_shard(tmp_path / "b"), part_bytes=4096)}
    kept = sum(part.blob.file.sha256 in again for part in parts)
    assert len(parts) - kept <= 3


def test_a_large_shard_has_longer_parts_instead_of_more(tmp_path: Path) -> None:
    shard = random_shard(tmp_path / "a", 4000, 4000, ndim=16)
    assert 16 <= len(packed_parts(shard, part_bytes=256)) <= 130


def test_another_space_opens_a_generation_and_retire_ends_one(tmp_path: Path) -> None:
    shop = Shop.open(tmp_path)
    shop.publish(1)
    moved = make_shard(tmp_path / "moved", 2, titles(2), space_id=OTHER_SPACE)
    publish(shop.repository, moved, shop.ring, FORCED, NOW)
    shop.publish(3)
    assert [(g.space_id[0], g.newest.version) for g in shop.index().generations] == [("6", 2), ("5", 3)]
    assert shop.device().version() == 3
    with pytest.raises(ArtefactRefused, match="0 generations begin with '9'"):
        publish(shop.repository, moved, shop.ring, replace(FORCED, retire="9"), NOW)
    publish(shop.repository, moved, shop.ring, replace(FORCED, retire="555"), NOW)
    assert [g.space_id[0] for g in shop.index().generations] == ["6"]
    with pytest.raises(ArtefactRefused, match="its only generation"):
        publish(shop.repository, moved, shop.ring, replace(FORCED, retire="6"), NOW)


def test_a_staged_version_keeps_the_one_before_whole_until_it_reaches_all(tmp_path: Path) -> None:
    shop = Shop.open(tmp_path)
    shop.publish(1)
    shop.publish(2, request=replace(FORCED, share=0.1))
    releases = shop.index().generations[0].releases
    assert [(r.version, r.share, bool(r.parts)) for r in releases] == [(2, 0.1, True), (1, 1.0, True)]
    assert shop.device().version() == 2
    roll_out(shop.repository, shop.ring, 2, 0.5, NOW)
    with pytest.raises(ArtefactRefused, match=r"reaches a share of 0\.5 already"):
        roll_out(shop.repository, shop.ring, 2, 0.2, NOW)
    with pytest.raises(ArtefactRefused, match=r"version 9 is not listed \(listed: 2, 1\)"):
        roll_out(shop.repository, shop.ring, 9, 1, NOW)
    roll_out(shop.repository, shop.ring, 2, 1, NOW)
    releases = shop.index().generations[0].releases
    assert [(r.version, r.share, bool(r.parts)) for r in releases] == [(2, 1.0, True), (1, 1.0, False)]
    assert not roll_out(shop.repository, shop.ring, 2, 1, NOW).writes


def test_a_withdrawn_version_gives_way_to_the_content_before_under_a_higher_number(tmp_path: Path) -> None:
    shop = Shop.open(tmp_path)
    good, bad = shop.shard(1, pictures=True), shop.shard(2, pictures=True)
    shop.publish(1, pictures=True)
    pictures = shop.index().generations[0].newest.thumbnails
    shop.publish(2, pictures=True)
    withdraw(shop.repository, shop.ring, Withdrawal("2", "wrong prices"), NOW)
    generation = shop.index().generations[0]
    assert [(r.version, r.sha256) for r in generation.releases] == [(3, good.sha256)]
    assert generation.newest.thumbnails == pictures and shop.device().version() == 3
    assert plan_update(generation, generation.newest, good.sha256).way == "none"
    assert plan_update(generation, generation.newest, bad.sha256).way == "delta"
    assert installed(shop, bad) == good.sha256
    last = json.loads(shop.repository.journal.read_text().splitlines()[-1])
    assert (last["event"], last["withdrawn"], last["reason"]) == ("withdraw", "2", "wrong prices")
    with pytest.raises(ArtefactRefused, match="nothing is listed before version 3"):
        withdraw(shop.repository, shop.ring, Withdrawal("3", "again"), NOW)
    shop.publish(4)
    assert installed(shop, bad) == installed(shop, good) == shop.shard(4).sha256


def test_a_staged_version_is_withdrawn_from_the_few_that_have_it(tmp_path: Path) -> None:
    shop = Shop.open(tmp_path, settings=Settings(keep=1))
    shop.publish(1)
    shop.publish(2, request=replace(FORCED, share=0.1))
    withdraw(shop.repository, shop.ring, Withdrawal("2", "crashes"), NOW)
    (release,) = shop.index().generations[0].releases
    assert (release.version, release.share, release.sha256) == (3, 1.0, shop.shard(1).sha256)
    shop.publish(4)
    assert installed(shop, shop.shard(1)) == shop.shard(4).sha256
    generation = shop.index().generations[0]
    assert plan_update(generation, generation.newest, shop.shard(1).sha256).way == "delta", "it was the last one"


def test_only_the_newest_version_is_withdrawn(tmp_path: Path) -> None:
    shop = Shop.open(tmp_path)
    shop.publish(1)
    shop.publish(2)
    with pytest.raises(ArtefactRefused, match="version 1 is not the newest, which is 2"):
        withdraw(shop.repository, shop.ring, Withdrawal("1", "old"), NOW)
    with pytest.raises(ArtefactRefused, match="neither a version nor a product '77'"):
        withdraw(shop.repository, shop.ring, Withdrawal("77", "never there"), NOW)


def test_a_withdrawn_product_is_gone_with_its_picture_from_every_generation(tmp_path: Path) -> None:
    shop = Shop.open(tmp_path, settings=Settings(grace_days=1))
    shop.publish(1, pictures=True)
    moved = make_shard(tmp_path / "moved", 2, titles(2), space_id=OTHER_SPACE)
    publish(shop.repository, moved, shop.ring, FORCED, NOW)
    done = withdraw(shop.repository, shop.ring, Withdrawal("p007", "recalled"), NOW)
    assert [published.version for published in done] == [3, 4]
    assert [g.newest.products for g in shop.index().generations] == [40, 40]
    assert shop.device().version() == 4
    old_space = shop.index().generation("5" * 64)
    assert old_space is not None and old_space.newest.thumbnails is not None
    pack = old_space.newest.thumbnails
    assert len(read_head(data_of(shop, pack.head), "head")) == 40
    assert b"picture of p007" not in data_of(shop, pack.entries)
    assert b"picture of p008" in data_of(shop, pack.entries)


def test_a_product_whose_id_is_a_number_is_told_from_a_version(tmp_path: Path) -> None:
    shop = Shop.open(tmp_path)
    for version in (1, 2):
        shard = make_shard(tmp_path / f"s{version}", version, {"2": "two", "3": f"three in {version}"})
        publish(shop.repository, shard, shop.ring, FORCED, NOW)
    withdraw(shop.repository, shop.ring, Withdrawal("2", "the product", kind="product"), NOW)
    assert shop.index().generations[0].newest.products == 1


def test_a_product_is_not_withdrawn_from_under_a_staged_version(tmp_path: Path) -> None:
    shop = Shop.open(tmp_path)
    shop.publish(1)
    shop.publish(2, request=replace(FORCED, share=0.1))
    with pytest.raises(ArtefactRefused, match=r"reaches a share of 0\.1 of the devices only"):
        withdraw(shop.repository, shop.ring, Withdrawal("p007", "recalled"), NOW)


def test_files_without_a_name_stay_for_the_grace_period(tmp_path: Path) -> None:
    shop = Shop.open(tmp_path, settings=Settings(grace_days=2))
    shop.publish(1)
    (old,) = shop.index().generations[0].newest.parts
    path = shop.public / file_path(old.file.sha256)
    shop.publish(2, now=NOW)
    shop.publish(3, now=NOW + DAY)
    assert path.is_file() and (shop.public / "metadata/2.snapshot.json").is_file()
    done = shop.publish(4, now=NOW + 3 * DAY)
    assert not path.is_file() and file_path(old.file.sha256) in done.removed
    assert not (shop.public / "metadata/2.snapshot.json").is_file()
    assert (shop.public / "metadata/1.root.json").is_file() and shop.device().version() == 4


def test_a_damaged_file_is_written_anew_by_the_next_publish_that_names_it(tmp_path: Path) -> None:
    shop = Shop.open(tmp_path)
    shop.publish(1)
    shop.publish(2)
    withdraw(shop.repository, shop.ring, Withdrawal("2", "bad"), NOW)
    (part,) = shop.index().generations[0].newest.parts
    path = shop.public / file_path(part.file.sha256)
    path.write_bytes(bytes(part.file.bytes))
    shop.publish(4)
    withdraw(shop.repository, shop.ring, Withdrawal("4", "bad"), NOW)
    assert shop.device().version() == 5


def test_the_verdict_must_be_of_this_shard_and_good(tmp_path: Path) -> None:
    shop = Shop.open(tmp_path)
    shard, path = shop.shard(1), tmp_path / "verdict.json"
    request = Request(verdict=path, wait_s=0)
    with pytest.raises(ArtefactRefused, match=r"nothing says that it was checked: give --verdict FILE .* or --force"):
        publish(shop.repository, shard, shop.ring, Request(), NOW)
    with pytest.raises(ArtefactRefused, match="no such file"):
        publish(shop.repository, shard, shop.ring, request, NOW)
    bad = {"name": "recall_at_1", "passed": False}
    for verdict, said in (
        (Verdict.of("0" * 64, ({"name": "a", "passed": True},)), "is about shard 000000000000"),
        (Verdict.of(shard.sha256, (bad,)), r"did not pass \(recall_at_1\)"),
        (Verdict.of(shard.sha256, ()), r"did not pass \(nothing was checked\)"),
    ):
        path.write_bytes(verdict_bytes(verdict))
        with pytest.raises(ArtefactRefused, match=said):
            publish(shop.repository, shard, shop.ring, request, NOW)
    assert not shop.index().generations
    path.write_bytes(verdict_bytes(Verdict.of(shard.sha256, ({**bad, "passed": True},))))
    assert publish(shop.repository, shard, shop.ring, request, NOW).version == 1


def test_two_publishers_at_once_are_one_after_the_other(tmp_path: Path) -> None:
    shop = Shop.open(tmp_path)
    shop.publish(1)
    shards = [shop.shard(2), shop.shard(3)]
    with shop.repository.locked(0), pytest.raises(InputError, match="another command is changing this repository"):
        publish(shop.repository, shards[0], shop.ring, FORCED, NOW)
    waiting = replace(FORCED, wait_s=60)
    failures: list[Exception] = []

    def run(shard: Shard) -> None:
        try:
            publish(shop.repository, shard, shop.ring, waiting, NOW)
        except ArtefactRefused as e:
            failures.append(e)

    threads = [threading.Thread(target=run, args=(shard,)) for shard in shards]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert shop.device().version() == 3
    assert all("does not rise" in str(failure) for failure in failures), "version 3 may have come first"


def test_two_catalogues_are_signed_side_by_side(tmp_path: Path) -> None:
    shop = Shop.open(tmp_path)
    shop.publish(1)
    publish(shop.repository, random_shard(tmp_path / "small", 5, 6), shop.ring, FORCED, NOW)
    shop.publish(2)
    assert shop.device().version() == 2
    assert installed(shop) == shop.shard(2).sha256
