"""Learning to embed: sources, loss, network, resume, export."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is the extra [train]")

from edge.errors import InputError  # noqa: E402
from edge.inference.hardware import Hardware  # noqa: E402
from edge.inference.onnx_session import OnnxSession  # noqa: E402
from export.train.embedder.loss import likeness_loss, matching_loss  # noqa: E402
from export.train.embedder.network import Network, Shape, generalised_mean  # noqa: E402
from export.train.embedder.onnx_file import write_onnx  # noqa: E402
from export.train.embedder.rendered import RenderedFamilies, Views, cut_loosely  # noqa: E402
from export.train.embedder.training import Recipe, Training, weights_between  # noqa: E402
from export.train.loop import follow  # noqa: E402

pytestmark = pytest.mark.torch
TINY = Shape((8, 8), (16, 16, 16), (8, 8, 8), (0, 1, 0), (8, 8, 8), 16)


def test_no_picture_gives_no_vector() -> None:
    assert Network(TINY).eval()(torch.zeros(0, 3, 64, 64)).shape == (0, 16)


def test_vectors_have_unit_length() -> None:
    vectors = Network().eval()(torch.rand(2, 3, 160, 160) * 2 - 1)
    assert vectors.shape == (2, 128)
    assert torch.allclose(vectors.norm(dim=1), torch.ones(2))


def test_network_stays_within_the_size_of_its_target() -> None:
    assert sum(p.numel() for p in Network().parameters()) < 1_300_000


def test_generalised_mean_lies_between_mean_and_maximum() -> None:
    x = torch.rand(3, 4, 5, 5, generator=torch.Generator().manual_seed(1))
    pooled = generalised_mean(x)
    assert bool((pooled >= x.mean((2, 3)) - 1e-6).all() and (pooled <= x.amax((2, 3)) + 1e-6).all())


def test_loss_is_small_only_for_the_right_products() -> None:
    own = torch.eye(6)
    assert float(matching_loss(own, own, own)) < 1e-3
    assert float(matching_loss(own, own.roll(1, 0), own)) > 5


def test_likeness_is_small_only_for_the_same_pictures() -> None:
    own = torch.eye(6)
    assert float(likeness_loss(own, own)) < 1e-3
    assert float(likeness_loss(own, own.roll(1, 0))) > 5


def test_rejects_views_of_other_products() -> None:
    with pytest.raises(ValueError, match="expected"):
        Views(np.zeros((3, 8, 8, 3), np.uint8), np.zeros((2, 2, 8, 8, 3), np.uint8))


def test_same_seed_draws_the_same_products() -> None:
    first, second = (RenderedFamilies(size=64).draw(5, np.random.default_rng(3)) for _ in range(2))
    assert first.photos.shape == (5, 2, 64, 64, 3)
    assert np.array_equal(first.photos, second.photos) and np.array_equal(first.packshots, second.packshots)


def test_full_pool_draws_what_it_has() -> None:
    source = RenderedFamilies(size=48, pool_size=4, fresh=0.0)
    rng = np.random.default_rng(0)
    known = {shot.tobytes() for shot in source.draw(8, rng).packshots}
    again = source.draw(6, rng).packshots
    assert known >= {shot.tobytes() for shot in again}


def test_an_average_forgets_its_beginning_and_then_moves_slowly() -> None:
    average, present = torch.nn.BatchNorm2d(2), torch.nn.BatchNorm2d(2)
    present.running_mean.fill_(1.0)  # type: ignore[union-attr]
    follow(average, present, 0.9, step=0)
    assert torch.allclose(average.running_mean, torch.full((2,), 0.9))  # type: ignore[arg-type]
    average.running_mean.zero_()  # type: ignore[union-attr]
    follow(average, present, 0.9, step=10_000)
    assert torch.allclose(average.running_mean, torch.full((2,), 0.1))  # type: ignore[arg-type]
    assert average.num_batches_tracked == 0


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_weights_between_lie_between(share: float) -> None:
    torch.manual_seed(0)
    begin, end = Network(TINY), Network(TINY)
    end.load_state_dict(weights_between(begin.state_dict(), end, share))
    torch.manual_seed(0)
    first, last = Network(TINY), Network(TINY)
    for mixed, a, b in zip(end.parameters(), first.parameters(), last.parameters(), strict=True):
        assert torch.allclose(mixed, a + share * (b - a), atol=1e-6)


@pytest.mark.parametrize("box", [(0, 0, 0, 0), (-40, -40, 10, 10), (5, 5, 90, 60)])
def test_cut_of_any_box_is_a_square(box: tuple[float, ...]) -> None:
    image = np.full((70, 100, 3), 9, np.uint8)
    for seed in range(4):
        cut = cut_loosely(image, np.array(box, np.float32), 32, np.random.default_rng(seed))
        assert cut.shape == (32, 32, 3) and cut.min() == 9


def _training(folder: Path, steps: int) -> Training:
    recipe = Recipe(steps=steps, products=4, size=48, seed=1)
    return Training(recipe, RenderedFamilies(size=48, pool_size=8), folder / "run.checkpoint", TINY)


def test_interrupted_training_goes_on_where_it_stopped(tmp_path: Path) -> None:
    def interrupt(training: Training, losses: dict[str, float]) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _training(tmp_path, 4).run(interrupt, every=2)
    second, losses = _training(tmp_path, 4), list[float]()
    assert second.resume() and second.step == 2
    second.run(lambda _, at: losses.append(at["loss"]), every=1)
    assert second.step == 4 and len(losses) == 2 and all(np.isfinite(losses))


def test_rejects_a_file_that_is_no_checkpoint(tmp_path: Path) -> None:
    (tmp_path / "run.checkpoint").write_bytes(b"nothing")
    with pytest.raises(InputError, match="not a checkpoint"):
        _training(tmp_path, 4).resume()


def test_onnx_agrees_and_takes_any_batch(tmp_path: Path) -> None:
    network = Network(TINY)
    assert write_onnx(network, tmp_path / "e.onnx", 64) < 1e-4
    pictures = np.random.default_rng(0).uniform(-1, 1, (3, 3, 64, 64)).astype(np.float32)
    found = OnnxSession(tmp_path / "e.onnx", Hardware(threads=1)).run({"input": pictures})["embedding"]
    with torch.inference_mode():
        assert np.abs(found - network.eval()(torch.from_numpy(pictures)).numpy()).max() < 1e-4
