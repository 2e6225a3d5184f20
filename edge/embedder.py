"""Crops in, unit vectors out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt

from edge.detections import Float32s
from edge.errors import ModelError
from edge.inference import Session
from edge.pixel_values import PixelValues
from edge.preprocessing import ImageArray, Preprocessing


@dataclass(frozen=True)
class Projection:
    """Centring, whitening and reduction fitted on unlabelled pictures: ``x @ matrix + bias``.

    Attributes:
        matrix: float32 (raw, ndim).
        bias: float32 (ndim,).
    """

    matrix: Float32s
    bias: Float32s


@dataclass(frozen=True)
class Embedder:
    """An embedder that is ready to run.

    Attributes:
        session: the loaded model.
        preprocessing: how a crop becomes its input.
        output: name of the output that holds the vector.
        ndim: length of the embedding.
        projection: applied after the model, where the bundle has one.
        pooling: "mean" averages a feature map over its rows and columns (its layout is that of the input), or a list of
            tokens over the tokens.
    """

    session: Session
    preprocessing: Preprocessing
    output: str
    ndim: int
    projection: Projection | None = None
    pooling: Literal["none", "mean"] = "none"

    def embed(self, crops: Sequence[ImageArray]) -> Float32s:
        """Embed crops.

        Args:
            crops: n pictures, each (h, w, 3) uint8 RGB with h and w at least 1.

        Returns:
            float32 (n, ndim), each row of length 1.

        Raises:
            ModelError: the model failed, or gave a vector that is not numbers or is all zero.
        """
        if not crops:
            return np.zeros((0, self.ndim), np.float32)
        raw = self.raw(crops)
        expected = self.ndim if self.projection is None else len(self.projection.matrix)
        if raw.shape[1] != expected:
            raise ModelError(f"the embedder gave vectors of {raw.shape[1]} numbers, expected {expected}")
        if self.projection is not None:
            raw = raw @ self.projection.matrix + self.projection.bias
        return l2_normalize(raw)

    def raw(self, crops: Sequence[ImageArray]) -> Float32s:
        """Return the model's own vectors of at least one crop: float32 (n, raw), of any length."""
        return np.concatenate([self._vector(crop) for crop in crops])

    @cached_property
    def _values(self) -> PixelValues:
        return self.preprocessing.pixel_values(self.session.inputs[0])

    def _vector(self, crop: ImageArray) -> Float32s:
        tensor, _ = self.preprocessing.feed(crop, self._values)
        output = self.session.run({self.session.inputs[0].name: tensor})[self.output]
        if self.pooling == "mean" and output.ndim == 3:
            output = output.mean(axis=1)
        elif self.pooling == "mean" and output.ndim == 4:
            output = output.mean(axis=(2, 3) if self.preprocessing.layout == "NCHW" else (1, 2))
        return output.reshape(1, -1)


def l2_normalize(vectors: npt.NDArray[np.floating]) -> Float32s:
    """Scale each row of (n, d) to length 1.

    Raises:
        ModelError: a row is not finite or has length 0, which no similarity can be computed with.
    """
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not (np.isfinite(length).all() and (length > 0).all()):
        raise ModelError("the embedder gave a vector that is not finite or is all zero: check its preprocessing")
    return np.asarray(vectors / length, np.float32)
