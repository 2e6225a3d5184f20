from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edge.errors import InputError, OutputError
from edge.media.pictures import read_picture
from edge.shard import Shard, open_shard
from edge.shard.delta import difference
from edge.shard.vectors import quantize, view_key
from export.catalog.build import BuildResult, Target, build_catalog, journal_path
from export.catalog.items import read_items
from export.catalog.journal import Journal
from export.catalog.thumbnail import make_thumbnail
from tests.catalog.pictures import CountingEmbedder, paint, write_items
from tests.small_shards import SPACE

REPOSITORY = Path(__file__).resolve().parents[2]
VIEWS = 9


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Nine views of six products."""
    for number in range(VIEWS):
        paint(tmp_path / "images", f"{number}.png", number)
    rows = [(f"p{n % 6}", f"Title {n % 6}", f"{n}.png", "1.00") for n in range(VIEWS)]
    return write_items(tmp_path / "items.csv", rows)


def build(
    table: Path,
    out: str = "shard",
    old: Shard | None = None,
    space: str = SPACE,
    thumbnails: int = 0,
    keypoints: int = 0,
) -> tuple[BuildResult, Shard, CountingEmbedder]:
    embedder = CountingEmbedder()
    version = 1 if old is None else old.version + 1
    target = Target(table.parent / out, "shop", version, space, thumbnails, keypoints)
    result = build_catalog(read_items(table), table.parent / "images", embedder, target, old)
    return result, open_shard(target.out), embedder


def vector_of(shard: Shard, product_id: str, picture: Path) -> list[int] | None:
    from edge.files import sha256_of_file

    rows = np.flatnonzero(shard.keys == view_key(product_id, bytes.fromhex(sha256_of_file(picture))))
    return shard.vectors[rows[0]].tolist() if len(rows) else None


def test_table_without_rows_is_an_empty_shard(tmp_path: Path) -> None:
    result, shard, embedder = build(write_items(tmp_path / "items.csv", []))
    assert (shard.products, shard.views, shard.ndim, embedder.seen) == (0, 0, 3, 0) and not result.items.problems


def test_every_view_is_embedded_and_found_under_its_key(table: Path) -> None:
    result, shard, embedder = build(table)
    assert (result.embedded, result.carried, result.resumed, embedder.seen) == (VIEWS, 0, 0, VIEWS)
    assert (shard.products, shard.views) == (6, VIEWS)
    for number in range(VIEWS):
        picture = table.parent / "images" / f"{number}.png"
        expected = quantize(CountingEmbedder().embed([read_picture(str(picture))]))[0].tolist()
        assert vector_of(shard, f"p{number % 6}", picture) == expected
    assert sorted(os.listdir(table.parent)) == ["images", "items.csv", "shard"], "the journal is gone"


def test_order_of_rows_does_not_change_the_shard(table: Path) -> None:
    _, shard, _ = build(table)
    header, *rows = table.read_text().splitlines()
    table.write_text("\n".join([header, *reversed(rows)]))
    _, again, _ = build(table, "again")
    assert again.sha256 == shard.sha256


def test_unchanged_update_embeds_nothing_and_is_the_same_shard(table: Path) -> None:
    _, old, _ = build(table)
    result, new, embedder = build(table, "new", old)
    assert (embedder.seen, result.carried, new.version) == (0, VIEWS, 2)
    assert new.sha256 == old.sha256 and difference(old, new).is_empty


def test_one_changed_picture_changes_one_view(table: Path) -> None:
    _, old, _ = build(table)
    paint(table.parent / "images", "4.png", 400)
    result, new, embedder = build(table, "new", old)
    assert (embedder.seen, result.embedded, result.carried) == (1, 1, VIEWS - 1)
    kept = set(old.keys.tolist()) & set(new.keys.tolist())
    assert len(kept) == VIEWS - 1 and new.views == VIEWS
    changes = {name: len(column) for name, column in difference(old, new).columns.items() if "offsets" not in name}
    assert {name: n for name, n in changes.items() if n} == {
        "removed_views": 1, "grown_rows": 1, "grown_keys": 1, "grown_vectors": 1
    }  # fmt: skip


def test_update_carries_vectors_byte_for_byte_even_where_this_machine_computes_others(table: Path) -> None:
    """Another CPU may move a component by one: the old shard's bytes win over what would be computed here."""
    _, old, _ = build(table)
    moved = {**old.columns, "vectors": np.where(old.vectors == 127, 127, old.vectors - 1).astype(np.int8)}
    from edge.shard import write_shard

    write_shard(table.parent / "moved", "shop", 1, SPACE, moved)
    paint(table.parent / "images", "4.png", 400)
    _, new, embedder = build(table, "new", open_shard(table.parent / "moved"))
    assert embedder.seen == 1
    carried = dict(zip(old.keys.tolist(), moved["vectors"].tolist(), strict=True))
    held = dict(zip(new.keys.tolist(), new.vectors.tolist(), strict=True))
    assert {key: held[key] for key in carried if key in held} == {key: carried[key] for key in carried if key in held}
    assert sum(key in held for key in carried) == VIEWS - 1


def test_new_price_embeds_nothing_and_removed_rows_go(table: Path) -> None:
    _, old, _ = build(table)
    header, *rows = table.read_text().splitlines()
    table.write_text("\n".join([header, *(row.replace("1.00", "2.50") for row in rows if not row.startswith("p5"))]))
    result, new, embedder = build(table, "new", old)
    assert (embedder.seen, result.carried, new.products) == (0, VIEWS - 1, 5)
    assert new.find("p5") is None and new.record(0).price == "2.50"


def test_other_space_embeds_everything_again(table: Path) -> None:
    _, old, _ = build(table)
    result, new, embedder = build(table, "new", old, space="6" * 64)
    assert (embedder.seen, result.carried) == (VIEWS, 0) and new.space_id == "6" * 64


def test_shard_can_be_updated_in_place(table: Path) -> None:
    _, old, _ = build(table)
    result, new, _ = build(table, "shard", old)
    assert result.carried == VIEWS and new.version == 2 and new.sha256 == old.sha256


def test_unusable_pictures_cost_their_rows_only(table: Path) -> None:
    images = table.parent / "images"
    (images / "0.png").unlink()
    (images / "1.png").write_bytes(b"")
    (images / "2.png").write_text("this is no picture")
    (images / "3.png").write_bytes((images / "3.png").read_bytes()[:60])
    Image.new("RGB", (8, 8)).save(images / "4.png")
    result, shard, _ = build(table)
    messages = {problem.line: problem.message for problem in result.items.problems}
    assert sorted(messages) == [2, 3, 4, 5, 6]
    for line, part in ((2, "no such picture"), (3, "is empty"), (4, "2.png"), (5, "3.png"), (6, "all zero")):
        assert part in messages[line] and "\n" not in messages[line]
    assert (shard.views, shard.products) == (4, 4), "products 0, 1, 2 have another view; 3 and 4 have none"
    assert shard.find("p3") is None


def test_nothing_usable_writes_nothing(table: Path) -> None:
    shutil.rmtree(table.parent / "images")
    with pytest.raises(InputError, match=r"none of the 9 rows can be used, so no shard was written; line 2: .*no such"):
        build(table)
    assert sorted(os.listdir(table.parent)) == ["items.csv"]


def test_same_picture_twice_is_one_view_of_a_product_and_one_of_each_product(tmp_path: Path) -> None:
    for name in ("1.png", "copy.png"):
        paint(tmp_path / "images", name, 1)
    rows = [("a", "A", "1.png", ""), ("a", "A", "copy.png", ""), ("b", "B", "copy.png", "")]
    result, shard, embedder = build(write_items(tmp_path / "items.csv", rows))
    assert (shard.products, shard.views, embedder.seen) == (2, 2, 1)
    assert [(n.line, n.message) for n in result.items.notes] == [
        (3, "image 'copy.png' is the same picture as on line 2")
    ]
    assert shard.vectors[0].tolist() == shard.vectors[1].tolist()


KILLED = """
import os, signal, sys
from pathlib import Path
from export.catalog.build import Target, build_catalog
from export.catalog.items import read_items
from tests.catalog.pictures import CountingEmbedder
from tests.small_shards import SPACE
class Dying(CountingEmbedder):
    def embed(self, crops):
        if self.seen == int(sys.argv[2]):
            os.kill(os.getpid(), getattr(signal, sys.argv[3]))
        return super().embed(crops)
folder = Path(sys.argv[1])
build_catalog(read_items(folder / "items.csv"), folder / "images", Dying(), Target(folder / "shard", "shop", 1, SPACE))
"""


def killed_after(folder: Path, pictures: int, how: str = "SIGKILL") -> int:
    command = [sys.executable, "-c", KILLED, folder, str(pictures), how]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, timeout=60).returncode


@pytest.mark.parametrize("pictures", [0, 1, 7])
def test_killed_build_goes_on_where_it_stopped(table: Path, pictures: int) -> None:
    assert killed_after(table.parent, pictures) == -signal.SIGKILL
    assert not (table.parent / "shard").exists() and journal_path(table.parent / "shard").is_file()
    result, shard, embedder = build(table)
    assert (embedder.seen, result.resumed, result.embedded) == (VIEWS - pictures, pictures, VIEWS - pictures)
    _, fresh, _ = build(table, "fresh")
    assert shard.sha256 == fresh.sha256
    assert sorted(os.listdir(table.parent)) == ["fresh", "images", "items.csv", "shard"]


def test_interrupted_build_keeps_its_journal(table: Path) -> None:
    assert killed_after(table.parent, 5, "SIGINT") != 0
    assert build(table)[0].resumed == 5


def test_damaged_end_of_a_journal_is_embedded_again(table: Path) -> None:
    assert killed_after(table.parent, 6) == -signal.SIGKILL
    journal = journal_path(table.parent / "shard")
    content = bytearray(journal.read_bytes())
    content[-50] ^= 1
    journal.write_bytes(content[:-3])
    result, shard, _ = build(table)
    assert result.resumed == 4, "the cut record and the altered one before it are gone"
    assert shard.sha256 == build(table, "fresh")[1].sha256


def test_journal_of_another_space_is_begun_anew(table: Path) -> None:
    assert killed_after(table.parent, 6) == -signal.SIGKILL
    result, _, embedder = build(table, space="6" * 64)
    assert (result.resumed, embedder.seen) == (0, VIEWS)


def test_full_disk_keeps_what_was_journalled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vector = np.array([1, 2, 127], np.int8)
    with Journal(tmp_path / "journal", SPACE, 3) as journal:
        journal.add(b"a" * 32, vector)
        monkeypatch.setattr(journal, "_file", _FullFile(journal._file))
        with pytest.raises(
            OutputError, match=r"No space left on device\): make room and start again, 1 vectors are kept"
        ):
            journal.add(b"b" * 32, vector)
    with Journal(tmp_path / "journal", SPACE, 3) as journal:
        assert {key: value.tolist() for key, value in journal.vectors.items()} == {b"a" * 32: [1, 2, 127]}
        journal.add(b"c" * 32, vector)
    with Journal(tmp_path / "journal", SPACE, 3) as journal:
        assert list(journal.vectors) == [b"a" * 32, b"c" * 32]


class _FullFile:
    """A file on a disk with room for three more bytes, which is how a full disk answers."""

    def __init__(self, file: object) -> None:
        self._file = file

    def write(self, content: bytes) -> int:
        return self._file.write(content[:3])  # type: ignore[attr-defined]

    def close(self) -> None:
        self._file.close()  # type: ignore[attr-defined]


def test_occupied_place_is_refused_before_anything_is_embedded(table: Path) -> None:
    (table.parent / "shard").mkdir()
    (table.parent / "shard" / "dear.txt").write_text("mine")
    embedder = CountingEmbedder()
    with pytest.raises(OutputError, match="is not a shard"):
        target = Target(table.parent / "shard", "shop", 1, SPACE)
        build_catalog(read_items(table), table.parent / "images", embedder, target)
    assert embedder.seen == 0


def test_thumbnails_show_the_first_row_and_are_carried_over(table: Path) -> None:
    result, shard, _ = build(table, thumbnails=400)
    assert result.thumbnails == 6
    for row in range(6):
        picture = shard.thumbnail(row)
        assert picture is not None and len(picture) <= 400 and picture[8:12] == b"WEBP"
    shutil.rmtree(table.parent / "shard" / "thumbnails")
    _, without, _ = build(table, "without")
    assert without.sha256 == shard.sha256, "thumbnails are no part of the identity"
    _, first, _ = build(table, "first", thumbnails=400)
    _, again, _ = build(table, "again", first, thumbnails=400)
    assert [again.thumbnail(row) for row in range(6)] == [first.thumbnail(row) for row in range(6)]


def test_keypoints_of_every_view_are_packed_and_carried_over(table: Path) -> None:
    pytest.importorskip("cv2")
    result, shard, _ = build(table, keypoints=280)
    assert shard.keypoints is not None
    assert result.keypoints == len(shard.keypoints) == shard.views
    entries = [shard.keypoints.get(int(key)) for key in shard.keys]
    assert all(entry is not None and len(entry) <= 280 and len(entry) % 28 == 0 for entry in entries)
    assert any(entries)
    _, without, _ = build(table, "without")
    assert without.keypoints is None and without.sha256 == shard.sha256
    _, again, _ = build(table, "again", shard, keypoints=280)
    assert again.keypoints is not None and again.keypoints.sha256 == shard.keypoints.sha256


def test_thumbnail_keeps_to_its_budget_or_is_left_out() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (600, 400, 3), np.uint8)
    for budget in (3000, 1000):
        picture = make_thumbnail(noise, budget)
        assert picture is not None and len(picture) <= budget
    assert make_thumbnail(noise, 20) is None


def test_picture_is_turned_as_its_orientation_says(tmp_path: Path) -> None:
    picture = Image.new("RGB", (20, 10), (200, 0, 0))
    exif = picture.getexif()
    exif[0x0112] = 6
    picture.save(tmp_path / "turned.jpg", exif=exif)
    assert read_picture(str(tmp_path / "turned.jpg")).shape == (20, 10, 3)
