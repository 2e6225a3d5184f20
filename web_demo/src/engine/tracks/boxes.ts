/** Geometry of single boxes as plain numbers; see `edge/tracks/boxes.py`. */
import type { Box } from "../../contract.ts";

/** Seconds and box of each sighting, in order. */
export type Trail = readonly (readonly [number, Box])[];

/** Return the area in square pixels; 0 where the corners are swapped. */
export function area([x0, y0, x1, y1]: Box): number {
  return Math.max(x1 - x0, 0) * Math.max(y1 - y0, 0);
}

/** Return the area that two boxes share. */
export function shared(a: Box, b: Box): number {
  return area([Math.max(a[0], b[0]), Math.max(a[1], b[1]), Math.min(a[2], b[2]), Math.min(a[3], b[3])]);
}

/** Return intersection over union, 0..1; 0 without area. */
export function overlap(a: Box, b: Box): number {
  const both = shared(a, b);
  const union = area(a) + area(b) - both;
  return union > 0 ? both / union : 0;
}

/** Return the share of the area of a that lies in b, 0..1; 0 without area. */
export function shareInside(a: Box, b: Box): number {
  const all = area(a);
  return all > 0 ? shared(a, b) / all : 0;
}

/** Return the middle of a box. */
export function centre([x0, y0, x1, y1]: Box): readonly [number, number] {
  return [(x0 + x1) / 2, (y0 + y1) / 2];
}

/** Return a box moved by so many pixels. */
export function moved([x0, y0, x1, y1]: Box, [right, down]: readonly [number, number]): Box {
  return [x0 + right, y0 + down, x1 + right, y1 + down];
}

/** Return the box on the straight way from a (0) to b (1). */
export function between(a: Box, b: Box, share: number): Box {
  const at = (i: 0 | 1 | 2 | 3) => a[i] + share * (b[i] - a[i]);
  return [at(0), at(1), at(2), at(3)];
}

/** Return the box at a time: between two sightings on the straight way, before and after them the nearest one. */
export function boxAt(trail: Trail, timestamp_s: number): Box {
  let before = trail[0]!;
  for (const after of trail) {
    if (after[0] >= timestamp_s) {
      const span_s = after[0] - before[0];
      const share = span_s > 0 ? (timestamp_s - before[0]) / span_s : 1;
      return between(before[1], after[1], Math.max(0, share));
    }
    before = after;
  }
  return before[1];
}
