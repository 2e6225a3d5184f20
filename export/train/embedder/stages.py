"""The stages of `python -m export.train.embedder`: read what was given, train or measure, say what came out."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from edge.bundle import load_bundle
from edge.command_line import write_json
from edge.defaults import choose_bundle
from edge.errors import InputError
from export.train.detector.samples import read_image
from export.train.embedder.albums import Album, read_album, refuse_duplicates
from export.train.embedder.chunks import Draw, Pool, write_chunks
from export.train.embedder.cuts import cuts_from
from export.train.embedder.judging import embed_with
from export.train.embedder.judging import judge as judge_embedder
from export.train.embedder.onnx_file import write_onnx
from export.train.embedder.pools import CutChunks, Cuts, Families, RealChunks, RealViews, RenderedChunks
from export.train.embedder.real import RealProduct
from export.train.embedder.rendered import Pictures
from export.train.embedder.school import School
from export.train.embedder.shipping import Catalogues
from export.train.embedder.shipping import ship as write_bundle
from export.train.embedder.teacher import Teacher
from export.train.embedder.training import Mixture, Recipe, Training, averaged_weights, weights_between
from export.train.embedder.varying import PACKSHOT, PHOTO
from export.train.loop import training_device

FOLDS = 3
SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}
LEAST_SIDE = 200
KEPT_SIZE, CUT_SIZE = 176, 224
SHARES = (20, 12)
EVERY, READ_EVERY = 100, 10


def rendered(given: argparse.Namespace) -> None:
    """Render products to learn from."""
    _write(given, RenderedChunks(KEPT_SIZE, _backgrounds(given.pictures)))


def cuts(given: argparse.Namespace) -> None:
    """Cut pictures from life, for the teacher to look at.

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
        raise InputError("cuts need pictures from life: give --pictures DIR=WEIGHT or --album CSV")
    _write(given, CutChunks(cuts_from(groups, CUT_SIZE)))


def real(given: argparse.Namespace) -> None:
    """Draw packshot, photo and scene of an album's products, of photos that train only."""
    album = read_album(given.album)
    refuse_duplicates(album)
    _write(given, RealChunks(_products(album), _backgrounds(given.pictures), KEPT_SIZE))


def learn(given: argparse.Namespace) -> None:
    """Learn from rendered products and from the teacher; no album is seen."""
    device = training_device()
    recipe = Recipe(
        given.steps, given.products, given.lessons, learning_rate=given.learning_rate, warm_up=300, averaging=0.999,
        small_until=given.small_until, photo=PHOTO, packshot=PACKSHOT, seed=given.seed,
    )  # fmt: skip
    families = Families(Pool(given.rendered, device, given.pool))
    _train(Training(recipe, families, _checkpoint(given.out), school=_school(given, device)), given, [families.pool])


def finetune(given: argparse.Namespace) -> None:
    """Learn from real products and rendered ones together; the fold's products and all photos kept aside stay out."""
    album, device = read_album(given.album), training_device()
    learnt = (album.folds(FOLDS, _apart(given)) != given.fold) & _trainable(album)
    apart = album.within(_apart(given))
    own = Pool(given.real, device, given.pool)
    source = RealViews(own, np.flatnonzero(learnt & apart), np.flatnonzero(learnt & ~apart))
    families = Families(Pool(given.rendered, device, given.pool))
    recipe = Recipe(
        given.steps, given.products, given.lessons, learning_rate=given.learning_rate, warm_up=40, averaging=0.995,
        photo=PHOTO, packshot=PACKSHOT, to_packshot=2.0, seed=given.seed,
    )  # fmt: skip
    training = Training(
        recipe, Mixture(list(zip(SHARES, (families, source), strict=True))), _checkpoint(given.out),
        school=_school(given, device),
    )  # fmt: skip
    _train(training, given, [], given.share)


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


def ship(given: argparse.Namespace) -> None:
    """Write a bundle with the embedder, stored small, and thresholds that fit it."""
    catalogues = Catalogues.of(Pool(given.rendered, torch.device("cpu"), given.pool), seed=given.seed)
    bundle = write_bundle(given.model, catalogues, load_bundle(choose_bundle(given.bundle)), given.out)
    limits = bundle.matching
    print(f"{given.out}: similarity {limits.similarity_threshold:.2f}, margin {limits.margin_threshold:.2f}")


def _write(given: argparse.Namespace, draw: Draw) -> None:
    write_chunks(given.out, draw, given.chunks, given.seed, given.workers)
    print(f"{given.out}: {given.chunks} chunks")


def _train(training: Training, given: argparse.Namespace, growing: Sequence[Pool], share: float = 1.0) -> None:
    if not training.resume() and given.begin_from:
        training.begin_from(given.begin_from)

    def report(now: Training, losses: dict[str, float]) -> None:
        if now.step % EVERY == 0:
            print(f"step {now.step} of {now.steps}: loss {losses['loss']:.3f}", file=sys.stderr)
        for pool in growing:
            pool.read_along()

    training.run(report, every=READ_EVERY)
    if share < 1:
        training.result.load_state_dict(weights_between(averaged_weights(given.begin_from), training.result, share))
    worst = write_onnx(training.result, given.out)
    print(f"{given.out}: written; PyTorch and ONNX differ by at most {worst:.1e}")


def _school(given: argparse.Namespace, device: torch.device) -> School | None:
    if not given.lessons:
        return None
    if given.teacher is None or given.cuts is None:
        raise InputError("lessons need --teacher and --cuts: give both, or --lessons 0")
    return School(Cuts(Pool(given.cuts, device, given.pool)), Teacher(given.teacher, given.maps, device))


def _trainable(album: Album) -> np.ndarray:
    return np.isin(np.arange(len(album)), [photo.product for photo in album.photos if photo.trains])


def _checkpoint(out: Path) -> Path:
    return out.with_suffix(".checkpoint")


def _apart(given: argparse.Namespace) -> list[str]:
    return [name for name in given.apart.split(",") if name]


def _products(album: Album) -> dict[int, RealProduct]:
    """Read the products that have a photo to learn from, by their rows."""
    found = {}
    for product in np.flatnonzero(_trainable(album)):
        shots = [read_image(p.path) for p in album.packshots if p.product == product]
        photos = [read_image(p.path) for p in album.photos if p.product == product and p.trains]
        found[int(product)] = RealProduct(shots[0], photos)
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
