"""Learning to detect: assignment, loss, network, resume, export."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is the extra [train]")

from edge.errors import InputError  # noqa: E402
from export.evaluation.coco import measure  # noqa: E402
from export.train.ahead import drawn_ahead  # noqa: E402
from export.train.detector.assignment import assign, iou  # noqa: E402
from export.train.detector.augment import Variety  # noqa: E402
from export.train.detector.batch import batch_of  # noqa: E402
from export.train.detector.judging import boxes_per_frame, judge, load_detector  # noqa: E402
from export.train.detector.loss import Labels, detection_loss, to_xyxy  # noqa: E402
from export.train.detector.network import Network, Raw, Shape, cells  # noqa: E402
from export.train.detector.onnx_file import write_onnx  # noqa: E402
from export.train.detector.samples import Album, Sample  # noqa: E402
from export.train.detector.teacher import Teacher  # noqa: E402
from export.train.detector.training import Ingredient, Recipe, Training  # noqa: E402

pytestmark = pytest.mark.torch
TINY = Shape((8, 8, 16, 16, 16), (0, 0, 0, 0), 8)
GRID = cells((64, 64))


def _labels(boxes: list[list[float]]) -> Labels:
    xyxy = np.array(boxes, np.float32).reshape(-1, 4)
    return _labels_of(Sample(np.zeros((64, 64, 3), np.uint8), xyxy))


def _labels_of(sample: Sample) -> Labels:
    return batch_of([sample], GRID.numpy()).labels(torch.device("cpu"))


def _perfect(boxes: list[list[float]]) -> Raw:
    """Return outputs that name one box in every cell inside it."""
    logits, distances = torch.full((1, len(GRID)), -9.0), torch.ones(1, len(GRID), 4)
    for x0, y0, x1, y1 in boxes:
        sides = torch.stack([GRID[:, 0] - x0, GRID[:, 1] - y0, x1 - GRID[:, 0], y1 - GRID[:, 1]], 1) / GRID[:, 2:]
        inside = sides.amin(1) > 0
        logits[0, inside], distances[0, inside] = 9.0, sides[inside]
    return Raw(logits, distances, [])


def test_no_label_leaves_every_cell_background() -> None:
    raw, labels = _perfect([]), _labels([])
    done = assign(raw.logits.sigmoid(), to_xyxy(raw.distances, GRID), GRID[:, :2], labels.xyxy, labels.present)
    assert float(done.target.sum()) == 0
    assert float(detection_loss(raw, GRID, labels).box) == 0


def test_chosen_cells_lie_in_their_box() -> None:
    boxes = [[4.0, 4.0, 30.0, 30.0], [34.0, 20.0, 60.0, 62.0]]
    raw, labels = _perfect(boxes), _labels(boxes)
    done = assign(raw.logits.sigmoid(), to_xyxy(raw.distances, GRID), GRID[:, :2], labels.xyxy, labels.present)
    chosen = done.target[0] > 0.5
    assert 2 <= int(chosen.sum()) <= 18
    assert {tuple(box) for box in done.xyxy[0, chosen].tolist()} == {tuple(box) for box in boxes}
    centres, owned = GRID[chosen, :2], done.xyxy[0, chosen]
    assert bool(((centres > owned[:, :2]) & (centres < owned[:, 2:])).all())


def test_box_between_cell_centres_still_has_a_cell() -> None:
    boxes = [[9.0, 9.0, 11.0, 11.0]]
    raw, labels = Raw(torch.zeros(1, len(GRID)), torch.ones(1, len(GRID), 4), []), _labels(boxes)
    done = assign(raw.logits.sigmoid(), to_xyxy(raw.distances, GRID), GRID[:, :2], labels.xyxy, labels.present)
    assert int((done.target[0] > 0).sum()) >= 1


def test_loss_is_small_only_for_the_right_boxes() -> None:
    boxes = [[8.0, 8.0, 40.0, 48.0]]
    raw, labels = _perfect(boxes), _labels(boxes)
    done = assign(raw.logits.sigmoid(), to_xyxy(raw.distances, GRID), GRID[:, :2], labels.xyxy, labels.present)
    right = detection_loss(raw._replace(logits=torch.where(done.target > 0.5, 9.0, -9.0)), GRID, labels)
    wrong = detection_loss(_perfect([[30.0, 30.0, 60.0, 60.0]]), GRID, _labels(boxes))
    assert float(right.score + right.box) < 0.1
    assert float(wrong.score) > 1


def test_false_alarm_in_an_ignored_region_costs_nothing() -> None:
    sample = Sample(np.zeros((64, 64, 3), np.uint8), ignored_xyxy=np.array([[0, 0, 64, 64]], np.float32))
    loss = detection_loss(_perfect([[8.0, 8.0, 40.0, 48.0]]), GRID, _labels_of(sample))
    assert float(loss.score) == 0


def test_overlap_of_equal_boxes_is_whole() -> None:
    boxes = torch.tensor([[0.0, 0.0, 4.0, 2.0], [1.0, 1.0, 1.0, 1.0]])
    assert iou(boxes, boxes).tolist() == [1.0, 0.0]


def test_network_stays_within_the_size_of_its_target() -> None:
    assert sum(p.numel() for p in Network().parameters()) < 1_150_000


def test_shape_survives_a_checkpoint() -> None:
    assert Shape.from_json(TINY.to_json()) == TINY


def _training(folder: Path, steps: int, seed: int = 1) -> Training:
    image = np.full((64, 64, 3), 40, np.uint8)
    image[16:48, 12:44] = (230, 200, 30)
    album = Album([Sample(image, np.array([[12, 16, 44, 48]], np.float32))])
    recipe = Recipe(size=64, steps=steps, batch=4, seed=seed)
    variety = Variety(zoom=(0.8, 1.2))
    return Training(recipe, [Ingredient(album, 1.0, variety)], folder / "run.checkpoint", TINY)


def test_interrupted_training_goes_on_where_it_stopped(tmp_path: Path) -> None:
    def interrupt(training: Training, losses: dict[str, float]) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _training(tmp_path, 6).run(interrupt, every=3)
    second = _training(tmp_path, 6)
    assert second.resume() and second.step == 3
    second.run(lambda _, losses: None, every=3)
    (tmp_path / "whole").mkdir()
    unbroken = _training(tmp_path / "whole", 6)
    unbroken.run(lambda _, losses: None, every=3)
    pairs = zip(second.averaged.parameters(), unbroken.averaged.parameters(), strict=True)
    assert all(torch.allclose(a, b, atol=1e-5) for a, b in pairs)


def test_rejects_a_file_that_is_no_checkpoint(tmp_path: Path) -> None:
    (tmp_path / "run.checkpoint").write_bytes(b"nothing")
    with pytest.raises(InputError, match="not a checkpoint"):
        _training(tmp_path, 4).resume()


def test_onnx_agrees_and_is_read_as_the_own_family(tmp_path: Path) -> None:
    assert write_onnx(Network(TINY), tmp_path / "d.onnx", 64) < 1e-4
    detector = load_detector(tmp_path / "d.onnx")
    sample = Sample(np.zeros((50, 90, 3), np.uint8), np.array([[1, 1, 20, 20]], np.float32))
    assert judge(detector, []) == []
    assert measure(judge(detector, [sample])).boxes == 1
    assert boxes_per_frame(detector, [], 0.5) == 0.0
    assert boxes_per_frame(detector, [sample.image], 1.1) == 0.0


def test_batches_of_workers_are_those_drawn_here(tmp_path: Path) -> None:
    here, ahead = _training(tmp_path, 6), _training(tmp_path, 6)
    with drawn_ahead(ahead.draw, range(6), workers=2) as batches:
        for step, batch in enumerate(batches):
            drawn = here.draw(step)
            assert np.array_equal(batch.images, drawn.images) and np.array_equal(batch.xyxy, drawn.xyxy)


def test_teacher_is_the_same_in_pytorch(shared: Path) -> None:
    teacher = Teacher(shared / "models" / "detectors" / "yolox_nano_416.onnx")
    images = np.random.default_rng(0).integers(0, 255, (2, 64, 64, 3), dtype=np.uint8)
    teacher.watch(list(images))
    pictures = torch.from_numpy(images).permute(0, 3, 1, 2).float()
    for a, b in zip(teacher.look(images), teacher.look_on_device(pictures), strict=True):
        assert np.allclose(a, b.numpy(), atol=1e-3)


@pytest.mark.full
def test_training_learns_to_box_one_object(tmp_path: Path) -> None:
    training = _training(tmp_path, 250)
    training.recipe = replace(training.recipe, averaging=0.98)
    training.run(lambda _, losses: None, every=50)
    write_onnx(training.averaged, tmp_path / "d.onnx", 64)
    samples = [training.sample(np.random.default_rng([9, i])) for i in range(30)]
    assert measure(judge(load_detector(tmp_path / "d.onnx"), samples)).ap50 > 0.8
