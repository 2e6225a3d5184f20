/**
 * YOLOv8 and its kin: `predictions` (1, 4 + c, N) or (1, N, 4 + c), centre, size and classes.
 *
 * The side that has one of each cell is N; without strides, the longer side is. Options `classes` (how many columns are),
 * `normalized`. Source: github.com/ultralytics/ultralytics (the layout of its exports).
 */
import { aroundCentre, candidates, cellCount, type Decode, pixelsPerUnit, requireShape } from "./family.ts";

export const yolov8: Decode = (outputs, decoding, input_wh) => {
  const { data, dims } = requireShape("predictions", outputs["predictions"], [1, null, null]);
  const [first, second] = [dims[1]!, dims[2]!];
  const cells = decoding.strides.length > 0 ? cellCount(input_wh, decoding.strides) : Math.max(first, second);
  const by_columns = second === cells && first !== cells;
  const [rows, columns] = by_columns ? [second, first] : [first, second];
  const at = (row: number, column: number) => data[by_columns ? column * rows + row : row * columns + column]!;
  const stated = decoding.options["classes"];
  const classes = typeof stated === "number" ? stated : columns - 4;
  const scale = pixelsPerUnit(boxValues(rows, at), decoding, input_wh);
  return candidates(rows, classes, decoding.score_threshold, (row, column) => at(row, 4 + column), (row) => {
    const [x, y, width, height] = [at(row, 0), at(row, 1), at(row, 2), at(row, 3)];
    return aroundCentre(x * scale[0], y * scale[1], width * scale[0], height * scale[1]);
  });
};

function* boxValues(rows: number, at: (row: number, column: number) => number): Iterable<number> {
  for (let row = 0; row < rows; row++) for (let column = 0; column < 4; column++) yield at(row, column);
}
