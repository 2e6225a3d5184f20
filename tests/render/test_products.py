import itertools
from collections import Counter

import numpy as np
import pytest

from export.render import demo_layouts, training_layouts
from export.render.motifs import MOTIFS
from export.render.products import (
    DEMO_LAYOUTS,
    PACKAGINGS,
    TRAINING_LAYOUTS,
    demo_products,
    family,
    training_family,
    training_product,
    unlisted_products,
)
from export.render.words import DEMO_WORDS, TRAINING_WORDS, Vocabulary


def brands(words: Vocabulary) -> set[str]:
    return {onset + ending for onset, ending in itertools.product(words.onsets, words.endings)}


def names(words: Vocabulary) -> set[str]:
    return {name for goods in words.goods.values() for name in goods}


def test_demo_and_training_share_no_words() -> None:
    assert not brands(DEMO_WORDS) & brands(TRAINING_WORDS)
    assert not names(DEMO_WORDS) & names(TRAINING_WORDS)
    assert not {f.name for f in DEMO_WORDS.flavours} & {f.name for f in TRAINING_WORDS.flavours}


def test_demo_and_training_share_no_layouts() -> None:
    assert not set(DEMO_LAYOUTS) & set(TRAINING_LAYOUTS)
    assert set(demo_layouts.LAYOUTS) == set(DEMO_LAYOUTS)
    assert set(training_layouts.LAYOUTS) == set(TRAINING_LAYOUTS)
    assert not set(demo_layouts.LAYOUTS.values()) & set(training_layouts.LAYOUTS.values())


def test_demo_and_training_share_no_seeds() -> None:
    demo = {family("demo", number, 1)[0].design.family_seed for number in range(300)}
    training = {family("training", number, 1)[0].design.family_seed for number in range(300)}
    assert not demo & training


def test_training_products_come_from_the_training_world_only() -> None:
    rng = np.random.default_rng(0)
    for product in (training_product(rng) for _ in range(200)):
        assert product.world == "training"
        assert product.design.layout in TRAINING_LAYOUTS
        assert product.brand in brands(TRAINING_WORDS)


def test_every_word_has_a_motif() -> None:
    for words in (DEMO_WORDS, TRAINING_WORDS):
        assert {flavour.motif for flavour in words.flavours} <= set(MOTIFS)
        assert set(words.goods) == set(PACKAGINGS)


@pytest.mark.parametrize("count", [0, 1, 7, 40])
def test_catalogue_has_the_count_asked_for(count: int) -> None:
    products = demo_products(count)
    assert len(products) == count
    assert len({product.product_id for product in products}) == count
    assert len({product.title for product in products}) == count


def test_demo_catalogue_shows_all_packagings_and_look_alikes() -> None:
    products = demo_products(40)
    assert {product.packaging for product in products} == set(PACKAGINGS)
    lines = Counter((product.brand, product.name) for product in products)
    assert sum(size > 1 for size in lines.values()) >= 5


def test_unlisted_products_stay_out_of_the_catalogue() -> None:
    listed = {(product.brand, product.name) for product in demo_products(40, seed=3)}
    assert not listed & {(product.brand, product.name) for product in unlisted_products(20, seed=3)}


def test_look_alikes_share_brand_and_layout_but_not_flavour() -> None:
    members = training_family(np.random.default_rng(4), size=5)
    assert len({(m.brand, m.name, m.packaging, m.design.layout, m.design.family_seed) for m in members}) == 1
    assert len({m.flavour.name for m in members}) == 5


def test_same_seed_gives_the_same_products() -> None:
    assert demo_products(12, seed=5) == demo_products(12, seed=5)
    assert demo_products(12, seed=5) != demo_products(12, seed=6)
    assert training_product(np.random.default_rng(9)) == training_product(np.random.default_rng(9))
