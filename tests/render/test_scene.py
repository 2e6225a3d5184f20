import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from export.render.background import paste
from export.render.hand import GRIPS, Grip, holding_hand
from export.render.packshot import render_cutout
from export.render.photo import spoil
from export.render.products import training_product
from export.render.scene import CROWD, SceneStyle, compose_scene, mask_xyxy

BARE = SceneStyle(size=(0.3, 0.6), hand=0.0, spoil=0.0, out=0.3, least_visible=0.2)
MARKER = (255, 0, 255, 255)


def marker(width: int, height: int) -> np.ndarray:
    return np.tile(np.array(MARKER, np.uint8), (height, width, 1))


def test_empty_scene_has_no_boxes() -> None:
    scene = compose_scene([], None, np.random.default_rng(0))
    assert scene.image.shape == (160, 160, 3)
    assert scene.xyxy.shape == (0, 4) and scene.product_index.shape == (0,)
    assert scene.masks.shape == (0, 160, 160) and scene.visibility.shape == (0,)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    count=st.integers(1, 6),
    width=st.integers(48, 260),
    height=st.integers(48, 260),
    hand=st.sampled_from([0.0, 1.0]),
)
def test_boxes_contain_the_pixels_of_their_masks(seed: int, count: int, width: int, height: int, hand: float) -> None:
    rng = np.random.default_rng(seed)
    cutouts = [marker(int(rng.integers(20, 90)), int(rng.integers(20, 90))) for _ in range(count)]
    style = SceneStyle(size=(0.2, 0.7), hand=hand, out=0.4)
    scene = compose_scene(cutouts, None, rng, resolution_wh=(width, height), style=style)
    assert scene.image.shape == (height, width, 3)
    assert len(scene.xyxy) == len(scene.product_index) == len(scene.masks) == len(scene.visibility)
    for box, mask, seen in zip(scene.xyxy, scene.masks, scene.visibility, strict=True):
        assert 0 <= box[0] < box[2] <= width and 0 <= box[1] < box[3] <= height
        inner = mask_xyxy(mask)
        assert box[0] <= inner[0] and box[1] <= inner[1] and box[2] >= inner[2] and box[3] >= inner[3]
        assert style.least_visible <= seen <= 1.001


def test_mask_marks_exactly_the_pixels_of_the_product() -> None:
    background = np.zeros((200, 200, 3), np.uint8)
    for seed in range(20):
        rng = np.random.default_rng(seed)
        scene = compose_scene([marker(40, 60)], background, rng, style=BARE)
        painted = (scene.image == MARKER[:3]).all(axis=2)
        for mask, box in zip(scene.masks, scene.xyxy, strict=True):
            np.testing.assert_array_equal(mask > 127, painted)
            assert mask_xyxy(painted.astype(np.uint8) * 255) == tuple(box)


def test_covered_product_loses_visibility_but_not_its_box() -> None:
    style = SceneStyle(size=(0.5, 0.5), hand=0.0, spoil=0.0, overlap=1.0, least_visible=0.0, spread=0.2, out=0.0)
    scene = compose_scene([marker(60, 60), marker(60, 60)], None, np.random.default_rng(3), style=style)
    assert scene.visibility[0] < 0.8 and scene.visibility[1] == pytest.approx(1.0)
    width, height = scene.xyxy[0, 2:] - scene.xyxy[0, :2]
    assert width == height == 80


def test_nearly_hidden_product_is_not_listed() -> None:
    style = SceneStyle(size=(0.5, 0.5), hand=0.0, spoil=0.0, overlap=1.0, least_visible=0.35, spread=0.0, out=0.0)
    scene = compose_scene([marker(60, 60), marker(60, 60)], None, np.random.default_rng(3), style=style)
    assert scene.product_index.tolist() == [1]


def test_same_seed_gives_the_same_scene() -> None:
    pictures = []
    for _ in range(2):
        rng = np.random.default_rng(21)
        cutouts = [render_cutout(training_product(rng), rng) for _ in range(3)]
        pictures.append(compose_scene(cutouts, None, rng, resolution_wh=(200, 140), style=CROWD))
    np.testing.assert_array_equal(pictures[0].image, pictures[1].image)
    np.testing.assert_array_equal(pictures[0].xyxy, pictures[1].xyxy)


def test_given_background_is_used() -> None:
    photo = np.full((90, 300, 3), (10, 200, 30), np.uint8)
    style = SceneStyle(spoil=0.0, hand=0.0)
    scene = compose_scene([], photo, np.random.default_rng(0), resolution_wh=(64, 48), style=style)
    assert (scene.image == (10, 200, 30)).all()


@pytest.mark.parametrize("left,top", [(-500, 0), (0, 500), (31, 31), (-9, -9)])
def test_paste_is_clipped_to_the_picture(left: int, top: int) -> None:
    picture = np.zeros((32, 32, 3), np.uint8)
    coverage = paste(picture, marker(10, 10), left, top)
    assert np.array_equal(coverage > 0, picture.any(axis=2))


@pytest.mark.parametrize("grip", GRIPS)
def test_hand_covers_a_part_of_what_it_holds(grip: Grip) -> None:
    for seed in range(20):
        _, front = holding_hand((50, 30, 110, 140), (160, 160), np.random.default_rng(seed), grip=grip)
        covered = (front[30:140, 50:110, 3] > 127).mean()
        assert 0.01 < covered < 0.65


def test_spoiling_keeps_size_and_some_light() -> None:
    picture = np.random.default_rng(0).integers(60, 220, (70, 90, 3), dtype=np.uint8)
    for seed in range(60):
        spoiled = spoil(picture, np.random.default_rng(seed))
        assert spoiled.shape == picture.shape and spoiled.dtype == np.uint8
        assert 20 < spoiled.mean() < 245
    np.testing.assert_array_equal(spoil(picture, np.random.default_rng(0), strength=0.0), picture)
