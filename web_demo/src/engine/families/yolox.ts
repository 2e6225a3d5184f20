/**
 * YOLOX: one row for each cell, `grid` (1, N, 5 + c): centre offset, log size, objectness, classes.
 *
 * Source: Ge et al. 2021, arXiv 2107.08430.
 */
import { aroundCentre, candidates, cellCount, cellOf, type Decode, requireShape, WrongShape } from "./family.ts";

export const yolox: Decode = (outputs, decoding, input_wh) => {
  const cells = cellCount(input_wh, decoding.strides);
  const { data, dims } = requireShape("grid", outputs["grid"], [1, cells, null]);
  const columns = dims[2]!;
  if (columns < 6) throw new WrongShape(`grid must have 5 columns and one for each class, has ${columns}`);
  const at = (row: number, column: number) => data[row * columns + column]!;
  const score = (row: number, column: number) => Math.fround(at(row, 4) * at(row, 5 + column));
  return candidates(cells, columns - 5, decoding.score_threshold, score, (row) => {
    const { x, y, stride } = cellOf(row, input_wh, decoding.strides);
    const size = (column: number) => Math.exp(Math.min(at(row, column), 20)) * stride;
    return aroundCentre((at(row, 0) + x) * stride, (at(row, 1) + y) * stride, size(2), size(3));
  });
};
