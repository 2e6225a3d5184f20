"""What contributed views gain, and what colluding devices can do: the figures of docs/feedback.md.

    python -m tests.bench.bench_feedback                        # 100 invented products, drawn (minutes)
    python -m tests.bench.bench_feedback ../shared/data/grocery_store

Photos are looked at as `edge tag` does; those without an object are passed over. Half of each product's photos play
what creators share (dealt to six devices; accepted where the product comes first and is similar enough, corrected where
another one comes first), the other half are queries. Five splits; intervals by bootstrap over products.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edge.bundle import load_bundle
from edge.contributed import ContributedView
from edge.defaults import default_bundle
from edge.detections import Float32s
from edge.gallery import Gallery
from edge.media.pictures import read_picture
from edge.pipeline import Kit, find_objects
from edge.preprocessing import ImageArray
from edge.shard.vectors import quantize
from edge.stopwatch import Stopwatch
from export.catalog.extra import Base
from export.catalog.scanning import Ints, unit
from export.evaluation.bootstrap import drop_interval
from export.feedback.guard import Guard, guard
from export.render.packshot import render_cutout, render_packshot
from export.render.products import demo_products, unlisted_products
from export.render.scene import SceneStyle, compose_scene

PRODUCTS, PHOTOS, SEED = 100, 14, 6
DEVICES, SPLITS, COLLUDERS = 6, 5, 3
STYLES = (
    SceneStyle(size=(0.6, 0.8), hand=0.3, spoil=0.25, out=0.0, spread=0.7, least_visible=0.5),
    SceneStyle(size=(0.45, 0.8), hand=0.9, spoil=1.0, out=0.08, spread=0.8, least_visible=0.5),
)
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Photos:
    """A catalogue with one picture a product, and photos of it.

    Attributes:
        base: the catalogue.
        vectors: float32 (n, ndim), one a photo.
        product: int64 (n,).
    """

    base: Base
    vectors: Float32s
    product: Ints


@dataclass(frozen=True)
class Outcome:
    """What became of queries, bool (n,) each."""

    first: Bools
    right: Bools
    wrong: Bools


def main(words: list[str]) -> None:
    bundle = load_bundle(default_bundle())
    kit = Kit(bundle, bundle.open_detector(), bundle.open_embedder(), Gallery([], bundle.space_id))
    photos = _grocery(kit, Path(words[0])) if words else _drawn(kit)
    print(f"{len(photos.base.product_ids)} products, {len(photos.product)} photos with an object")
    _gains(kit, photos)
    _attacks(kit, photos)


def _drawn(kit: Kit) -> Photos:
    products = demo_products(PRODUCTS, SEED)
    rng = np.random.default_rng([SEED, 1])
    goods = [render_cutout(product, rng, 120, calm=True) for product in unlisted_products(12, SEED)]

    def taken() -> Iterator[tuple[int, ImageArray]]:
        for row, product in enumerate(products):
            rng = np.random.default_rng([SEED, 7, row])
            for number in range(PHOTOS):
                style = STYLES[number % 2]
                cutout = render_cutout(product, rng, 340, calm=style.spoil < 0.9)
                scene = compose_scene([cutout], None, rng, resolution_wh=(640, 480), style=replace(style), goods=goods)
                yield row, scene.image

    pictures = [render_packshot(product, 0, 320) for product in products]
    return _photos(kit, [product.product_id for product in products], pictures, taken())


def _grocery(kit: Kit, folder: Path) -> Photos:
    with (folder / "manifest.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    catalogue = [row for row in rows if row["role"] == "catalog"]
    row_of = {row["product_id"]: number for number, row in enumerate(catalogue)}
    pictures = [read_picture(str(folder / row["path"])) for row in catalogue]
    shown = ((row_of[r["product_id"]], read_picture(str(folder / r["path"]))) for r in rows if r["role"] != "catalog")
    return _photos(kit, list(row_of), pictures, shown)


def _photos(kit: Kit, ids: list[str], pictures: list[ImageArray], taken: Iterator[tuple[int, ImageArray]]) -> Photos:
    product, vectors = [], []
    for row, image in taken:
        embeddings = find_objects(kit, image, Stopwatch(), still=True).embeddings
        if len(embeddings):
            product.append(row)
            vectors.append(embeddings[0])
    base = Base.of(ids, quantize(kit.embedder.embed(pictures)), np.arange(len(ids)))
    return Photos(base, np.array(vectors, np.float32), np.array(product, np.int64))


def _gains(kit: Kit, photos: Photos) -> None:
    rule = Guard(kit.bundle.matching, kit.bundle.space_id)
    before, after, open_door, product, added, shared = [], [], [], [], [], []
    for seed in range(SPLITS):
        dealt, asked = _dealt(photos, seed)
        contributed, accepted = _shared(kit, photos, dealt)
        judged = guard(contributed, photos.base, rule)
        nothing = np.zeros((0, photos.vectors.shape[1]), np.float32), np.zeros(0, np.int64)
        before.append(_ask(kit, photos, asked, *nothing))
        after.append(_ask(kit, photos, asked, unit(judged.views.vectors), judged.views.product))
        open_door.append(_ask(kit, photos, asked, photos.vectors[accepted], photos.product[accepted]))
        product.append(photos.product[asked])
        added.append(len(judged.views))
        shared.append(len(contributed))
    print(f"{np.mean(shared):.0f} vectors shared, {np.mean(added):.0f} views added (mean of {SPLITS} splits)")
    clusters = np.concatenate(product)
    print("|  | pictures alone | with guarded views | gain [95 %] | every accepted vector a view, no guard |")
    print("|---|---|---|---|---|")
    for name in ("first", "right", "wrong"):
        a, b, c = (np.concatenate([getattr(one, name) for one in ways]) for ways in (before, after, open_door))
        ones = np.ones(len(a))
        interval = drop_interval(
            np.stack([b.astype(float), ones, a.astype(float), ones], 1), clusters, np.zeros(len(a), np.int32)
        )
        assert interval is not None
        bounds = f"[{interval[0]:+.3f}, {interval[1]:+.3f}]"
        print(f"| {name} | {a.mean():.3f} | {b.mean():.3f} | {b.mean() - a.mean():+.3f} {bounds} | {c.mean():.3f} |")


def _dealt(photos: Photos, seed: int) -> tuple[Ints, Bools]:
    """Return the device of each photo that is shared, -1 elsewhere, and which photos are queries."""
    rng = np.random.default_rng(seed)
    dealt = np.full(len(photos.product), -1, np.int64)
    for row in range(len(photos.base.product_ids)):
        mine = rng.permutation(np.flatnonzero(photos.product == row))
        dealt[mine[: len(mine) // 2]] = rng.permutation(len(mine) // 2) % DEVICES
    return dealt, dealt < 0


def _shared(kit: Kit, photos: Photos, dealt: Ints) -> tuple[list[ContributedView], Bools]:
    likeness = photos.vectors @ unit(photos.base.views.vectors).T
    similar = (dealt >= 0) & (likeness.max(axis=1) >= kit.bundle.matching.similarity_threshold)
    accepted = similar & (likeness.argmax(axis=1) == photos.product)
    views = [
        _view(kit, photos, int(dealt[at]), int(photos.product[at]), photos.vectors[at])
        for at in np.flatnonzero(similar)  # whoever does not accept corrects
    ]
    return views, accepted


def _view(kit: Kit, photos: Photos, device: int, row: int, vector: Float32s) -> ContributedView:
    content = quantize(vector[None])[0].tobytes()
    return ContributedView(f"{device:016x}", photos.base.product_ids[row], kit.bundle.space_id, content)


def _ask(kit: Kit, photos: Photos, asked: Bools, vectors: Float32s, product: Ints) -> Outcome:
    views = np.concatenate([unit(photos.base.views.vectors), vectors])
    of = np.concatenate([photos.base.views.product, product])
    best = np.full((int(asked.sum()), len(photos.base.product_ids)), -2, np.float32)
    np.maximum.at(best.T, of, (photos.vectors[asked] @ views.T).T)
    first, similarity = best.argmax(axis=1), best.max(axis=1)
    best[np.arange(len(best)), first] = -2
    matching = kit.bundle.matching
    sure = (similarity >= matching.similarity_threshold) & (similarity - best.max(axis=1) >= matching.margin_threshold)
    right = first == photos.product[asked]
    return Outcome(right, right & sure, ~right & sure)


def _attacks(kit: Kit, photos: Photos) -> None:
    """Let one device, then three, say of every product that it looks like the photos of another one."""
    everything = np.ones(len(photos.product), np.bool_)
    rule = Guard(kit.bundle.matching, kit.bundle.space_id)
    nothing = np.zeros((0, photos.vectors.shape[1]), np.float32), np.zeros(0, np.int64)
    before = _ask(kit, photos, everything, *nothing)
    dealt, _ = _dealt(photos, 0)
    honest, _ = _shared(kit, photos, dealt)
    print("| who forges | honest devices | vectors sent | views added | photos taken of all | first | wrong |")
    print("|---|---|---|---|---|---|---|")
    for devices in (1, COLLUDERS):
        for beside in (0, DEVICES):
            sent = _forged(kit, photos, devices)
            judged = guard([*sent, *(honest if beside else [])], photos.base, rule)
            after = _ask(kit, photos, everything, unit(judged.views.vectors), judged.views.product)
            calm = guard(honest if beside else [], photos.base, rule)
            fair = _ask(kit, photos, everything, unit(calm.views.vectors), calm.views.product)
            taken = (fair.first & ~after.first).mean()
            told = (devices, beside, len(sent), len(judged.views) - len(calm.views), f"{taken:.3f}")
            first = f"{fair.first.mean():.3f} -> {after.first.mean():.3f}"
            wrong = f"{fair.wrong.mean():.3f} -> {after.wrong.mean():.3f}"
            print("|", " | ".join(map(str, (*told, first, wrong))), "|")
    sent = _forged(kit, photos, 1)
    row_of = {product_id: row for row, product_id in enumerate(photos.base.product_ids)}
    vectors = unit(np.stack([np.frombuffer(view.vector, np.int8) for view in sent]))
    after = _ask(kit, photos, everything, vectors, np.array([row_of[view.product_id] for view in sent]))
    print(f"without a guard, one device: first {before.first.mean():.3f} -> {after.first.mean():.3f}")


def _forged(kit: Kit, photos: Photos, devices: int) -> list[ContributedView]:
    """Return vectors for every product on the way to the photos of the most similar other one.

    One device sends ten for each; colluders, who know the rule, the one that goes as far as the rule lets it.
    """
    pictures = unit(photos.base.views.vectors)
    likeness = pictures @ pictures.T
    np.fill_diagonal(likeness, -2)
    views = []
    for row, victim in enumerate(likeness.argmax(axis=1).tolist()):
        crowd = photos.vectors[photos.product == victim]
        if not len(crowd):
            continue
        way = [unit((pictures[row] * (1 - s) + crowd.mean(axis=0) * s)[None])[0] for s in np.linspace(0.02, 1, 50)]
        chosen = way[::5] if devices == 1 else [v for v in way if _is_believed(kit, v, row, pictures)][-1:]
        views += [_view(kit, photos, 1000 + device, row, vector) for vector in chosen for device in range(devices)]
    return views


def _is_believed(kit: Kit, vector: Float32s, row: int, pictures: Float32s) -> bool:
    own, others = float(vector @ pictures[row]), float((np.delete(pictures, row, 0) @ vector).max())
    matching = kit.bundle.matching
    return own >= matching.similarity_threshold and own - others >= matching.margin_threshold + 0.005


if __name__ == "__main__":
    main(sys.argv[1:])
