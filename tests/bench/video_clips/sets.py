"""The sets of clips: one to develop with, one that nothing is ever tuned on, with other products and other seeds.

A folder of a set holds `ITEMS.csv` and `images/` (the catalogue), `clips/NAME.mp4` and `clips/NAME.json` (the truth).

>>> made = write_set(SETS["dev"], Path("dev"))
"""

from __future__ import annotations

import csv
import json
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from tests.bench.video_clips.bodies import Pose, cutout
from tests.bench.video_clips.designs import Product, assortment, sister
from tests.bench.video_clips.film import write_film
from tests.bench.video_clips.scenes import SCENES, Stock, filmed
from tests.bench.video_clips.script import Script

VIEWS = (Pose(0.0, 0.08), Pose(0.5, 0.15), Pose(-0.5, 0.15))
PICTURE = 320


@dataclass(frozen=True)
class ClipSet:
    """A set of clips.

    Attributes:
        name: of the set.
        seed: of its products; clips count their seeds from 100 times this.
        rounds: how often every scene is drawn.
        singles: products that stand alone.
        pairs: pairs of look-alikes.
    """

    name: str
    seed: int
    rounds: int
    singles: int = 24
    pairs: int = 8

    def stock(self) -> Stock:
        """Return the products of the catalogue and those that it does not list."""
        listed = assortment(self.seed, self.singles, self.pairs)
        others = assortment(self.seed + 5000, 5, 0, "u")
        sisters = tuple(sister(product, f"s{n:02}", self.seed + n) for n, product in enumerate(listed[2:14:4]))
        return Stock(listed, (*others, *sisters))

    def scripts(self) -> list[Script]:
        """Return what happens in each clip."""
        stock = self.stock()
        return [
            filmed(scene(stock, 100 * self.seed + 20 * turn + number))
            for turn in range(self.rounds)
            for number, scene in enumerate(SCENES.values())
        ]


SETS = {one.name: one for one in (ClipSet("dev", 1, 1), ClipSet("eval", 2, 2), ClipSet("eval2", 3, 2))}


def write_set(chosen: ClipSet, folder: Path, processes: int = 1, only: tuple[str, ...] = ("",)) -> Path:
    """Write catalogue, clips and truth into a folder, and return it; clips that are there are left as they are.

    Args:
        chosen: the set.
        folder: made where it is missing.
        processes: how many render at the same time.
        only: clips whose name starts with one of these.
    """
    (folder / "images").mkdir(parents=True, exist_ok=True)
    (folder / "clips").mkdir(exist_ok=True)
    write_catalogue(chosen.stock().listed, folder)
    wanted = [one for one in chosen.scripts() if one.name.startswith(only)]
    missing = [one for one in wanted if not (folder / "clips" / f"{one.name}.json").exists()]
    with ProcessPoolExecutor(processes) as pool:
        for name in pool.map(_write_clip, missing, [folder / "clips"] * len(missing)):
            print(f"rendered {name}", file=sys.stderr)
    return folder


def _write_clip(script: Script, folder: Path) -> str:
    truth = write_film(script, folder / f"{script.name}.mp4")
    (folder / f"{script.name}.json").write_text(json.dumps(truth.document()))
    return script.name


def write_catalogue(products: tuple[Product, ...], folder: Path) -> None:
    """Write ITEMS.csv and three pictures of each product."""
    with (folder / "ITEMS.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("product_id", "title", "image"))
        for product in products:
            for number, pose in enumerate(VIEWS):
                name = f"{product.product_id}-{number}.png"
                Image.fromarray(picture(product, pose)).save(folder / "images" / name)
                writer.writerow((product.product_id, product.title, name))


def picture(product: Product, pose: Pose) -> np.ndarray:
    """Return the catalogue's picture of a product: (320, 320, 3) uint8 RGB on a pale ground."""
    page = Image.new("RGB", (PICTURE, PICTURE), (246, 245, 243))
    shown = Image.fromarray(cutout(product.design, pose, 2 * PICTURE // 3))
    shown = shown.crop(shown.getbbox())
    shown.thumbnail((PICTURE - 24, PICTURE - 24))
    page.paste(shown, ((PICTURE - shown.width) // 2, (PICTURE - shown.height) // 2), shown)
    return np.asarray(page)
