"""Average precision and recall against hand-made cases and, where it is installed, pycocotools."""

from __future__ import annotations

import contextlib
import io
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from export.evaluation.coco import (
    ImageDetections,
    ImageTruth,
    at_threshold,
    interval,
    iou_matrix,
    match_image,
    measure,
)

NOTHING = np.zeros((0, 4))
BOX = np.array([[10.0, 10.0, 30.0, 30.0]])


def found(xyxy: Any, confidence: Any) -> ImageDetections:
    return ImageDetections(np.asarray(xyxy, float), np.asarray(confidence, float))


def test_no_images_has_no_average_precision() -> None:
    result = measure([])
    assert (result.images, result.boxes) == (0, 0)
    assert np.isnan([result.ap50, result.ap50_95, result.ar50_at_10]).all()
    assert np.isnan(interval([], resamples=3)).all()
    assert at_threshold([], 0.5).detections_per_image == 0


def test_image_without_labels_counts_false_detections() -> None:
    match = match_image(ImageTruth(NOTHING), found(BOX, [0.9]))
    assert np.isnan(measure([match]).ap50)
    point = at_threshold([match], 0.5)
    assert np.isnan(point.recall)
    assert (point.precision, point.detections_per_image) == (0.0, 1.0)


def test_image_without_detections_has_recall_zero() -> None:
    result = measure([match_image(ImageTruth(BOX), found(NOTHING, []))])
    assert (result.ap50, result.ap50_95, result.ar50_at_10) == (0, 0, 0)


def test_exact_boxes_have_full_marks() -> None:
    result = measure([match_image(ImageTruth(BOX), found(BOX, [0.3]))])
    assert result.ap50 == result.ap50_95 == result.ar50_at_10 == pytest.approx(1)


def test_second_box_on_one_object_is_false() -> None:
    match = match_image(ImageTruth(BOX), found(np.vstack([BOX, BOX]), [0.3, 0.9]))
    assert match.correct[0].tolist() == [True, False]


def test_false_detection_above_the_true_one_halves_precision() -> None:
    match = match_image(ImageTruth(BOX), found(np.vstack([BOX + 100, BOX]), [0.9, 0.3]))
    assert measure([match]).ap50 == pytest.approx(0.5)


def test_crowd_region_hides_detections() -> None:
    truth = ImageTruth(np.vstack([BOX, BOX + 100]), np.array([False, True]))
    match = match_image(truth, found(np.vstack([BOX + 100, BOX + 100, BOX]), [0.9, 0.8, 0.3]))
    assert match.boxes == 1
    assert measure([match]).ap50 == pytest.approx(1)


def test_eleventh_detection_does_not_count_for_recall_at_ten() -> None:
    boxes = np.vstack([BOX + 100 * step for step in range(1, 11)] + [BOX])
    match = match_image(ImageTruth(BOX), found(boxes, np.linspace(0.9, 0.1, 11)))
    assert measure([match]).ar50_at_10 == 0
    assert measure([match]).ap50 > 0


def test_rejects_boxes_of_wrong_shape() -> None:
    with pytest.raises(ValueError, match=r"\(1, 3\)"):
        ImageTruth(np.zeros((1, 3)))
    with pytest.raises(ValueError, match="2 confidences for 1 boxes"):
        found(BOX, [0.1, 0.2])


def test_boxes_without_area_never_match() -> None:
    point = np.array([[5.0, 5.0, 5.0, 5.0]])
    assert iou_matrix(point, point).tolist() == [[0.0]]


def test_interval_holds_the_figure() -> None:
    hit = match_image(ImageTruth(BOX), found(BOX, [0.5]))
    miss = match_image(ImageTruth(BOX), found(NOTHING, []))
    low, high = interval([hit] * 10 + [miss] * 10, "ar50_at_10", resamples=200)
    assert low < 0.5 < high


def random_scene(rng: np.random.Generator) -> tuple[ImageTruth, ImageDetections]:
    """Draw labels on a coarse grid and noisy detections of some, so that ties and near misses are common."""
    corner = rng.integers(0, 8, (rng.integers(0, 6), 2)) * 10.0
    truth = np.hstack([corner, corner + rng.integers(1, 5, corner.shape) * 10.0])
    chosen = truth[rng.random(len(truth)) < 0.8] if len(truth) else truth
    extra = rng.integers(0, 80, (rng.integers(0, 4), 2)).astype(float)
    boxes = np.vstack([chosen + rng.integers(-4, 5, chosen.shape), np.hstack([extra, extra + 25.0])])
    crowd = rng.random(len(truth)) < 0.2
    return ImageTruth(truth, crowd), found(boxes, rng.permutation(len(boxes)) / 50 + rng.random() / 100)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_more_confident_copy_of_all_never_changes_recall(seed: int) -> None:
    rng = np.random.default_rng(seed)
    scenes = [random_scene(rng) for _ in range(4)]
    once = measure([match_image(*scene) for scene in scenes])
    halved = measure([match_image(t, found(d.xyxy, d.confidence / 2)) for t, d in scenes])
    np.testing.assert_equal(once, halved)


@pytest.mark.parametrize("seed", range(6))
def test_agrees_with_pycocotools(seed: int) -> None:
    coco = pytest.importorskip("pycocotools.coco", reason="pycocotools is not installed")
    cocoeval = pytest.importorskip("pycocotools.cocoeval")
    rng = np.random.default_rng(seed)
    scenes = [random_scene(rng) for _ in range(12)]
    truth, rows = coco.COCO(), []
    truth.dataset = {
        "info": {},
        "images": [{"id": i} for i in range(12)],
        "categories": [{"id": 1}],
        "annotations": [
            {"image_id": i, "category_id": 1, "iscrowd": int(crowd), **as_coco(box)}
            for i, (labels, _) in enumerate(scenes)
            for box, crowd in zip(labels.xyxy, labels.crowd, strict=True)
        ],
    }
    for number, row in enumerate(truth.dataset["annotations"]):
        row["id"] = number + 1
    rows = [
        {"image_id": i, "category_id": 1, "score": float(c), **as_coco(box)}
        for i, (_, d) in enumerate(scenes)
        for box, c in zip(d.xyxy, d.confidence, strict=True)
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        truth.createIndex()
        evaluation = cocoeval.COCOeval(truth, truth.loadRes(rows), "bbox")
        evaluation.params.maxDets = [1, 10, 100]
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    ours = measure([match_image(*scene) for scene in scenes])
    assert ours.ap50_95 == pytest.approx(evaluation.stats[0], abs=1e-12)
    assert ours.ap50 == pytest.approx(evaluation.stats[1], abs=1e-12)
    assert ours.ar50_at_10 == pytest.approx(float(evaluation.eval["recall"][0, 0, 0, 1]), abs=1e-12)


def as_coco(box: Any) -> dict[str, Any]:
    x0, y0, x1, y1 = (float(value) for value in box)
    return {"bbox": [x0, y0, x1 - x0, y1 - y0], "area": (x1 - x0) * (y1 - y0)}
