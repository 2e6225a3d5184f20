/**
 * FCOS-like heads, the family of the kit's own detector: every cell predicts its distances to the four sides.
 *
 * `scores` (1, N, c) 0..1 and `distances` (1, N, 4) left, top, right, bottom in units of the cell's stride, from its
 * centre. Source: Tian et al. 2019, arXiv 1904.01355.
 */
import { candidates, cellCount, cellOf, type Decode, requireShape } from "./family.ts";

export const fcos: Decode = (outputs, decoding, input_wh) => {
  const cells = cellCount(input_wh, decoding.strides);
  const scores = requireShape("scores", outputs["scores"], [1, cells, null]);
  const distances = requireShape("distances", outputs["distances"], [1, cells, 4]).data;
  const classes = scores.dims[2]!;
  const score = (row: number, column: number) => scores.data[row * classes + column]!;
  return candidates(cells, classes, decoding.score_threshold, score, (row) => {
    const { x, y, stride } = cellOf(row, input_wh, decoding.strides);
    const side = (i: number) => distances[row * 4 + i]! * stride;
    const [centre_x, centre_y] = [(x + 0.5) * stride, (y + 0.5) * stride];
    return [centre_x - side(0), centre_y - side(1), centre_x + side(2), centre_y + side(3)];
  });
};
