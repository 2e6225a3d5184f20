"""Deltas for the browser to apply, and what Python makes of each: the identity of the result, or a refusal."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from edge.errors import ArtefactRefused
from edge.shard import ProductRecord, Shard
from edge.shard.columns import Column, Columns
from edge.shard.content import canonical_columns
from edge.shard.delta import apply_delta, difference, identity
from edge.shard.description import ShardDescription, column_names
from edge.shard.travel import Packed, packed, unpacked
from tests.small_shards import SPACE

NDIM = 4
WORDS = ("", "oat", "Crème brûlée", "日本", "é", "z\u0000z", "12.90")


@dataclass(frozen=True)
class Case:
    """A file for a base.

    Attributes:
        base: where it starts.
        file: the zstd frame.
        is_broken: whether its bytes were altered, so that one version of zstd may refuse what another opens.
    """

    base: Shard
    file: Packed
    is_broken: bool = False

    def document(self) -> dict[str, Any]:
        """Return plain JSON values, with what Python says."""
        columns = {name: base64.b64encode(self.base.columns[name].tobytes()).decode() for name in column_names()}
        data = base64.b64encode(self.file.data).decode()
        about = {"unpacked_bytes": self.file.unpacked_bytes, "is_broken": self.is_broken, "leads_to": self.leads_to()}
        return {"base": columns, "data": data, **about}

    def leads_to(self) -> str | None:
        """Return the identity of what Python makes of it; None: it is refused."""
        try:
            delta = unpacked(self.file.data, self.file.unpacked_bytes, "case")
            return identity(SPACE, apply_delta(self.base.columns, delta))
        except ArtefactRefused:
            return None


def write_cases(path: Path, seed: int = 0) -> None:
    """Write honest deltas, parts, altered columns and altered bytes."""
    rng = np.random.default_rng(seed)
    cases = []
    for size in (0, 1, 5, 40):
        a, b = invented(rng, size), invented(rng, size + 3)
        honest = difference(a, b)
        cases.append(Case(a, packed(honest, 3)))
        cases += [Case(a, packed(replace(honest, columns=altered(rng, honest.columns)), 3)) for _ in range(60)]
        cases += [Case(a, broken(rng, packed(honest, 3)), True) for _ in range(15)]
    documents = [case.document() for case in cases]
    assert 4 <= sum(one["leads_to"] is not None for one in documents) < len(documents) / 2
    path.write_text(json.dumps({"space_id": SPACE, "ndim": NDIM, "cases": documents}))


def invented(rng: np.random.Generator, products: int) -> Shard:
    """Return a shard of some of the products p0, p1, ..., in memory."""
    numbers = sorted(rng.choice(products + 2, products, replace=False).tolist())
    records = [
        ProductRecord(
            f"p{number}", str(rng.choice(WORDS)), price=str(rng.choice(WORDS)), in_stock=(True, False, None)[number % 3]
        )
        for number in numbers
    ]
    views = [int(rng.integers(1, 4)) for _ in numbers]
    keys = [number * 10 + view for number, count in zip(numbers, views, strict=True) for view in range(count)]
    product = np.repeat(np.arange(len(numbers)), views)
    vectors = rng.integers(-2, 3, (len(keys), NDIM)).astype(np.int8)
    columns = canonical_columns(records, np.array(keys, np.uint64), vectors.reshape(-1, NDIM), product)
    described = tuple(Column.describe(name, columns[name]) for name in column_names())
    return Shard(
        Path("nowhere"), ShardDescription("small", 1, SPACE, NDIM, len(keys), len(records), described), columns
    )


def altered(rng: np.random.Generator, columns: Columns) -> dict[str, Any]:
    """Return a delta's columns of which one has another value, or ends too early."""
    name = str(rng.choice([name for name in columns if columns[name].size]))
    column = columns[name].copy()
    bounds = np.iinfo(column.dtype)
    low, high = (int(bounds.min), int(bounds.max)) if rng.random() < 0.3 else (0, 6)
    column.flat[rng.integers(column.size)] = rng.integers(low, high, dtype=column.dtype)
    if rng.random() < 0.3:
        column = column[: rng.integers(len(column) + 1)]
    return {**columns, name: column}


def broken(rng: np.random.Generator, file: Packed) -> Packed:
    """Return a file in which one byte is another."""
    data = bytearray(file.data)
    data[rng.integers(len(data))] ^= int(rng.integers(1, 256))
    return Packed(bytes(data), file.unpacked_bytes)
