"""Pictures that the embedder learns from: chunks in files, pools on a device, variations."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is the extra [train]")

from edge.errors import InputError  # noqa: E402
from export.train.embedder.chunks import Chunk, Pool, write_chunks  # noqa: E402
from export.train.embedder.pools import Families, RealViews  # noqa: E402
from export.train.embedder.varying import PACKSHOT, PHOTO, Variety, relight, varied  # noqa: E402

pytestmark = pytest.mark.torch
CPU = torch.device("cpu")


def _numbered(rng: np.random.Generator) -> Chunk:
    """Four things of two groups, three pictures of one random colour each."""
    colours = rng.integers(0, 256, (4, 1, 1, 1, 1), np.uint8)
    return Chunk(np.broadcast_to(colours, (4, 3, 6, 6, 3)).copy(), np.repeat(rng.integers(2**62, size=2), 2))


def test_a_folder_without_chunks_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no chunks"):
        Pool(tmp_path, CPU, 10)


def test_a_file_that_is_no_chunk_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pictures-00000.npy").write_bytes(b"nothing")
    with pytest.raises(InputError, match="is not a chunk"):
        Pool(tmp_path, CPU, 10)
    np.save(tmp_path / "pictures-00000.npy", np.zeros((2, 3, 8, 8, 3), np.uint8))
    np.save(tmp_path / "group-00000.npy", np.zeros(3, np.int64))
    with pytest.raises(InputError, match="does not fit its groups"):
        Pool(tmp_path, CPU, 10)


@pytest.mark.parametrize("workers", [1, 2])
def test_chunks_are_made_once_and_always_alike(tmp_path: Path, workers: int) -> None:
    write_chunks(tmp_path / "once", _numbered, 3, seed=5)
    kept = {path.name: path.read_bytes() for path in (tmp_path / "once").iterdir()}
    (tmp_path / "once" / "pictures-00001.npy").unlink()
    before = (tmp_path / "once" / "pictures-00002.npy").stat().st_mtime_ns
    write_chunks(tmp_path / "once", _numbered, 3, seed=5, workers=workers)
    assert {path.name: path.read_bytes() for path in (tmp_path / "once").iterdir()} == kept
    assert (tmp_path / "once" / "pictures-00002.npy").stat().st_mtime_ns == before


def test_a_pool_grows_and_then_forgets_the_oldest(tmp_path: Path) -> None:
    write_chunks(tmp_path, _numbered, 1)
    pool = Pool(tmp_path, CPU, 6)
    assert pool.rows == 4 and not pool.read_along()
    first = pool.group[:2].copy()
    write_chunks(tmp_path, _numbered, 2)
    assert pool.read_along() and pool.rows == 6
    assert not np.isin(first, pool.group).any()
    second = np.load(tmp_path / "pictures-00001.npy")
    assert np.array_equal(pool.take(np.array([4, 5, 0, 1])).numpy(), second)


def test_a_pool_smaller_than_a_chunk_holds_its_beginning(tmp_path: Path) -> None:
    write_chunks(tmp_path, _numbered, 1)
    pool = Pool(tmp_path, CPU, 3)
    assert pool.rows == 3
    assert np.array_equal(pool.take(np.arange(3)).numpy(), np.load(tmp_path / "pictures-00000.npy")[:3])


def test_products_without_pictures_are_refused(tmp_path: Path) -> None:
    write_chunks(tmp_path, _numbered, 1)
    with pytest.raises(InputError, match="1 products have no pictures"):
        RealViews(Pool(tmp_path, CPU, 4), np.array([-5]), np.zeros(0, np.int64))


def test_families_stay_together(tmp_path: Path) -> None:
    write_chunks(tmp_path, _numbered, 4)
    families = Families(Pool(tmp_path, CPU, 16))
    views = families.draw(2, np.random.default_rng(0))
    assert views.packshots.shape == (2, 6, 6, 3) and views.photos.shape == (2, 2, 6, 6, 3)
    everything = np.concatenate([np.load(tmp_path / f"pictures-{i:05d}.npy") for i in range(4)])[:, 0, 0, 0, 0]
    pair = [int(shot[0, 0, 0]) for shot in views.packshots]
    assert pair in everything.reshape(-1, 2).tolist()


def test_no_picture_gives_no_variation() -> None:
    assert varied(torch.zeros((0, 9, 9, 3), dtype=torch.uint8), 6, PHOTO).shape == (0, 3, 6, 6)


def test_a_picture_that_may_not_vary_stays() -> None:
    pictures = torch.arange(2 * 8 * 8 * 3, dtype=torch.uint8).reshape(2, 8, 8, 3)
    same = varied(pictures, 8, Variety())
    assert torch.allclose(same, pictures.permute(0, 3, 1, 2).float() / 127.5 - 1, atol=1e-6)


@pytest.mark.parametrize("variety", [PHOTO, PACKSHOT])
def test_variations_differ_and_stay_in_range(variety: Variety) -> None:
    torch.manual_seed(0)
    pictures = torch.randint(0, 256, (6, 44, 44, 3), dtype=torch.uint8)
    first, second = varied(pictures, 40, variety), varied(pictures, 40, variety)
    assert first.shape == (6, 3, 40, 40) and float(first.abs().max()) <= 1
    assert all(not torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_a_turned_picture_keeps_its_middle() -> None:
    torch.manual_seed(1)
    pictures = torch.zeros((4, 41, 41, 3), dtype=torch.uint8)
    pictures[:, 18:23, 18:23] = 255
    turned = varied(pictures, 41, Variety(turn=0.5, zoom=0.1, tilt=0.1))
    assert bool((turned[:, :, 20, 20] > 0.9).all()) and bool((turned[:, :, :8].abs() > 0.99).all())


def test_relit_pictures_keep_black_and_white_apart() -> None:
    torch.manual_seed(2)
    batch = torch.cat([torch.full((8, 3, 4, 2), -0.5), torch.full((8, 3, 4, 2), 0.5)], dim=3)
    lit = relight(batch, 0.1)
    assert bool((lit[..., 2:].mean((1, 2, 3)) > lit[..., :2].mean((1, 2, 3))).all())
