/** What a photo is about: its main object, and what is only a part of another; see `edge/prominence.py`. */
import type { Size } from "../media/picture.ts";
import { area, type Boxes, iou, shareInside } from "./geometry.ts";

const MIDDLE_SHARE = 0.7;
const SIZE_EXPONENT = 0.25;
const OFF_MIDDLE = 0.15;
const AIMED_AT_IOU = 0.3;
const PART_SHARE = 0.8;

/** Return the rows of the boxes with the main object first; equal ones keep their order. */
export function byProminence(boxes: Boxes, confidence: Float32Array, resolution_wh: Size): number[] {
  const prominence = confidence.map((share, i) => share * standing(boxes, i, resolution_wh));
  return [...prominence.keys()].sort((a, b) => prominence[b]! - prominence[a]! || a - b);
}

function standing(boxes: Boxes, i: number, resolution_wh: Size): number {
  const off = [0, 1].map((side) => {
    const centre = Math.fround(Math.fround(boxes[i * 4 + side]! + boxes[i * 4 + 2 + side]!) / 2);
    return centre / resolution_wh[side]! - 0.5;
  });
  const nearness = Math.exp(-(off[0]! * off[0]! + off[1]! * off[1]!) / (2 * OFF_MIDDLE ** 2));
  return (area(boxes, i) / (resolution_wh[0] * resolution_wh[1])) ** SIZE_EXPONENT * nearness;
}

/** Return the box of this share of each side in the middle of a picture. */
export function middleBox([width, height]: Size, share = MIDDLE_SHARE): Boxes {
  const [low, high] = [(1 - share) / 2, (1 + share) / 2];
  return Float32Array.of(low * width, low * height, high * width, high * height);
}

/** Return whether the first box and the middle of the picture are much the same place. */
export function isAimedAt(boxes: Boxes, resolution_wh: Size): boolean {
  return iou(boxes, 0, middleBox(resolution_wh), 0) >= Math.fround(AIMED_AT_IOU);
}

/**
 * Tell which answers are only about a part of another object: n truths.
 *
 * `product` tells products apart; `similarity` is how like that product each is. An answer is a part where its box lies
 * within that of another product which is more similar.
 */
export function parts(boxes: Boxes, product: readonly number[], similarity: readonly number[]): boolean[] {
  return product.map((mine, i) =>
    product.some(
      (other, j) =>
        other !== mine && similarity[i]! < similarity[j]! && shareInside(boxes, i, boxes, j) >= Math.fround(PART_SHARE),
    ),
  );
}
