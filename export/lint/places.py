"""Where things are: rows and keys of a shard, and the pictures of ITEMS.csv that they were made from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from edge.errors import MediaError
from edge.shard import Shard
from edge.shard.vectors import view_key
from export.catalog.build import picture_sha256
from export.catalog.items import Items, View
from export.lint.findings import Place

WatchViews = Callable[[Iterable[View], str, int], Iterable[View]]


@dataclass(frozen=True)
class Pictures:
    """The picture files of a catalogue.

    Attributes:
        folder: that they lie in.
        image: path inside the folder by key of the view.
        problems: a sentence for each row whose file is not there.
    """

    folder: Path
    image: Mapping[int, str]
    problems: tuple[str, ...] = ()

    def path(self, key: int) -> Path | None:
        """Return the file of a view, None where ITEMS.csv has none."""
        return self.folder / self.image[key] if key in self.image else None


def pictures_of(items: Items, table: Path, folder: Path, watch: WatchViews) -> Pictures:
    """Hash the pictures of ITEMS.csv and return them by the keys that their views have in a shard."""
    image: dict[int, str] = {}
    problems = []
    hashes: dict[str, bytes] = {}
    for view in watch(items.views, "hashing pictures", len(items.views)):
        try:
            if view.image not in hashes:
                hashes[view.image] = picture_sha256(folder / view.image)
        except MediaError as e:
            problems.append(f"{table}, line {view.line}: {e}")
            continue
        image.setdefault(view_key(view.product_id, hashes[view.image]), view.image)
    return Pictures(folder, image, tuple(problems))


@dataclass(frozen=True)
class Places:
    """Names what a finding is about.

    Attributes:
        shard: that is looked at.
        pictures: its files, where they are known.
    """

    shard: Shard
    pictures: Pictures | None = None

    def product(self, row: int) -> Place:
        """Return the product in a row."""
        return Place(self.shard.texts("product_id")[row], self.shard.texts("title")[row])

    def view(self, row: int, view: int) -> Place:
        """Return one view of the product in a row."""
        key = int(self.shard.keys[view])
        image = self.pictures.image.get(key, "") if self.pictures else ""
        return Place(self.shard.texts("product_id")[row], self.shard.texts("title")[row], key, image)
