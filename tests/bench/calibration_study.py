"""The figures of docs/calibrate.md: `export calibrate` on some photos, its promise measured on others, again and again.

A third of the cartons of grocery_store in turn is left out of the catalogue of all 61 products. Every second photo of
the other cartons is calibrated with, each also as if the catalogue lacked its product; the rest, and all photos of the
third that was left out, are asked afterwards. So no photo, and no product that is left out, is on both sides. Then the
whole catalogue with half of the photos of clothing as nothing, and the other half asked afterwards.

    python -m tests.bench.calibration_study measure BUNDLE OUT.json [REPEATS]
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
from pathlib import Path
from typing import Any

import numpy as np

from edge.bundle import Bundle, load_bundle
from edge.pipeline import Kit
from edge.shard import Shard, open_shard, write_shard
from edge.shard.delta import apply_delta, part_of
from export.calibration.calibrating import of_photos
from export.calibration.choosing import GRID, Promise, choose
from export.evaluation.photos import Answered, ask
from export.evaluation.queries import Query
from export.evaluation.retrieval import possible_tags
from server.packing import empty_columns
from tests.conftest import shared_folder

GROCERY, CLOTHING = shared_folder() / "data/grocery_store", shared_folder() / "data/clothing"
CARTONS = {"Juice", "Milk", "Oat-Milk", "Sour-Cream", "Sour-Milk", "Soyghurt", "Soy-Milk", "Yoghurt"}
PROMISE = Promise(0.05, 0.95)
WAYS = ("second look", "embedder alone")
CASES = {"hard": "a third of the cartons left out", "easy": "clothing"}
Row = dict[str, Any]


def photos_of_cartons() -> list[Row]:
    """Return the rows of all photos of cartons."""
    with (GROCERY / "manifest.csv").open() as file:
        return [row for row in csv.DictReader(file) if row["role"] == "query" and row["category"] in CARTONS]


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


def without(shard: Shard, products: set[str], out: Path) -> Shard:
    """Write a catalogue that lacks some products."""
    rows = np.array([row for row, name in enumerate(shard.texts("product_id")) if name not in products], np.int64)
    columns = apply_delta(empty_columns(shard.ndim), part_of(shard, rows))
    assert shard.keypoints is not None
    found = {int(key): shard.keypoints.get(int(key)) for key in columns["keys"]}
    keypoints = {key: entry for key, entry in found.items() if entry is not None}
    write_shard(out, shard.catalog, 1, shard.space_id, columns, keypoints=keypoints)
    return open_shard(out)


def asked(kit: Kit, queries: list[Query], leave_out: bool = False) -> Answered:
    """Ask about photos, every one of which must be usable."""
    answered = ask(kit, queries, GROCERY, "detector", leave_out)
    assert not answered.problems
    return answered


def outcome(calibrating: Answered, judging: Answered, kit: Kit, way: str) -> Row:
    """Choose thresholds on one set of photos and count on the other; say what each photo would get at which."""
    with_second_look = way == WAYS[0]
    chosen = choose(*of_photos(calibrating, with_second_look), PROMISE, kit.bundle.matching)
    answers = judging.answers if with_second_look else judging.embedder_alone
    tags, shows = possible_tags(answers), answers.expected >= 0
    right = tags.product == answers.expected[tags.photo]
    given = tags.given(chosen.matching)
    empty, wrong = given & ~shows[tags.photo], given & shows[tags.photo] & ~right
    kept_out = np.array([query.group == "val" for query in judging.queries])
    possible = shows & np.isin(np.arange(len(shows)), tags.photo[right])
    kept = shows & np.isin(np.arange(len(shows)), tags.photo[right & given])
    best = np.full(len(shows), -1.0)
    meant = np.where(shows[tags.photo], right, True) & (tags.margin >= kit.bundle.matching.margin_threshold)
    np.maximum.at(best, tags.photo[meant], tags.similarity[meant])
    return {
        "way": way,
        "similarity": chosen.matching.similarity_threshold,
        "margin": chosen.matching.margin_threshold,
        "nothing": int((~shows).sum()),
        "false": len(np.unique(tags.photo[empty])),
        "shows": int(shows.sum()),
        "wrong": len(np.unique(tags.photo[wrong])),
        "possible": int(possible.sum()),
        "kept": int(kept.sum()),
        "val": [int((some & kept_out).sum()) for some in (shows, possible, kept)],
        "curve_shows": best[shows].round(4).tolist(),
        "curve_nothing": best[~shows].round(4).tolist(),
    }


def hard_case(bundle: Bundle, whole: Shard, folder: Path, repeat: int, third: int) -> list[Row]:
    """Leave out one third of the cartons; see the head of this module."""
    lots = random.Random(repeat)
    rows = photos_of_cartons()
    products = sorted({row["product_id"] for row in rows})
    lots.shuffle(products)
    lots.shuffle(rows)
    gone = set(products[third::3])
    kit = Kit.open(bundle, [without(whole, gone, folder / f"{repeat}-{third}")])
    sides: tuple[list[Query], list[Query]] = ([], [])
    turn = dict.fromkeys(products, 0)
    for row in rows:
        name = row["product_id"]
        turn[name] += 1
        sides[name in gone or turn[name] % 2].append(Query(0, row["path"], "" if name in gone else name, row["split"]))
    calibrating, judging = asked(kit, sides[0], leave_out=True), asked(kit, sides[1])
    return [{"case": "hard", "repeat": repeat, **outcome(calibrating, judging, kit, way)} for way in WAYS]


def easy_cases(bundle: Bundle, whole: Shard, repeats: int) -> list[Row]:
    """Take clothing for nothing: half of it and of the cartons to calibrate with, half to ask afterwards."""
    kit = Kit.open(bundle, [whole])
    cartons = [Query(0, row["path"], row["product_id"], row["split"]) for row in photos_of_cartons()]
    clothes = [Query(0, str(path.resolve()), "", "") for path in sorted(CLOTHING.rglob("*.jpg"))]
    everything = asked(kit, [*cartons, *clothes])
    rows = []
    for repeat in range(repeats):
        lots = random.Random(repeat)
        first = set(lots.sample(range(len(cartons)), len(cartons) // 2))
        first |= {len(cartons) + n for n in lots.sample(range(len(clothes)), len(clothes) // 2)}
        inside = np.isin(np.arange(len(everything.queries)), sorted(first))
        halves = (chosen_photos(everything, inside), chosen_photos(everything, ~inside))
        rows += [{"case": "easy", "repeat": repeat, **outcome(*halves, kit, way)} for way in WAYS]
    return rows


def chosen_photos(answered: Answered, photos: np.ndarray) -> Answered:
    """Return what was said about some photos."""
    place = np.cumsum(photos) - 1

    def some(answers: Any) -> Any:
        crops = photos[answers.photo]
        matches = answers.matches
        kept = type(matches)(matches.shard[crops], matches.product[crops], matches.similarity[crops])
        photo = place[answers.photo[crops]].astype(np.int32)
        return type(answers)(answers.expected[photos], photo, answers.xyxy[crops], kept)

    queries = tuple(query for query, meant in zip(answered.queries, photos, strict=True) if meant)
    none = answered.left_out
    return Answered(queries, some(answered.answers), some(answered.embedder_alone), (), none, none)


def measure(bundle_folder: Path, out: Path, repeats: int) -> None:
    """Measure both cases and write one row for each calibration."""
    bundle = load_bundle(bundle_folder)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        whole = whole_catalogue(bundle, folder)
        rows = easy_cases(bundle, whole, 3 * repeats)
        for repeat in range(repeats):
            for third in range(3):
                rows += hard_case(bundle, whole, folder, repeat, third)
                print(f"repeat {repeat}, third {third}", file=sys.stderr, flush=True)
    out.write_text(json.dumps(rows))


def table(files: list[Path]) -> str:
    """Return the table: sums over the calibrations of a case, with the spread over them."""
    lines = ["| bundle | case | way | thresholds | false tags | over 5 % | wrong tags | right tags kept | of `val` |"]
    lines.append("|---|---|---|---|---|---|---|---|---|")
    for file in files:
        rows = json.loads(file.read_text())
        for case in CASES:
            lines += [_line(file.stem, case, way, rows) for way in WAYS if any(r["way"] == way for r in rows)]
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
            for way, style in zip(WAYS, ("-", "--"), strict=True):
                some = [row for row in rows if (row["case"], row["way"]) == (case, way)]
                _curve(panel, some, colour, style, f"{name}, {way}")
    for panel, title in zip(panels, CASES.values(), strict=True):
        panel.axhline(100 * PROMISE.max_false_tags, color="#555555", linewidth=0.8, linestyle=":")
        panel.set(title=f"nothing: {title}", xlabel="photos of a product with the right tag (%)", xlim=(0, 100))
        panel.set(ylim=(0, 40))
        panel.grid(alpha=0.25)
    panels[0].set_ylabel("photos of nothing with a tag (%)")
    panels[0].legend(loc="upper left", fontsize=8, frameon=False)
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
    elif what == "table":
        print(table([Path(word) for word in rest]))
    else:
        plot(Path(rest[0]), {name: Path(file) for name, _, file in (word.partition("=") for word in rest[1:])})


if __name__ == "__main__":
    main(sys.argv[1:])
