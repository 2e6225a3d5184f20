"""Variants whose loss is known, held against small float models."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from edge.errors import InputError, ModelError, SpaceMismatch, UsageError
from export.bundles.reading import read_model
from export.quantize.job import Chain, Evaluation, Job
from export.quantize.judged import Judge, Judged
from export.quantize.judging import open_judge
from tests.quantize import judging_kit as kit

BRIGHT = (2.0, 2.0, 2.0)


def judge_of(model: Path, evaluation: Evaluation, chain: Chain | None = None, max_drop: float = 1.0) -> Judge:
    return open_judge(Job(read_model(model), (), evaluation, max_drop=max_drop, chain=chain))


@pytest.fixture
def photos(tmp_path: Path) -> Evaluation:
    return Evaluation(tuple(kit.pictures(tmp_path / "photos", copies=3)), None, tmp_path / "photos")


@pytest.fixture
def labelled(tmp_path: Path, photos: Evaluation) -> Evaluation:
    images = [{"id": n, "file_name": path.name} for n, path in enumerate(photos.pictures)]
    boxes = [{"image_id": n, "bbox": [4, 4, 16, 16], "category_id": 1} for n in range(len(images))]
    (tmp_path / "labels.json").write_text(json.dumps({"images": images, "annotations": boxes}))
    return Evaluation(photos.pictures, tmp_path / "labels.json", photos.images)


class TestDetector:
    def judged(self, tmp_path: Path, evaluation: Evaluation, **changed: float) -> Judged:
        judge = judge_of(kit.detector(tmp_path / "float.onnx"), evaluation)
        return judge.judge(read_model(kit.detector(tmp_path / "variant.onnx", **changed)))  # type: ignore[arg-type]

    @pytest.mark.parametrize("labels", [False, True])
    def test_the_same_model_loses_nothing(
        self, tmp_path: Path, photos: Evaluation, labelled: Evaluation, labels: bool
    ) -> None:
        judged = self.judged(tmp_path, labelled if labels else photos)
        assert (judged.metric, judged.allowance) == (("ap50", 1.0) if labels else ("box_agreement", 5.0))
        assert (judged.floating, judged.quantized, judged.drop_points) == (1, 1, 0)
        assert judged.drop_ci95 == (0, 0) and judged.pictures == 24
        assert judged.pictures_needed == (300 if labels else 60)
        assert judged.passes(1.0) and judged.reason == ""

    def test_collapsed_boxes_are_refused_by_name(self, tmp_path: Path, labelled: Evaluation) -> None:
        judged = self.judged(tmp_path, labelled, distance=0.1)
        assert judged.quantized == 0 and judged.drop_points == 100
        assert judged.details["score_agreement"] == 1 and judged.details["box_iou_mean"] < 0.05
        assert "boxes have collapsed while its scores look right" in judged.reason
        assert not judged.passes(100.0)

    def test_another_class_is_no_agreement_though_the_box_is_right(self, tmp_path: Path, photos: Evaluation) -> None:
        judged = self.judged(tmp_path, photos, class_id=0)
        assert judged.details["box_iou_mean"] == 1 and judged.quantized == 0
        assert "another class" in judged.reason

    def test_values_that_are_not_numbers_are_a_reason_and_no_crash(self, tmp_path: Path, photos: Evaluation) -> None:
        judged = self.judged(tmp_path, photos, distance=np.nan)
        assert "not numbers" in judged.reason and judged.quantized == 0
        assert judged.drop_ci95 is None and judged.pictures_needed is None

    def test_refuses_what_is_no_variant_of_it(self, tmp_path: Path, photos: Evaluation) -> None:
        judge = judge_of(kit.detector(tmp_path / "float.onnx"), photos)
        with pytest.raises(ModelError, match=r"is embedder .* its float model is a detector of the family fcos"):
            judge.judge(read_model(kit.embedder(tmp_path / "embedder.onnx")))

    def test_refuses_pictures_that_show_nothing(self, tmp_path: Path, photos: Evaluation) -> None:
        with pytest.raises(InputError, match="show nothing that the float model finds"):
            judge_of(kit.detector(tmp_path / "float.onnx", score=0.0), photos)
        (tmp_path / "none.json").write_text('{"images": [{"id": 1, "file_name": "00.png"}], "annotations": []}')
        nothing = Evaluation(photos.pictures, tmp_path / "none.json", photos.images)
        with pytest.raises(InputError, match=r"none\.json: holds no box"):
            judge_of(kit.detector(tmp_path / "float.onnx"), nothing)

    def test_refuses_what_was_calibrated_on(self, tmp_path: Path, photos: Evaluation) -> None:
        job = Job(read_model(kit.detector(tmp_path / "float.onnx")), photos.pictures[:1], photos)
        with pytest.raises(InputError, match="is the same picture as"):
            open_judge(job)


class TestEmbedder:
    def judged(self, tmp_path: Path, evaluation: Evaluation, *changed: object) -> Judged:
        judge = judge_of(kit.embedder(tmp_path / "float.onnx"), evaluation)
        return judge.judge(read_model(kit.embedder(tmp_path / "variant.onnx", *changed)))  # type: ignore[arg-type]

    @pytest.fixture
    def queries(self, tmp_path: Path, photos: Evaluation) -> Evaluation:
        shown = {path.name: f"shade-{n % 8}" for n, path in enumerate(photos.pictures)}
        return Evaluation(photos.pictures, kit.queries(tmp_path / "queries.csv", shown), photos.images)

    def test_the_same_model_loses_nothing(self, tmp_path: Path, photos: Evaluation, queries: Evaluation) -> None:
        for evaluation, metric in ((photos, "neighbour_agreement"), (queries, "recall_at_1")):
            judged = self.judged(tmp_path, evaluation)
            assert (judged.metric, judged.floating, judged.quantized) == (metric, 1, 1)
            assert judged.details["cosine_p05"] == pytest.approx(1) and judged.reason == ""
            assert judged.passes(0.0)

    def test_collapsed_vectors_are_refused_by_name(self, tmp_path: Path, photos: Evaluation) -> None:
        judged = self.judged(tmp_path, photos, np.eye(3) * 0.01, BRIGHT)
        assert judged.details["spread"] < 0.01 and "vectors have collapsed" in judged.reason

    def test_a_turned_space_is_refused_though_its_own_neighbours_agree(
        self, tmp_path: Path, queries: Evaluation
    ) -> None:
        """Devices search what the float model made: a variant that agrees with itself alone finds nothing there."""
        judged = self.judged(tmp_path, queries, np.roll(np.eye(3), 1, axis=0))
        assert judged.details["spread"] == pytest.approx(1, abs=0.01)
        assert judged.quantized < 0.5 and "left the float model's space" in judged.reason

    def test_a_vector_of_zeros_is_a_reason_and_no_crash(self, tmp_path: Path, photos: Evaluation) -> None:
        assert "all zero" in self.judged(tmp_path, photos, np.zeros((3, 3))).reason

    def test_refuses_too_few_pictures_and_queries_without_pairs(self, tmp_path: Path, photos: Evaluation) -> None:
        model = kit.embedder(tmp_path / "float.onnx")
        with pytest.raises(InputError, match="2 pictures to judge by: neighbours need at least 3"):
            judge_of(model, Evaluation(photos.pictures[:2]))
        alone = kit.queries(tmp_path / "q.csv", {path.name: path.stem for path in photos.pictures})
        with pytest.raises(InputError, match="no product is shown by two of its pictures"):
            judge_of(model, Evaluation(photos.pictures, alone, photos.images))

    def test_refuses_boxes_as_labels_and_vectors_of_another_length(
        self, tmp_path: Path, photos: Evaluation, labelled: Evaluation
    ) -> None:
        model = kit.embedder(tmp_path / "float.onnx")
        with pytest.raises(UsageError, match="judged by a queries file"):
            judge_of(model, labelled)
        with pytest.raises(ModelError, match="gives no single vector"):
            judge_of(model, photos).judge(read_model(kit.detector(tmp_path / "detector.onnx")))


class TestChain:
    @pytest.fixture
    def chain(self, tmp_path: Path) -> Chain:
        bundle, shard = kit.bundle_and_shard(tmp_path)
        return Chain(bundle.root, shard)

    @pytest.fixture
    def shown(self, tmp_path: Path, photos: Evaluation) -> Evaluation:
        products = ("red", "red", "green", "green", "blue", "blue")
        named = {path.name: products[n % 8] for n, path in enumerate(photos.pictures) if n % 8 < 6}
        files = tuple(path for path in photos.pictures if path.name in named)
        return Evaluation(files, kit.queries(tmp_path / "queries.csv", named), photos.images)

    def test_the_same_models_lose_nothing(self, tmp_path: Path, chain: Chain, shown: Evaluation) -> None:
        for name in ("detector.onnx", "embedder.onnx"):
            judged = judge_of(tmp_path / name, shown, chain).judge(read_model(tmp_path / name))
            assert (judged.metric, judged.floating, judged.quantized, judged.pictures) == ("recall_at_1", 1, 1, 18)
            assert judged.details["tag_recall"] == judged.details["tag_recall_float"] == 1
            assert judged.reason == ""

    def test_without_labels_the_product_that_is_found_first_is_compared(
        self, tmp_path: Path, chain: Chain, photos: Evaluation
    ) -> None:
        judge = judge_of(tmp_path / "embedder.onnx", photos, chain)
        assert judge.judge(read_model(tmp_path / "embedder.onnx")).quantized == 1
        turned = judge.judge(read_model(kit.embedder(tmp_path / "v.onnx", np.roll(np.eye(3), 1, axis=0))))
        assert turned.metric == "neighbour_agreement" and turned.quantized < 0.5 and turned.reason

    def test_similarities_that_fall_below_the_threshold_are_a_reason(
        self, tmp_path: Path, chain: Chain, shown: Evaluation
    ) -> None:
        """The right product stays first, but nothing is certain enough to be tagged."""
        grey = kit.embedder(tmp_path / "v.onnx", np.eye(3) * 0.02, (0.5, 0.5, 0.5))
        judged = judge_of(tmp_path / "embedder.onnx", shown, chain).judge(read_model(grey))
        assert judged.quantized == 1 and judged.drop_points == 0
        assert "tag recall falls from 100.0" in judged.reason

    def test_a_detector_that_finds_nothing_loses_every_tag(
        self, tmp_path: Path, chain: Chain, shown: Evaluation
    ) -> None:
        blind = kit.detector(tmp_path / "v.onnx", score=0.1)
        judged = judge_of(tmp_path / "detector.onnx", shown, chain).judge(read_model(blind))
        assert judged.quantized == 0 and judged.details["tag_recall"] == 0

    def test_refuses_a_shard_that_another_embedder_made(self, tmp_path: Path, chain: Chain, shown: Evaluation) -> None:
        other = kit.embedder(tmp_path / "other.onnx", np.eye(3) * 2)
        with pytest.raises(SpaceMismatch, match="was not embedded with"):
            judge_of(other, shown, chain)

    def test_refuses_queries_of_a_detector_without_a_chain(self, tmp_path: Path, shown: Evaluation) -> None:
        with pytest.raises(UsageError, match="give the bundle and the shard too"):
            judge_of(kit.detector(tmp_path / "float.onnx"), shown)

    def test_refuses_queries_of_other_products(self, tmp_path: Path, chain: Chain, shown: Evaluation) -> None:
        other = kit.queries(tmp_path / "other.csv", {path.name: "purple" for path in shown.pictures})
        with pytest.raises(InputError, match="no photo shows a product of the shard"):
            judge_of(tmp_path / "detector.onnx", Evaluation(shown.pictures, other, shown.images), chain)
