"""`Shard`: a checked catalogue shard, mapped read-only into memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edge.bundle_description import Matching, SecondLookPart
from edge.shard.calibration import CALIBRATION, Calibration, Way, read_calibration
from edge.shard.columns import Array, map_column
from edge.shard.content import STOCK_CODES, STOCK_VALUES, require_canonical
from edge.shard.description import DESCRIPTION, TEXT_FIELDS, ShardDescription, read_description
from edge.shard.keypoints import KEYPOINT_PACK
from edge.shard.pack import Pack, open_pack
from edge.shard.record import ProductRecord
from edge.shard.strings import Strings
from edge.shard.thumbnails import THUMBNAILS, open_thumbnails
from edge.shard.vectors import Int8s


@dataclass(frozen=True, repr=False)
class Shard:
    """A catalogue shard that has been checked.

    Attributes:
        root: its folder.
        description: what its shard.json says.
        columns: read-only arrays by name, see docs/formats/shard.md.
    """

    root: Path
    description: ShardDescription
    columns: Mapping[str, Array] = field(compare=False)

    @property
    def catalog(self) -> str:
        """Name of the catalogue."""
        return self.description.catalog

    @property
    def version(self) -> int:
        """Version of the catalogue, from 1."""
        return self.description.version

    @property
    def space_id(self) -> str:
        """Name of the embedding space of its vectors."""
        return self.description.space_id

    @property
    def ndim(self) -> int:
        """Length of a vector."""
        return self.description.ndim

    @property
    def views(self) -> int:
        """Number of views."""
        return self.description.views

    @property
    def products(self) -> int:
        """Number of products."""
        return self.description.products

    @cached_property
    def sha256(self) -> str:
        """Identity in hex: the same products, keys and vectors have the same on every machine."""
        return self.description.sha256

    @property
    def keys(self) -> npt.NDArray[np.uint64]:
        """Keys of the views, uint64 (views,)."""
        return self.columns["keys"]

    @property
    def vectors(self) -> Int8s:
        """Vectors of the views, int8 (views, ndim)."""
        return self.columns["vectors"]

    @property
    def view_offsets(self) -> npt.NDArray[np.uint32]:
        """First view of each product, uint32 (products + 1,); the last one is the number of views."""
        return self.columns["view_offsets"]

    def __len__(self) -> int:
        return self.products

    def __repr__(self) -> str:
        return f"Shard({self.catalog!r}, version={self.version}, products={self.products}, views={self.views})"

    def texts(self, name: str) -> Strings:
        """Return one of the text columns, such as "title"."""
        return Strings(self.columns[name], self.columns[f"{name}_offsets"])

    def record(self, row: int) -> ProductRecord:
        """Return what the catalogue says of the product in a row, 0..products - 1."""
        if not 0 <= row < self.products:
            raise IndexError(f"product row {row} of {self.products}")
        texts = {name: self.texts(name)[row] for name in TEXT_FIELDS}
        return ProductRecord(**texts, in_stock=STOCK_VALUES[int(self.columns["in_stock"][row])])

    def find(self, product_id: str) -> int | None:
        """Return the row of a product, or None if the shard does not have it."""
        return self.texts("product_id").find_sorted(product_id)

    def views_of(self, row: int) -> slice:
        """Return the rows of a product's views."""
        return slice(int(self.view_offsets[row]), int(self.view_offsets[row + 1]))

    def selected(
        self, category: str | None = None, region: str | None = None, in_stock: bool | None = None
    ) -> npt.NDArray[np.bool_]:
        """Return bool (products,): which products have exactly these values; None leaves a field open."""
        mask = np.ones(self.products, np.bool_)
        for name, wanted in (("category", category), ("region", region)):
            if wanted is not None:
                mask &= self.texts(name).equal_to(wanted)
        if in_stock is not None:
            mask &= self.columns["in_stock"] == STOCK_CODES[in_stock]
        return mask

    @cached_property
    def thumbnails(self) -> Pack | None:
        """The thumbnail pack beside the columns, opened when first asked for; None where there is none.

        Raises:
            ArtefactRefused: there is a pack, and it is not what it says it is.
        """
        return open_thumbnails(self.root / THUMBNAILS) if (self.root / THUMBNAILS).is_dir() else None

    @cached_property
    def keypoints(self) -> Pack | None:
        """The keypoint pack beside the columns, likewise.

        Raises:
            ArtefactRefused: there is a pack, and it is not what it says it is.
        """
        root = self.root / KEYPOINT_PACK.folder
        return open_pack(root, KEYPOINT_PACK) if root.is_dir() else None

    @cached_property
    def calibration(self) -> Calibration | None:
        """The calibration beside the columns; None where there is none, or where it is for another shard or space.

        Raises:
            ArtefactRefused: there is one, and it is malformed.
        """
        found = read_calibration(self.root)
        return found if found and (found.shard, found.space_id) == (self.sha256, self.space_id) else None

    def calibrated(self, second_look: SecondLookPart | None) -> Way | None:
        """Return what was calibrated for a rule of the second look (None: for the embedder alone), or None."""
        return self.calibration.way(second_look) if self.calibration else None

    def matching(self, default: Matching, second_look: SecondLookPart | None) -> Matching:
        """Return the thresholds for this catalogue: those that it was calibrated to, else the bundle's."""
        way = self.calibrated(second_look)
        return way.matching if way else default

    def calibration_note(self, second_look: SecondLookPart | None) -> str | None:
        """Return, as a sentence, why there is a calibration and it is not used; None where there is nothing to say."""
        if not (self.root / CALIBRATION).exists() or self.calibrated(second_look):
            return None
        if self.calibration is None:
            why = "it was made for another shard: run `export calibrate` on this one"
        else:
            why = f"it was not made {'with' if second_look else 'without'} the second look that is taken"
        return f"{self.root / CALIBRATION} is not used, the bundle's thresholds are: {why}"

    def thumbnail(self, row: int) -> bytes | None:
        """Return the picture of a product as the bytes of a WebP file, or None where there is none."""
        if self.thumbnails is None:
            return None
        found = (self.thumbnails.get(int(key)) for key in self.keys[self.views_of(row)])
        return next((picture for picture in found if picture is not None), None)


def open_shard(root: Path) -> Shard:
    """Check a shard whole and map it.

    Every file's length, header and SHA-256 is checked before its values are used, then the order of the values.

    Raises:
        ArtefactRefused: shard.json is missing or malformed, its schema is newer, or a column is missing or altered.
    """
    description = read_description(root)
    columns = {column.name: map_column(root, column) for column in description.columns}
    require_canonical(columns, str(root / DESCRIPTION))
    return Shard(root, description, columns)
