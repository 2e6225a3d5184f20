import numpy as np
import pytest

from export.render.artwork import draw_artwork
from export.render.camera import Pose, premultiply, straight
from export.render.packshot import VIEWS, render_cutout, render_packshot, render_pose
from export.render.palette import contrast, random_palette, readable_on
from export.render.products import DEMO_LAYOUTS, PACKAGINGS, TRAINING_LAYOUTS, Packaging, family, training_product


@pytest.mark.parametrize("packaging", PACKAGINGS)
def test_packshot_stands_on_white_and_fills_the_picture(packaging: Packaging) -> None:
    for view in range(len(VIEWS)):
        picture = render_packshot(training_product(np.random.default_rng(2), packaging), view, 128)
        assert picture.shape == (128, 128, 3) and picture.dtype == np.uint8
        assert (picture[:6, :6] > 250).all() and (picture[:6, -6:] > 250).all()
        inked = (picture.min(axis=2) < 235).any(axis=1)
        assert inked.sum() > 90


@pytest.mark.parametrize("packaging", PACKAGINGS)
def test_same_seed_gives_the_same_pixels(packaging: Packaging) -> None:
    first, second = (
        render_cutout(training_product(np.random.default_rng(3), packaging), np.random.default_rng(8)) for _ in range(2)
    )
    np.testing.assert_array_equal(first, second)
    draw_artwork.cache_clear()
    third = render_cutout(training_product(np.random.default_rng(3), packaging), np.random.default_rng(8))
    np.testing.assert_array_equal(first, third)


def test_all_layouts_draw_on_all_packagings() -> None:
    seen = set()
    for world, layouts in (("demo", DEMO_LAYOUTS), ("training", TRAINING_LAYOUTS)):
        for number in range(120):
            product = family(world, number, 1)[0]  # type: ignore[arg-type]
            if (product.design.layout, product.packaging) in seen:
                continue
            seen.add((product.design.layout, product.packaging))
            artwork = draw_artwork(product, 96)
            assert artwork.front.shape[0] == 96
            assert artwork.front.std() > 4, (product.design.layout, product.packaging)
        assert set(layouts) <= {layout for layout, _ in seen}


def test_distinct_products_look_distinct() -> None:
    rng = np.random.default_rng(11)
    fronts = [draw_artwork(training_product(rng, "carton"), 64).front for _ in range(40)]
    thumbnails = {front[::8, ::6][:8, :4].tobytes() for front in fronts}
    assert len(thumbnails) == len(fronts)


def test_look_alikes_differ_in_print_but_not_in_shape() -> None:
    first, second = family("demo", 3, 2)
    pictures = [render_packshot(product, 0, 160).astype(int) for product in (first, second)]
    changed = np.abs(pictures[0] - pictures[1]).max(axis=2) > 30
    assert 0.005 < changed.mean() < 0.6


@pytest.mark.parametrize("packaging", PACKAGINGS)
def test_cutout_is_cropped_to_its_ink(packaging: Packaging) -> None:
    product = training_product(np.random.default_rng(5), packaging)
    alpha = render_pose(product, Pose(yaw=0.3, pitch=0.1, roll=0.2), 120)[..., 3]
    assert 100 <= max(alpha.shape) <= 122
    for edge in (alpha[0], alpha[-1], alpha[:, 0], alpha[:, -1]):
        assert edge.any()


def test_straight_alpha_undoes_premultiplied_alpha() -> None:
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (20, 30, 4), dtype=np.uint8)
    picture[..., 3] = np.maximum(picture[..., 3], 128)
    returned = straight(premultiply(picture))
    assert np.abs(returned.astype(int) - picture).max() <= 3


def test_ink_is_readable_on_every_ground() -> None:
    rng = np.random.default_rng(1)
    for palette in (random_palette(rng) for _ in range(300)):
        assert contrast(palette.ground, palette.ink) >= 3.2
        assert contrast(palette.accent, readable_on(palette.accent)) >= 3.2
