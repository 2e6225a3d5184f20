/** What is known of one detection in one look: its box and the numbers that association and quality need. */
import type { Box } from "../../contract.ts";
import type { Picture, Region, Size } from "../../media/picture.ts";
import { covered } from "../resizing.ts";

export const SIDE = 64;
export const PATCH = 8;
export const BORDER_SHARE = 0.005;
export const CUT_FACTOR = 0.25;
export const FULL_SIDE = 160;
const GREEN = 1;

/** How light the 8 x 8 places of a crop are, 0..255, row by row. */
export type Patch = Float64Array;

/** One detection; `xyxy` in pixels of the source as it is shown, `patch` null where it was not measured. */
export interface Seen {
  readonly xyxy: Box;
  readonly confidence: number;
  /** Mean step between neighbouring pixels, 0..255. */
  readonly sharpness: number;
  readonly patch: Patch | null;
}

/** Return sharpness and patch of a crop, from 64 x 64 means of its green values. */
export function measure(picture: Picture, region: Region): { sharpness: number; patch: Patch } {
  const grey = covered(picture, region, GREEN, [SIDE, SIDE]);
  const [patch, step] = [new Float64Array(PATCH * PATCH), SIDE / PATCH];
  let [across, down] = [0, 0];
  for (let y = 0; y < SIDE; y++) {
    for (let x = 0; x < SIDE; x++) {
      const here = grey[y * SIDE + x]!;
      if (x + 1 < SIDE) across += Math.abs(grey[y * SIDE + x + 1]! - here);
      if (y + 1 < SIDE) down += Math.abs(grey[(y + 1) * SIDE + x]! - here);
      const place = Math.floor(y / step) * PATCH + Math.floor(x / step);
      patch[place] = patch[place]! + here / (step * step);
    }
  }
  return { sharpness: (across + down) / (SIDE * (SIDE - 1)) / 2, patch };
}

/** Return the correlation of two patches, -1..1; 1 where one is missing or has no contrast. */
export function likeness(a: Patch | null, b: Patch | null): number {
  if (a === null || b === null) return 1;
  const [mean_a, mean_b] = [meanOf(a), meanOf(b)];
  let [product, length_a, length_b] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    const [p, q] = [a[i]! - mean_a, b[i]! - mean_b];
    product += p * q;
    length_a += p * p;
    length_b += q * q;
  }
  const length = Math.sqrt(length_a * length_b);
  return length > 0 ? product / length : 1;
}

function meanOf(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Return whether the border of the picture may hide a part of the object. */
export function isCut([x0, y0, x1, y1]: Box, [width, height]: Size): boolean {
  const [near_x, near_y] = [BORDER_SHARE * width, BORDER_SHARE * height];
  return x0 < near_x || y0 < near_y || x1 > width - near_x || y1 > height - near_y;
}

/** Return how well an object is seen; only values of one track are compared. */
export function qualityOf({ xyxy, confidence, sharpness }: Seen, resolution_wh: Size): number {
  const size = Math.min(1, Math.min(xyxy[2] - xyxy[0], xyxy[3] - xyxy[1]) / FULL_SIDE);
  return confidence * size * sharpness * (isCut(xyxy, resolution_wh) ? CUT_FACTOR : 1);
}
