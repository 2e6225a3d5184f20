"""The study remembers what a photo looks like; what it makes of that is what the kit says."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edge.bundle import load_bundle
from edge.defaults import default_bundle, demo_shard
from edge.pipeline import Kit
from edge.shard import open_shard
from export.evaluation.photos import ask
from export.evaluation.queries import Query
from tests.bench.calibration_study import answered, remembered
from tests.conftest import REPOSITORY

PICTURES = REPOSITORY / "edge/data/golden"


def test_a_remembered_photo_gets_the_answers_of_the_kit_with_and_without_its_product() -> None:
    kit = Kit.open(load_bundle(default_bundle()), [open_shard(demo_shard())])
    shard = kit.gallery.shards[0]
    assert kit.second_look is not None
    photos, queries = [], []
    for path in sorted(PICTURES.glob("*.png")):
        first = ask(kit, [Query(0, path.name, "", "")], PICTURES, "detector").answers.matches.product[:1, 0]
        row = int(first[0]) if len(first) else 0
        photos.append(remembered(kit, path, row, ""))
        queries.append(Query(0, path.name, shard.record(row).product_id, ""))
    said = ask(kit, queries, PICTURES, "detector", leave_out=True)
    ways = ((kit.second_look.rule, said.answers, said.left_out), (None, said.embedder_alone, said.left_out_alone))
    for rule, given, without in ways:
        for expected, leave_out in ((given, False), (without, True)):
            found = answered(kit, photos, rule, set(), leave_out)
            assert len(found.photo) > 3 and found.expected.tolist() == expected.expected.tolist()
            np.testing.assert_array_equal(found.photo, expected.photo)
            np.testing.assert_array_equal(found.matches.product, expected.matches.product)
            np.testing.assert_allclose(found.matches.similarity, expected.matches.similarity, atol=1e-6)


def test_the_pictures_are_there() -> None:
    assert len(list(Path(PICTURES).glob("*.png"))) == 4
