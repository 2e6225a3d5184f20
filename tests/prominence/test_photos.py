"""A photo's main object: first among the tags, and embedded with the middle of the photo, unlike in a video."""

from __future__ import annotations

import numpy as np
import pytest

from edge.bundle import load_bundle
from edge.media.frame import Frame
from edge.pipeline import Kit, find_objects, look, without_parts
from edge.shard import open_shard
from edge.stopwatch import Stopwatch
from edge.tags import Candidate, Moment, Tag, Unmatched
from export.cli import main as export
from tests.evaluation.test_evaluate_command import shard_of_colours
from tests.small_models import constant_detector, mean_embedder

RED, GREEN = (255, 0, 0), (0, 255, 0)
CROP = np.zeros((2, 2, 3), np.uint8)


@pytest.fixture(scope="module")
def kit(tmp_path_factory: pytest.TempPathFactory) -> Kit:
    """A detector that finds a box at the left side, surer, and one in the middle; an embedder of the mean colour."""
    folder = tmp_path_factory.mktemp("kit")
    rows = np.zeros((1, 5, 6), np.float32)
    rows[0, 0] = 0, 16, 12, 48, 0.9, 0
    rows[0, 1] = 20, 16, 44, 48, 0.8, 0
    constant_detector(folder / "detector.onnx", (64, 64), {"rows": rows})
    mean_embedder(folder / "embedder.onnx")
    command = ["bundle", "--detector", folder / "detector.onnx", "--embedder", folder / "embedder.onnx"]
    options = ["--embedder-mean", "0", "--embedder-std", "255", "--out", folder / "bundle"]
    assert export([str(part) for part in (*command, *options)]) == 0
    bundle = load_bundle(folder / "bundle")
    shard = shard_of_colours(folder / "shard", bundle.space_id)
    return Kit.open(bundle, [open_shard(shard)])


def picture() -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """A red thing in the middle of a green picture."""
    pixels = np.full((64, 64, 3), GREEN, np.uint8)
    pixels[12:52, 18:46] = RED
    return pixels


def test_the_main_object_of_a_photo_comes_first_and_that_of_a_video_frame_does_not(kit: Kit) -> None:
    frame = Frame(0, 0.0, picture())
    photo = look(kit, frame, (64, 64), Stopwatch(), still=True)
    clip = look(kit, frame, (64, 64), Stopwatch())
    assert [sighting.xyxy[0] for sighting in photo] == [20, 0]
    assert [sighting.xyxy[0] for sighting in clip] == [0, 20]


def test_the_main_object_is_embedded_with_the_middle_of_the_photo(kit: Kit) -> None:
    photo = find_objects(kit, picture(), Stopwatch(), still=True)
    clip = find_objects(kit, picture(), Stopwatch(), still=False)
    alone, beside = clip.embeddings[1], clip.embeddings[0]
    assert 0.8 < photo.embeddings[0, 0] < alone[0] - 0.02  # some of the green around it
    assert np.linalg.norm(photo.embeddings, axis=1) == pytest.approx(1, abs=1e-5)
    assert np.array_equal(photo.embeddings[1], beside)
    assert [crop.shape for crop in photo.looked_at] == [(46, 46, 3), photo.crops[1].shape]


def test_a_photo_of_nothing_gives_nothing(kit: Kit) -> None:
    assert without_parts((), ()) == ((), ())


def tag(product: str, similarity: float, box: tuple[float, float, float, float]) -> Tag:
    found = (Candidate(0, product, product, similarity),)
    return Tag(product, "match", found, 1.0, 0.0, 0.0, Moment(0.0, box, CROP), ((0.0, box),))


def test_a_cap_of_a_product_is_neither_a_tag_nor_an_object_without_a_product() -> None:
    carton, cap, far = (0.0, 0.0, 50.0, 90.0), (10.0, 0.0, 30.0, 15.0), (60.0, 0.0, 90.0, 90.0)
    unknown = [Unmatched(0.0, 0.0, Moment(0.0, box, CROP), ((0.0, box),), None) for box in (cap, far)]
    tags, unmatched = without_parts((tag("milk", 0.9, carton), tag("onion", 0.8, cap)), tuple(unknown))
    assert [one.tag_id for one in tags] == ["milk"]
    assert [one.best.xyxy for one in unmatched] == [far]
