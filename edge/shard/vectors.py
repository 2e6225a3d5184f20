"""What stands for one view: its key and its int8 vector."""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt

Int8s = npt.NDArray[np.int8]
LARGEST = 127


def view_key(product_id: str, picture_sha256: bytes) -> int:
    """Return the key of a view: a picture that changes, or moves to another product, gets another key.

    Args:
        product_id: the operator's own id.
        picture_sha256: the 32 bytes of the picture file's SHA-256.

    Returns:
        The first 8 bytes, big-endian, of SHA-256(product_id in UTF-8, a zero byte, picture_sha256).
    """
    digest = hashlib.sha256(product_id.encode() + b"\0" + picture_sha256).digest()
    return int.from_bytes(digest[:8], "big")


def quantize(embeddings: npt.NDArray[np.floating]) -> Int8s:
    """Quantize each row of (n, ndim) to int8 by its own largest component.

    A component becomes ``round(v / max|v| * 127)``, half to even, in float64 so that every machine and language
    gets the same integers from the same floats. Cosine ignores the scale, so none is stored. A row of zeros stays
    zero. (usearch's own cast to i8 uses one scale for all rows and costs recall: see docs/search.md.)

    Raises:
        ValueError: a component is not finite.
    """
    values = np.asarray(embeddings, np.float64)
    if not np.isfinite(values).all():
        raise ValueError("an embedding must be finite to be quantized")
    largest = np.abs(values).max(axis=1, keepdims=True, initial=0.0)
    unit = np.divide(values, largest, out=np.zeros_like(values), where=largest > 0)
    return np.asarray(np.rint(unit * LARGEST), np.int8)


def inverse_lengths(vectors: Int8s, rows_at_once: int = 8192) -> npt.NDArray[np.float64]:
    """Return float64 (n,): 1 / length of each int8 vector, 0 for a vector of zeros."""
    inverse = np.zeros(len(vectors))
    for start in range(0, len(vectors), rows_at_once):
        block = vectors[start : start + rows_at_once].astype(np.int32)
        length = np.sqrt(np.einsum("ij,ij->i", block, block, dtype=np.int64).astype(np.float64))
        np.divide(1.0, length, out=inverse[start : start + rows_at_once], where=length > 0)
    return inverse


def best_cosine(views: Int8s, vector: Int8s) -> float:
    """Return the greatest cosine of int8 (n, ndim) to int8 (ndim,), -1 where n is 0: what `edge.gallery` computes."""
    if not len(views):
        return -1.0
    dots = views.astype(np.int64) @ vector.astype(np.int64)
    return float((dots * inverse_lengths(views)).max() * inverse_lengths(vector[None])[0])
