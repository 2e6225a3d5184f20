"""The spine of `export calibrate`: answers -> trials -> thresholds -> the calibration of a shard.

>>> calibration = calibrate(kit, answered, Promise(0.05, 0.95), feedback=None)
>>> write_calibration(kit.gallery.shards[0].root, calibration)
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edge.bundle import Bundle
from edge.pipeline import Kit
from edge.second_look import SecondLook
from edge.shard.calibration import Calibration, Way
from export.calibration.choosing import Promise, choose
from export.calibration.feedback import Feedback
from export.calibration.products import products_against_each_other
from export.calibration.trials import RightTags, Trials, false_tags, right_tags
from export.evaluation.photos import Answered
from export.evaluation.retrieval import NOTHING

ALWAYS = 2.0
"""No lead reaches it, but that of a product whose rival is its very opposite."""


def looking_always(bundle: Bundle, second_look: SecondLook) -> SecondLook:
    """Return a second look by the bundle's rule, but whatever the lead.

    Where only close calls are looked at again, a similarity that evidence has raised stands beside one that nobody
    looked at, and no threshold suits both; see docs/calibrate.md.
    """
    assert bundle.second_look is not None, "there is no second look without a rule"
    return replace(second_look, rule=replace(bundle.second_look, margin_threshold=ALWAYS))


def calibrate(
    kit: Kit, answered: Answered | None, promise: Promise, feedback: Feedback | None, by_product: bool = False
) -> Calibration:
    """Choose thresholds for the one shard of a kit, with its second look (where it has one) and without.

    Args:
        kit: models and one shard.
        answered: what the kit said about photos; None sets the products against each other.
        promise: what must hold.
        feedback: decisions on tags that count as well.
        by_product: whether the photos of a product count once, so that the promise is about products.

    Raises:
        BudgetNotMet: there is too little for the promise, or nothing holds it.
    """
    shard = kit.gallery.shards[0]
    looks = [kit.second_look, None] if kit.second_look else [None]
    return Calibration(
        shard=shard.sha256,
        space_id=shard.space_id,
        bundle=kit.bundle.sha256,
        max_false_tags=promise.max_false_tags,
        confidence=promise.confidence,
        basis="products" if answered is None else "photos",
        ways=tuple(_way(kit, look, promise, feedback, *_trials(kit, look, answered, by_product)) for look in looks),
    )


def _way(
    kit: Kit,
    look: SecondLook | None,
    promise: Promise,
    feedback: Feedback | None,
    trials: list[Trials],
    right: RightTags | None,
) -> Way:
    heard = [feedback.trials] if feedback else []
    chosen = choose([*trials, *heard], right, promise, kit.bundle.matching)
    return Way(look.rule if look else None, chosen.matching, chosen.kept, chosen.trials)


def _trials(
    kit: Kit, look: SecondLook | None, answered: Answered | None, by_product: bool
) -> tuple[list[Trials], RightTags | None]:
    return _of_products(kit, look) if answered is None else of_photos(answered, look is not None, by_product)


def _of_products(kit: Kit, look: SecondLook | None) -> tuple[list[Trials], RightTags | None]:
    against = products_against_each_other(kit.gallery, look)
    return [against.false], against.right


def of_photos(
    answered: Answered, with_second_look: bool, by_product: bool = False
) -> tuple[list[Trials], RightTags | None]:
    """Return the trials of every kind that there are photos of, and the right tags where any shows a product.

    Args:
        answered: what the kit said.
        with_second_look: whether as `edge tag` gives it; else by the embedder alone.
        by_product: whether the photos of a product count once; a photo of nothing counts by itself.
    """
    answers = answered.answers if with_second_look else answered.embedder_alone
    left_out = answered.left_out if with_second_look else answered.left_out_alone
    empty = answers.expected == NOTHING
    product = answers.expected.astype(np.int64) if by_product else None
    shown = None if product is None else product[~empty]
    kinds = [
        ("nothing", answers, empty, None),
        ("left_out", left_out, np.ones(len(left_out), np.bool_), shown),
        ("shows", answers, ~empty, product),
    ]
    trials = [false_tags(name, given, photos, of) for name, given, photos, of in kinds if photos.any()]
    return trials, None if empty.all() else right_tags(answers)
