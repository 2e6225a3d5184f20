"""Strings as two columns: all texts in UTF-8 without a gap, and where each one begins.

String i is ``blob[offsets[i] : offsets[i + 1]]``; nothing is decoded before it is asked for, so a catalogue of any
length opens without a copy.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from edge.errors import ArtefactRefused

MAX_BLOB_BYTES = 2**32 - 1


@dataclass(frozen=True)
class Strings:
    """n strings.

    Attributes:
        blob: uint8 (bytes,), the UTF-8 of all strings, one after the other.
        offsets: uint32 (n + 1,), where each begins; the last one is the length of the blob.
    """

    blob: npt.NDArray[np.uint8]
    offsets: npt.NDArray[np.uint32]

    @classmethod
    def of(cls, texts: Sequence[str]) -> Strings:
        """Encode texts.

        Raises:
            ValueError: together they are longer than 4 GiB.
        """
        encoded = [text.encode() for text in texts]
        ends = np.cumsum([0, *map(len, encoded)], dtype=np.uint64)
        if ends[-1] > MAX_BLOB_BYTES:
            raise ValueError(f"strings of {int(ends[-1])} bytes do not fit one column ({MAX_BLOB_BYTES} bytes)")
        return cls(np.frombuffer(b"".join(encoded), np.uint8), ends.astype(np.uint32))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, row: int) -> str:
        return self.raw(row).decode()

    def __iter__(self) -> Iterator[str]:
        whole = self.blob.tobytes()
        return (whole[a:b].decode() for a, b in pairwise(self.offsets.tolist()))

    def raw(self, row: int) -> bytes:
        """Return the UTF-8 of one string."""
        return self.blob[self.offsets[row] : self.offsets[row + 1]].tobytes()

    def equal_to(self, text: str) -> npt.NDArray[np.bool_]:
        """Return bool (n,): which strings are exactly `text`; nothing is decoded."""
        wanted = np.frombuffer(text.encode(), np.uint8)
        starts = self.offsets[:-1].astype(np.int64)
        equal: npt.NDArray[np.bool_] = np.diff(self.offsets.astype(np.int64)) == len(wanted)
        rows = np.flatnonzero(equal)
        if len(rows) and len(wanted):
            equal[rows] = (self.blob[starts[rows, None] + np.arange(len(wanted))] == wanted).all(axis=1)
        return equal

    def find_sorted(self, text: str) -> int | None:
        """Return the row of a string by bisection; the strings must be sorted by their UTF-8."""
        wanted, low, high = text.encode(), 0, len(self)
        while low < high:
            middle = (low + high) // 2
            if self.raw(middle) < wanted:
                low = middle + 1
            else:
                high = middle
        return low if low < len(self) and self.raw(low) == wanted else None

    def is_strictly_sorted(self) -> bool:
        """Return whether the strings ascend by their UTF-8 without a repetition."""
        whole = self.blob.tobytes()
        raw = (whole[a:b] for a, b in pairwise(self.offsets.tolist()))
        return all(a < b for a, b in pairwise(raw))

    def require_valid(self, where: str) -> None:
        """Raise `ArtefactRefused` unless the offsets partition the blob and every string is UTF-8."""
        require_partition(self.offsets, len(self.blob), where)
        try:
            self.blob.tobytes().decode()
        except UnicodeDecodeError as e:
            raise ArtefactRefused(f"{where}: holds bytes that are not UTF-8") from e
        starts = self.offsets[self.offsets < len(self.blob)]
        if ((self.blob[starts] & 0xC0) == 0x80).any():
            raise ArtefactRefused(f"{where}: a string begins inside a character")


def require_partition(offsets: npt.NDArray[np.uint32], length: int, where: str, gapless: bool = False) -> None:
    """Raise `ArtefactRefused` unless offsets ascend from 0 to `length` (strictly, with `gapless`)."""
    ascends = (offsets[1:] > offsets[:-1]).all() if gapless else (offsets[1:] >= offsets[:-1]).all()
    if len(offsets) == 0 or offsets[0] != 0 or offsets[-1] != length or not ascends:
        raise ArtefactRefused(f"{where}: the offsets do not divide {length} values")
