"""NanoDet-Plus: GFL heads of all levels in one output.

Output: `grid` (1, N, c + 4 * bins), class scores already 0..1, then the logits of the distances; options as in `gfl`,
and

    bins           bins of each side, 8 (default)

A cell's centre is its corner (`cell_offset` 0), as the authors trained it.

Source: github.com/RangiLyu/nanodet (v1.0, nanodet_plus_head).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from edge.decoders.family import Decoding, Family, Outputs, Recognised, cell_centres, image_input
from edge.decoders.gfl import PLUS_ASSUMED, decode_rows, nanodet_preprocessing
from edge.detections import Detections, require_shape
from edge.inference import TensorSpec

STRIDES = (8, 16, 32, 64)
BINS = 8


def decode(outputs: Outputs, decoding: Decoding, input_wh: tuple[int, int]) -> Detections:
    """Decode the grid; see `Family.decode`."""
    grid = outputs[decoding.outputs["grid"]]
    require_shape("grid", grid, (1, len(cell_centres(input_wh, decoding.strides)), None))
    classes = grid.shape[2] - 4 * decoding.option("bins", BINS, int)
    if classes < 1:
        raise ValueError(f"grid must have a column for each class and 4 for each bin, has {grid.shape[2]}")
    from_corner = replace(decoding, options={"cell_offset": 0.0, **decoding.options})
    return decode_rows(grid[0, :, :classes], grid[0, :, classes:], from_corner, input_wh)


def recognise(inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec]) -> Recognised | None:
    """Recognise one output with one row for each cell of four levels and more than 32 columns."""
    picture = image_input(inputs)
    if picture is None or len(outputs) != 1 or len(outputs[0].shape) != 3:
        return None
    (layout, size_wh), (_, rows, columns) = picture, outputs[0].shape
    if not columns or columns <= 4 * BINS or rows != len(cell_centres(size_wh, STRIDES)):
        return None
    decoding = Decoding("nanodet_plus", {"grid": outputs[0].name}, STRIDES)
    return Recognised(decoding, nanodet_preprocessing(size_wh, layout, "stretch"), PLUS_ASSUMED)


FAMILY = Family(
    "nanodet_plus",
    "github.com/RangiLyu/nanodet, v1.0",
    ("grid",),
    decode,
    recognise,
    options=("activation", "cell_offset", "bins"),
)
