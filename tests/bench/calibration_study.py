"""The figures of docs/calibrate.md: `export calibrate` on some photos, its promise measured on others, again and again.

A third of the cartons of grocery_store in turn is left out of the catalogue of all 61 products. Every second photo of
the other cartons is calibrated with, each also as if the catalogue lacked its product; the rest, and all photos of the
third that was left out, are asked afterwards. So no photo, and no product that is left out, is on both sides. Then the
whole catalogue with half of the photos of clothing as nothing, and the other half asked afterwards.

    python -m tests.bench.calibration_study measure BUNDLE OUT.json [REPEATS]
    python -m tests.bench.calibration_study measure-products BUNDLE OUT.json [REPEATS]
    python -m tests.bench.calibration_study table OUT.json...
    python -m tests.bench.calibration_study plot PLOT.png NAME=OUT.json...
"""

from __future__ import annotations

import csv
import json
import random
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from edge.bundle import Bundle, load_bundle
from edge.bundle_description import SecondLookPart
from edge.keypoints import Agreement, Keypoints, share_out
from edge.matches import Matches
from edge.pipeline import Kit, find_objects
from edge.second_look import with_evidence
from edge.shard import Shard, open_shard
from edge.sift import CROP_KEYPOINTS, CROP_SIDE, find_keypoints
from edge.stopwatch import Stopwatch
from edge.tags import Candidate
from export.calibration.calibrating import ALWAYS
from export.calibration.choosing import GRID, Promise, choose
from export.calibration.trials import Trials, false_tags, right_tags
from export.evaluation.photos import open_photo
from export.evaluation.retrieval import AMONG, NOTHING, Answers, possible_tags
from tests.conftest import shared_folder

GROCERY, CLOTHING = shared_folder() / "data/grocery_store", shared_folder() / "data/clothing"
CARTONS = {"Juice", "Milk", "Oat-Milk", "Sour-Cream", "Sour-Milk", "Soyghurt", "Soy-Milk", "Yoghurt"}
PROMISE = Promise(0.05, 0.95)
WAYS = ("second look", "second look at leads below 0.15", "embedder alone")
REMEMBERED = 24
CASES = {"hard": "a third of the cartons left out", "easy": "clothing"}
Row = dict[str, Any]


def photos_of(cartons_only: bool) -> list[Row]:
    """Return the rows of all photos, or of those of cartons."""
    with (GROCERY / "manifest.csv").open() as file:
        photos = [row for row in csv.DictReader(file) if row["role"] == "query"]
    return [row for row in photos if row["category"] in CARTONS or not cartons_only]


def whole_catalogue(bundle: Bundle, folder: Path) -> Shard:
    """Build the catalogue of all products, with keypoints."""
    with (GROCERY / "manifest.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["role"] == "catalog"]
    lines = ["product_id,title,image", *(f"{row['product_id']},{row['product_id']},{row['path']}" for row in rows)]
    (folder / "items.csv").write_text("\n".join(lines) + "\n")
    words = [
        folder / "items.csv",
        "--images",
        GROCERY,
        "--bundle",
        bundle.root,
        "--second-look",
        "--out",
        folder / "all",
    ]
    subprocess.run([sys.executable, "-m", "export", "catalog", *map(str, words)], check=True, capture_output=True)
    return open_shard(folder / "all")


@dataclass(frozen=True)
class Seen:
    """One object of a photo, asked about the whole catalogue once.

    Attributes:
        similarity: float32 (products,).
        keypoints: of its crop.
        agreements: with the views of the products that are nearest, by row; the rest is never looked at.
    """

    similarity: np.ndarray
    keypoints: Keypoints
    agreements: dict[int, Agreement]


@dataclass(frozen=True)
class Photo:
    """A photo: the row of the product that it shows, its split, whether that is a carton, its objects."""

    product: int
    split: str
    carton: bool
    xyxy: np.ndarray
    objects: list[Seen]


def remembered(kit: Kit, path: Path, product: int, split: str, carton: bool = True) -> Photo:
    """Ask about a photo once, so that any catalogue that lacks some products can answer from it."""
    shard = kit.gallery.shards[0]
    assert kit.second_look is not None
    found = find_objects(kit, open_photo(path).image, Stopwatch(), still=True)
    nearest = kit.gallery.search(found.embeddings, shard.products)
    objects = []
    for row, crop in enumerate(found.looked_at):
        similarity = np.zeros(shard.products, np.float32)
        similarity[nearest.product[row]] = nearest.similarity[row]
        seen = find_keypoints(crop, CROP_SIDE, CROP_KEYPOINTS)
        names = [(int(p), shard.record(int(p)).product_id) for p in nearest.product[row, :REMEMBERED]]
        agreements = {p: kit.second_look._best_view(seen, Candidate(0, name, "", 0.0)) for p, name in names}
        objects.append(Seen(similarity, seen, agreements))
    return Photo(product, split, carton, found.detections.xyxy, objects)


def answered(kit: Kit, photos: list[Photo], rule: SecondLookPart | None, gone: set[int], leave_out: bool) -> Answers:
    """Return what a catalogue without some products says, or without those and the one that a photo shows."""
    expected, photo, xyxy = [], [], [np.zeros((0, 4), np.float32)]
    product, similarity = [np.zeros((0, AMONG), np.int32)], [np.zeros((0, AMONG), np.float32)]
    for number, one in enumerate(photos):
        lacks = gone | ({one.product} if leave_out else set())
        expected.append(NOTHING if one.product in lacks else one.product)
        for seen in one.objects:
            rows, values = ranked(seen, rule, lacks)
            product.append(np.array([rows[:AMONG]], np.int32))
            similarity.append(np.array([values[:AMONG]], np.float32))
        photo += [number] * len(one.objects)
        xyxy.append(one.xyxy)
    rows = np.concatenate(product)
    matches = Matches(np.zeros_like(rows), rows, np.concatenate(similarity))
    return Answers(np.array(expected, np.int32), np.array(photo, np.int32), np.concatenate(xyxy), matches)


def ranked(seen: Seen, rule: SecondLookPart | None, lacks: set[int]) -> tuple[list[int], list[float]]:
    """Rank the products as `edge.second_look` does; rows and similarities, best first."""
    values = seen.similarity.astype(np.float64)
    values[list(lacks)] = -2
    rows = np.argsort(-values, kind="stable")[: rule.products if rule else AMONG].tolist()
    found = [float(values[row]) for row in rows]
    if rule is None or found[0] - found[1] >= rule.margin_threshold:
        return rows, found
    nothing = Agreement.nothing()
    shares = share_out(seen.keypoints, [seen.agreements.get(row, nothing) for row in rows])
    raised = [with_evidence(value, n, rule.weight) for value, n in zip(found, shares, strict=True)]
    order = sorted(range(len(rows)), key=lambda place: -raised[place])
    return [rows[place] for place in order], [raised[place] for place in order]


def trials_of(kit: Kit, photos: list[Photo], rule: SecondLookPart | None, gone: set[int], hard: bool) -> list[Trials]:
    """Return the trials to calibrate with: photos without their product in the hard case, clothing in the other."""
    given = answered(kit, photos, rule, gone, leave_out=False)
    shows = given.expected != NOTHING
    if not hard:
        return [false_tags("nothing", given, ~shows), false_tags("shows", given, shows)]
    without = answered(kit, photos, rule, gone, leave_out=True)
    return [false_tags("left_out", without, np.ones(len(without), np.bool_)), false_tags("shows", given, shows)]


def outcome(kit: Kit, sides: tuple[list[Photo], list[Photo]], rule: SecondLookPart | None, gone: set[int]) -> Row:
    """Choose thresholds on one side and count on the other; say what each photo would get at which similarity."""
    first, other = sides
    trials = trials_of(kit, first, rule, gone, hard=bool(gone))
    chosen = choose(trials, right_tags(answered(kit, first, rule, gone, False)), PROMISE, kit.bundle.matching)
    answers = answered(kit, other, rule, gone, leave_out=False)
    tags, shows = possible_tags(answers), answers.expected != NOTHING
    right = tags.product == answers.expected[tags.photo]
    given = tags.given(chosen.matching)
    kept_out = np.array([photo.split == "val" for photo in other])
    have = {"possible": right, "kept": right & given, "false": given & ~right}
    photos = {name: np.isin(np.arange(len(other)), tags.photo[some]) for name, some in have.items()}
    best = np.full(len(shows), -1.0)
    meant = (right | ~shows[tags.photo]) & (tags.margin >= kit.bundle.matching.margin_threshold)
    np.maximum.at(best, tags.photo[meant], tags.similarity[meant])
    return {
        "similarity": chosen.matching.similarity_threshold,
        "margin": chosen.matching.margin_threshold,
        "nothing": int((~shows).sum()),
        "false": int((photos["false"] & ~shows).sum()),
        "shows": int(shows.sum()),
        "wrong": int((photos["false"] & shows).sum()),
        "possible": int((photos["possible"] & shows).sum()),
        "kept": int((photos["kept"] & shows).sum()),
        "val": [int((some & shows & kept_out).sum()) for some in (shows, photos["possible"], photos["kept"])],
        "curve_shows": best[shows].round(4).tolist(),
        "curve_nothing": best[~shows].round(4).tolist(),
    }


def hard_sides(photos: list[Photo], repeat: int, third: int) -> tuple[tuple[list[Photo], list[Photo]], set[int]]:
    """Return the photos to calibrate with and to ask afterwards, and the third of the products that is left out."""
    lots = random.Random(repeat)
    products = sorted({photo.product for photo in photos})
    lots.shuffle(products)
    gone = set(products[third::3])
    sides: tuple[list[Photo], list[Photo]] = ([], [])
    turn = dict.fromkeys(products, 0)
    for photo in lots.sample(photos, len(photos)):
        turn[photo.product] += 1
        sides[photo.product in gone or turn[photo.product] % 2 == 0].append(photo)
    return sides, gone


def easy_sides(cartons: list[Photo], clothes: list[Photo], repeat: int) -> tuple[list[Photo], list[Photo]]:
    """Return halves of both."""
    lots = random.Random(repeat)
    mixed = [lots.sample(photos, len(photos)) for photos in (cartons, clothes)]
    first = [photo for photos in mixed for photo in photos[::2]]
    return first, [photo for photos in mixed for photo in photos[1::2]]


def measure(bundle_folder: Path, out: Path, repeats: int) -> None:
    """Measure both cases by every way and write one row for each calibration."""
    bundle = load_bundle(bundle_folder)
    with tempfile.TemporaryDirectory() as scratch:
        kit = Kit.open(bundle, [whole_catalogue(bundle, Path(scratch))])
        shard = kit.gallery.shards[0]
        rows = tqdm(photos_of(cartons_only=True), "cartons")
        cartons = [remembered(kit, GROCERY / r["path"], shard.find(r["product_id"]) or 0, r["split"]) for r in rows]
        clothes = [remembered(kit, path, NOTHING, "") for path in tqdm(sorted(CLOTHING.rglob("*.jpg")), "clothing")]
    assert bundle.second_look is not None
    rules = (replace(bundle.second_look, margin_threshold=ALWAYS), bundle.second_look, None)
    measured = []
    for way, rule in zip(WAYS, rules, strict=True):
        for repeat in tqdm(range(3 * repeats), way):
            sides, gone = hard_sides(cartons, repeat // 3, repeat % 3)
            measured.append({"case": "hard", "way": way, **outcome(kit, sides, rule, gone)})
            sides = easy_sides(cartons, clothes, repeat)
            measured.append({"case": "easy", "way": way, **outcome(kit, sides, rule, set())})
    out.write_text(json.dumps(measured))


def measure_products(bundle_folder: Path, out: Path, repeats: int) -> None:
    """Leave a third of all products out in turn, and promise at most 10 % by photo and by product."""
    bundle = load_bundle(bundle_folder)
    with tempfile.TemporaryDirectory() as scratch:
        kit = Kit.open(bundle, [whole_catalogue(bundle, Path(scratch))])
        shard = kit.gallery.shards[0]
        rows = tqdm(photos_of(cartons_only=False), "photos")
        photos = [
            remembered(kit, GROCERY / r["path"], shard.find(r["product_id"]) or 0, r["split"], r["category"] in CARTONS)
            for r in rows
        ]
    lines = [
        "| way | promise of 10 % about | false tags | over 10 % | right tags kept, cartons |",
        "|---|---|---|---|---|",
    ]
    assert bundle.second_look is not None
    for way, rule in ((WAYS[0], replace(bundle.second_look, margin_threshold=ALWAYS)), (WAYS[2], None)):
        for by in ("photos", "products"):
            pairs = [_new_products(kit, photos, rule, by == "products", n // 3, n % 3) for n in range(3 * repeats)]
            rates, kept = zip(*pairs, strict=True)
            over = f"{sum(rate > 0.1 for rate in rates)} of {len(rates)}"
            cells = [way, by, f"{np.mean(rates):.1%} (most {max(rates):.1%})", over, f"{np.mean(kept):.0%}"]
            lines.append(f"| {' | '.join(cells)} |")
    out.write_text("\n".join(lines) + "\n")


def _new_products(
    kit: Kit, photos: list[Photo], rule: SecondLookPart | None, by_product: bool, repeat: int, third: int
) -> tuple[float, float]:
    """Calibrate on photos asked without their product.

    Returns:
        The mean over products that are left out of their photos' false tags; of the possible right tags of other
        cartons, the share that is kept.
    """
    (first, other), gone = hard_sides(photos, repeat, third)
    without = answered(kit, first, rule, gone, leave_out=True)
    shown = np.array([photo.product for photo in first], np.int64)
    trials = false_tags("left_out", without, np.ones(len(without), np.bool_), shown if by_product else None)
    matching = choose([trials], None, Promise(0.1, 0.95), kit.bundle.matching).matching
    answers = answered(kit, other, rule, gone, leave_out=False)
    tags = possible_tags(answers)
    given = tags.given(matching)
    tagged = np.isin(np.arange(len(other)), tags.photo[given])
    carton = np.array([photo.carton for photo in other])
    right = (tags.product == answers.expected[tags.photo]) & carton[tags.photo]
    rates = [tagged[[photo.product == product for photo in other]].mean() for product in gone]
    return float(np.mean(rates)), float((right & given).sum() / right.sum())


def table(files: list[Path]) -> str:
    """Return the table: sums over the calibrations of a case, with the spread over them."""
    lines = ["| bundle | case | way | thresholds | false tags | over 5 % | wrong tags | right tags kept | of `val` |"]
    lines.append("|---|---|---|---|---|---|---|---|---|")
    for file in files:
        rows = json.loads(file.read_text())
        for case in CASES:
            lines += [_line(file.stem, case, way, rows) for way in WAYS]
    return "\n".join(lines)


def _line(name: str, case: str, way: str, rows: list[Row]) -> str:
    some = [row for row in rows if (row["case"], row["way"]) == (case, way)]
    total = {key: sum(row[key] for row in some) for key in ("nothing", "false", "shows", "wrong", "possible", "kept")}
    rates = [row["false"] / row["nothing"] for row in some]
    val = np.sum([row["val"] for row in some], axis=0)
    shares = [row["kept"] / row["possible"] for row in some]
    similarity, margin = (np.median([row[key] for row in some]) for key in ("similarity", "margin"))
    cells = [
        *(name, CASES[case], way, f"{similarity:.3f}, {margin:.3f}"),
        f"{total['false'] / total['nothing']:.1%} (median {np.median(rates):.1%}, most {max(rates):.1%})",
        f"{sum(rate > PROMISE.max_false_tags for rate in rates)} of {len(rates)}",
        f"{total['wrong'] / total['shows']:.1%}",
        f"{total['kept'] / total['possible']:.0%} ({min(shares):.0%} to {max(shares):.0%})",
        f"{val[2] / max(val[1], 1):.0%} of {val[1] // len(some)} photos",
    ]
    return f"| {' | '.join(cells)} |"


def plot(out: Path, named: dict[str, Path]) -> None:
    """Draw false tags against right tags kept, all calibrations of a case together, and the points that were chosen."""
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(1, 2, figsize=(11, 4.6), sharey=True, layout="constrained")
    colours = iter(("#1b6ca8", "#d1495b", "#3c8d53", "#8a6fb3"))
    for name, file in named.items():
        rows, colour = json.loads(file.read_text()), next(colours)
        for panel, case in zip(panels, CASES, strict=True):
            for way, style in ((WAYS[0], "-"), (WAYS[2], "--")):
                some = [row for row in rows if (row["case"], row["way"]) == (case, way)]
                _curve(panel, some, colour, style, f"{name}, {way}")
    for panel, title in zip(panels, CASES.values(), strict=True):
        panel.axhline(100 * PROMISE.max_false_tags, color="#555555", linewidth=0.8, linestyle=":")
        panel.text(1, 100 * PROMISE.max_false_tags + 0.4, "promised", fontsize=8, color="#555555")
        panel.set(title=f"nothing: {title}", xlabel="photos of a product with the right tag (%)", xlim=(0, 100))
        panel.set(ylim=(0, 40))
        panel.grid(alpha=0.25)
    panels[0].set_ylabel("photos of nothing with a tag (%)")
    panels[1].legend(loc="upper center", fontsize=8, title="marks: one calibration each", title_fontsize=8)
    figure.savefig(out, dpi=110)


def _curve(panel: Any, rows: list[Row], colour: str, style: str, label: str) -> None:
    shows, nothing = (np.sort(np.concatenate([row[f"curve_{key}"] for row in rows])) for key in ("shows", "nothing"))
    kept, false = (100 * (1 - np.searchsorted(some, GRID) / len(some)) for some in (shows, nothing))
    panel.plot(kept, false, style, color=colour, linewidth=1.4, label=label)
    x = [100 * row["kept"] / row["shows"] for row in rows]
    y = [100 * row["false"] / row["nothing"] for row in rows]
    panel.plot(x, y, "o" if style == "-" else "x", color=colour, markersize=4, alpha=0.6)


def main(words: list[str]) -> None:
    """Do what the first word says."""
    what, *rest = words
    if what == "measure":
        measure(Path(rest[0]), Path(rest[1]), int(rest[2]) if len(rest) > 2 else 3)
    elif what == "measure-products":
        measure_products(Path(rest[0]), Path(rest[1]), int(rest[2]) if len(rest) > 2 else 3)
    elif what == "table":
        print(table([Path(word) for word in rest]))
    else:
        plot(Path(rest[0]), {name: Path(file) for name, _, file in (word.partition("=") for word in rest[1:])})


if __name__ == "__main__":
    main(sys.argv[1:])
