/** What a detector family is, and what its decoders share; see `edge/decoders/family.py`. */
import type { Size } from "../../media/picture.ts";
import type { Boxes } from "../geometry.ts";

/** One output of a model; values in C order. */
export interface Output {
  readonly data: Float32Array;
  readonly dims: readonly number[];
}

/** How the outputs of one model are read, from `bundle.json`. */
export interface Decoding {
  readonly family: string;
  /** Role -> name of the model's output. */
  readonly outputs: Readonly<Record<string, string>>;
  readonly strides: readonly number[];
  readonly options: Readonly<Record<string, unknown>>;
  readonly score_threshold: number;
  readonly iou_threshold: number;
  readonly max_detections: number;
}

/** Objects of one picture: (n * 4) corners in pixels, and n confidences 0..1. */
export interface Detections {
  readonly xyxy: Boxes;
  readonly confidence: Float32Array;
}

/** Outputs by role -> candidates in pixels of the input, all at or above the score threshold, not yet suppressed. */
export type Decode = (outputs: Readonly<Record<string, Output>>, decoding: Decoding, input_wh: Size) => Detections;

/** A model's outputs are not of the shape that its family says. */
export class WrongShape extends Error {}

/** Check a shape; null stands for any length. */
export function requireShape(name: string, output: Output | undefined, expected: readonly (number | null)[]): Output {
  const agrees =
    output?.dims.length === expected.length && expected.every((want, i) => want === null || want === output.dims[i]);
  if (output === undefined || !agrees) {
    const wanted = expected.map((want) => want ?? "n").join(", ");
    throw new WrongShape(`${name} must have shape (${wanted}), has (${output?.dims.join(", ") ?? "nothing"})`);
  }
  return output;
}

/** Return how many rows all levels have: ceil(height / stride) * ceil(width / stride) each. */
export function cellCount([width, height]: Size, strides: readonly number[]): number {
  return strides.reduce((sum, stride) => sum + Math.ceil(width / stride) * Math.ceil(height / stride), 0);
}

/** Where a row of the outputs lies: column and row of its cell, from 0, and the pixels that a cell covers. */
export interface Cell {
  readonly x: number;
  readonly y: number;
  readonly stride: number;
}

/** Return the cell of one row: level by level, row-major. */
export function cellOf(place: number, [width, height]: Size, strides: readonly number[]): Cell {
  let rest = place;
  for (const stride of strides) {
    const columns = Math.ceil(width / stride);
    const cells = columns * Math.ceil(height / stride);
    if (rest < cells) return { x: rest % columns, y: Math.floor(rest / columns), stride };
    rest -= cells;
  }
  throw new WrongShape(`row ${place} lies in no level of the strides ${strides.join(", ")}`);
}

/**
 * Keep the rows whose best score is high enough.
 *
 * `score(row, column)` is asked for `rows` x `columns`; `box(row)` gives left, top, right, bottom of a row that is kept.
 */
export function candidates(
  rows: number,
  columns: number,
  threshold: number,
  score: (row: number, column: number) => number,
  box: (row: number) => readonly [number, number, number, number],
): Detections {
  const least = Math.fround(threshold);
  const corners: number[] = [];
  const confidence: number[] = [];
  for (let row = 0; row < rows; row++) {
    let best = score(row, 0);
    for (let column = 1; column < columns; column++) best = Math.max(best, score(row, column));
    if (best >= least) {
      corners.push(...box(row));
      confidence.push(best);
    }
  }
  return { xyxy: Float32Array.from(corners), confidence: Float32Array.from(confidence) };
}

/** Return corners of a centre, a width and a height. */
export function aroundCentre(x: number, y: number, width: number, height: number): [number, number, number, number] {
  return [x - width / 2, y - height / 2, x + width / 2, y + height / 2];
}

const LARGEST_SHARE = 2;

/** Return what x and y are multiplied with to become pixels: the option `normalized`, else the values themselves, tell. */
export function pixelsPerUnit(boxes: Iterable<number>, decoding: Decoding, input_wh: Size): Size {
  let told = decoding.options["normalized"];
  if (typeof told !== "boolean") {
    told = true;
    for (const value of boxes) if (Math.abs(value) > LARGEST_SHARE) told = false;
  }
  return told ? input_wh : [1, 1];
}
