"""`Detections`: what a detector found in one picture, as columns.

Rows are objects; n = 0 is an ordinary value. Boxes are pixels of the picture that was given to the detector.

    >>> Detections.empty()
    Detections(n=0)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Float32s = npt.NDArray[np.float32]
Int32s = npt.NDArray[np.int32]
Index = npt.NDArray[np.bool_] | npt.NDArray[np.intp]


def require_shape(name: str, array: npt.NDArray[np.generic], expected: tuple[int | None, ...]) -> None:
    """Raise `ValueError` with expected and actual shape unless they agree (None stands for any length)."""
    agrees = array.ndim == len(expected) and all(
        want is None or want == have for want, have in zip(expected, array.shape, strict=True)
    )
    if not agrees:
        wanted = tuple("n" if want is None else want for want in expected)
        raise ValueError(f"{name} must have shape {wanted}, has {array.shape}")


@dataclass(frozen=True, repr=False)
class Detections:
    """Objects found in one picture.

    Attributes:
        xyxy: float32 (n, 4), left, top, right, bottom in pixels of the picture.
        confidence: float32 (n,), 0..1.
        class_id: int32 (n,), index into the detector's labels (0 where there is one class).
    """

    xyxy: Float32s
    confidence: Float32s
    class_id: Int32s

    def __post_init__(self) -> None:
        require_shape("xyxy", self.xyxy, (None, 4))
        n = len(self.xyxy)
        require_shape("confidence", self.confidence, (n,))
        require_shape("class_id", self.class_id, (n,))

    @classmethod
    def empty(cls) -> Detections:
        """Return zero detections."""
        return cls(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int32))

    @classmethod
    def of(
        cls,
        xyxy: npt.ArrayLike,
        confidence: npt.ArrayLike,
        class_id: npt.ArrayLike | None = None,
    ) -> Detections:
        """Build detections from anything array-like, casting to the column dtypes; class 0 by default."""
        boxes = np.asarray(xyxy, np.float32).reshape(-1, 4)
        classes = np.zeros(len(boxes)) if class_id is None else class_id
        return cls(boxes, np.asarray(confidence, np.float32), np.asarray(classes, np.int32))

    def __len__(self) -> int:
        return len(self.xyxy)

    def __repr__(self) -> str:
        return f"Detections(n={len(self)})"

    def __getitem__(self, rows: Index) -> Detections:
        return Detections(self.xyxy[rows], self.confidence[rows], self.class_id[rows])

    def with_xyxy(self, xyxy: Float32s) -> Detections:
        """Return the same objects with other boxes."""
        return Detections(xyxy.astype(np.float32, copy=False), self.confidence, self.class_id)
