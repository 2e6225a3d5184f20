/**
 * Boxes as float32 rows of left, top, right, bottom, (n * 4); see `edge/geometry.py`. Computed in float32 where Python
 * does, so that a box at a threshold falls to the same side.
 */
import type { Size } from "../media/picture.ts";

export type Boxes = Float32Array;

/** Return the four numbers of one row. */
export function row(boxes: Boxes, i: number): [number, number, number, number] {
  return [boxes[i * 4]!, boxes[i * 4 + 1]!, boxes[i * 4 + 2]!, boxes[i * 4 + 3]!];
}

/** Return the rows of these numbers, in their order. */
export function rowsOf(boxes: Boxes, places: readonly number[]): Boxes {
  const found = new Float32Array(places.length * 4);
  places.forEach((place, i) => found.set(boxes.subarray(place * 4, place * 4 + 4), i * 4));
  return found;
}

/** Return boxes in pixels of another size of the picture. */
export function scaled(boxes: Boxes, scale: number): Boxes {
  const by = Math.fround(scale);
  return boxes.map((value) => value * by);
}

/** Cut boxes to 0 <= x <= width and 0 <= y <= height. */
export function clip(boxes: Boxes, resolution_wh: Size): Boxes {
  return boxes.map((value, i) => Math.min(Math.max(value, 0), resolution_wh[i % 2]!));
}

/** Return the area of one row in square pixels; a box whose corners are swapped has area 0. */
export function area(boxes: Boxes, i: number): number {
  const width = Math.fround(boxes[i * 4 + 2]! - boxes[i * 4]!);
  const height = Math.fround(boxes[i * 4 + 3]! - boxes[i * 4 + 1]!);
  return width > 0 && height > 0 ? Math.fround(width * height) : 0;
}

function overlap(a: Boxes, i: number, b: Boxes, j: number): number {
  const [ax, ay, bx, by] = [a[i * 4]!, a[i * 4 + 1]!, b[j * 4]!, b[j * 4 + 1]!];
  const width = Math.fround(Math.min(a[i * 4 + 2]!, b[j * 4 + 2]!) - Math.max(ax, bx));
  const height = Math.fround(Math.min(a[i * 4 + 3]!, b[j * 4 + 3]!) - Math.max(ay, by));
  return width > 0 && height > 0 ? Math.fround(width * height) : 0;
}

/** Return the intersection over union of row i of a and row j of b, 0..1; 0 without any area. */
export function iou(a: Boxes, i: number, b: Boxes, j: number): number {
  const shared = overlap(a, i, b, j);
  const union = Math.fround(Math.fround(area(a, i) + area(b, j)) - shared);
  return union > 0 ? Math.fround(shared / union) : 0;
}

/** Return the share of the area of row i of a that lies inside row j of b, 0..1; 0 without area. */
export function shareInside(a: Boxes, i: number, b: Boxes, j: number): number {
  const all = area(a, i);
  return all > 0 ? Math.fround(overlap(a, i, b, j) / all) : 0;
}

/**
 * Keep the most confident of every group of overlapping boxes (greedy, class-agnostic).
 *
 * Boxes that overlap a kept one by more than `iou_threshold` are dropped (1 keeps all). Returns the rows to keep, at most
 * `limit`, most confident first; ties keep the order in which the boxes came.
 */
export function nms(boxes: Boxes, confidence: Float32Array, iou_threshold: number, limit: number): number[] {
  const order = [...confidence.keys()].sort((a, b) => confidence[b]! - confidence[a]! || a - b);
  if (iou_threshold >= 1) return order.slice(0, limit);
  const most = Math.fround(iou_threshold);
  const kept: number[] = [];
  for (const i of order) {
    if (kept.length === limit) break;
    if (kept.every((j) => iou(boxes, j, boxes, i) <= most)) kept.push(i);
  }
  return kept;
}
