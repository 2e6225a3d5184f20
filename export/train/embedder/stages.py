"""The stages of `python -m export.train.embedder`: read what was given, train or measure, say what came out."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from edge.command_line import write_json
from edge.errors import InputError
from export.train.detector.samples import read_image
from export.train.embedder.albums import Album, read_album, refuse_duplicates
from export.train.embedder.judging import embed_with
from export.train.embedder.judging import judge as judge_embedder
from export.train.embedder.lessons import Lessons, cuts_from, prepare
from export.train.embedder.network import SIZE
from export.train.embedder.onnx_file import write_onnx
from export.train.embedder.real import RealProduct, RealProducts
from export.train.embedder.rendered import Pictures, RenderedFamilies
from export.train.embedder.rendered_pool import RenderedPool, render_pool
from export.train.embedder.teacher import Teacher
from export.train.embedder.training import Mixture, Recipe, Source, Training

FOLDS = 3
SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}
LEAST_SIDE = 200


def rendered(given: argparse.Namespace) -> None:
    """Render the products that the other stages learn from."""
    render_pool(given.out, SIZE, _backgrounds(given.pictures), given.chunks, given.seed)
    print(f"{given.out}: {given.chunks} chunks")


def lessons(given: argparse.Namespace) -> None:
    """Let the teacher look at pictures from life and at rendered products.

    Of an album only products of the fold's other folds are shown, and none of the categories `--apart`: what is
    measured later stays unknown to the teacher's pupil.
    """
    groups = _groups(given.pictures)
    if given.album:
        album = read_album(given.album)
        shown = ~album.within(_apart(given)) & (album.folds(FOLDS, _apart(given)) != given.fold)
        pictures = [p.path for p in (*album.packshots, *album.photos) if shown[p.product]]
        groups.append((given.album_weight, [read_image(path) for path in pictures]))
    if not groups:
        raise InputError("lessons need pictures from life: give --pictures DIR=WEIGHT or --album CSV")
    teacher = Teacher(given.teacher, given.maps)
    prepare(given.out, teacher, cuts_from(groups, teacher.size), SIZE, given.chunks, given.seed)
    print(f"{given.out}: {given.chunks} chunks")


def distil(given: argparse.Namespace) -> None:
    """Learn from rendered products and from the teacher; no album is seen."""
    source = _rendered(given, [] if given.rendered else _backgrounds(given.pictures))
    recipe = Recipe(steps=given.steps, products=28, lessons=40, small_until=0.75, light=0.12, seed=given.seed)
    _train(Training(recipe, source, _checkpoint(given.out), lessons=Lessons(given.lessons)), given)


def finetune(given: argparse.Namespace) -> None:
    """Learn from real products and rendered ones together; the fold's products and all photos kept aside stay out."""
    album, backgrounds = read_album(given.album), _backgrounds(given.pictures)
    refuse_duplicates(album)
    learnt = album.folds(FOLDS, _apart(given)) != given.fold
    apart = album.within(_apart(given))
    real = RealProducts(_products(album, learnt & apart), _products(album, learnt & ~apart), backgrounds, SIZE)
    recipe = Recipe(
        given.steps, 32, learning_rate=8e-4, warm_up=40, averaging=0.995, small_until=0, light=0.12, to_packshot=2.0,
        seed=given.seed,
    )  # fmt: skip
    _train(Training(recipe, Mixture([(20, _rendered(given, backgrounds)), (12, real)]), _checkpoint(given.out)), given)


def judge(given: argparse.Namespace) -> None:
    """Measure an embedder on an album, the fold's products as unseen."""
    album = read_album(given.album)
    unseen = album.folds(FOLDS, _apart(given)) == given.fold
    shares = judge_embedder(embed_with(given.model), album, unseen, _apart(given))
    for name, share in shares.items():
        bounds = "" if share.ci95 is None else f" ({share.ci95[0]:.3f} to {share.ci95[1]:.3f})"
        print(f"{name:14} R@1 {share.recall_at_1:.3f}{bounds}  R@5 {share.recall_at_5:.3f}  {share.photos} photos")
    if given.json:
        write_json({name: share.document() for name, share in shares.items()}, given.json)


def _train(training: Training, given: argparse.Namespace) -> None:
    if not training.resume():
        training.begin_from(given.begin_from)
    steps = training.recipe.steps
    training.run(lambda now, at: print(f"step {now.step} of {steps}: loss {at['loss']:.3f}", file=sys.stderr), every=20)
    worst = write_onnx(training.result, given.out)
    print(f"{given.out}: written; PyTorch and ONNX differ by at most {worst:.1e}")


def _rendered(given: argparse.Namespace, backgrounds: Sequence[Pictures]) -> Source:
    return (
        RenderedPool(given.rendered) if given.rendered else RenderedFamilies(SIZE, given.pool, backgrounds=backgrounds)
    )


def _checkpoint(out: Path) -> Path:
    return out.with_suffix(".checkpoint")


def _apart(given: argparse.Namespace) -> list[str]:
    return [name for name in given.apart.split(",") if name]


def _products(album: Album, chosen: np.ndarray) -> list[RealProduct]:
    """Read the chosen products that have a packshot and a photo to learn from."""
    found = []
    for product in np.flatnonzero(chosen):
        shots = [read_image(p.path) for p in album.packshots if p.product == product]
        photos = [read_image(p.path) for p in album.photos if p.product == product and p.trains]
        if photos:
            found.append(RealProduct(shots[0], photos))
    return found


def _groups(options: Sequence[str]) -> list[tuple[float, list[Pictures]]]:
    """Read folders given as DIR=WEIGHT, or as DIR with the weight 1."""
    groups = []
    for option in options:
        folder, _, weight = option.partition("=")
        paths = sorted(path for path in Path(folder).rglob("*") if path.suffix.lower() in SUFFIXES)
        if not paths:
            raise InputError(f"{folder}: holds no pictures")
        groups.append((float(weight or 1), [read_image(path) for path in paths]))
    return groups


def _backgrounds(options: Sequence[str]) -> list[Pictures]:
    """Read pictures to stand behind products, those of a folder as often as its weight says."""
    pictures = [image for weight, group in _groups(options) for image in group * max(1, round(weight))]
    return [image for image in pictures if min(image.shape[:2]) >= LEAST_SIDE]
