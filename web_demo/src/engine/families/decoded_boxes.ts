/**
 * Boxes already decoded by the model: `boxes` (1, N, 4), `scores` (1, N, c) or (1, N).
 *
 * Options: `box_format` "xyxy" (default), "yxyx" or "cxcywh"; `normalized` (default true); `background` (index of the
 * class that means nothing; -1: none). Source: github.com/Linzaer/Ultra-Light-Fast-Generic-Face-Detector-1MB.
 */
import { aroundCentre, candidates, type Decode, requireShape } from "./family.ts";

export const decodedBoxes: Decode = (outputs, decoding, input_wh) => {
  const boxes = requireShape("boxes", outputs["boxes"], [1, null, 4]);
  const rows = boxes.dims[1]!;
  const given = outputs["scores"];
  const dims = given?.dims.length === 2 ? [...given.dims, 1] : (given?.dims ?? []);
  const scores = requireShape("scores", given && { data: given.data, dims }, [1, rows, null]);
  const columns = scores.dims[2]!;
  const background = decoding.options["background"] ?? -1;
  const score = (row: number, column: number) => (column === background ? -1 : scores.data[row * columns + column]!);
  const scale = decoding.options["normalized"] === false ? ([1, 1] as const) : input_wh;
  return candidates(rows, columns, decoding.score_threshold, score, (row) => {
    const [a, b, c, d] = boxes.data.subarray(row * 4, row * 4 + 4) as unknown as [number, number, number, number];
    const [x0, y0, x1, y1] = corners(decoding.options["box_format"], a, b, c, d);
    return [x0 * scale[0], y0 * scale[1], x1 * scale[0], y1 * scale[1]];
  });
};

function corners(format: unknown, a: number, b: number, c: number, d: number): [number, number, number, number] {
  if (format === "yxyx") return [b, a, d, c];
  return format === "cxcywh" ? aroundCentre(a, b, c, d) : [a, b, c, d];
}
