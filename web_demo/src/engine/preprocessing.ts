/**
 * From a picture to a model's input tensor, by the rule that travels in `bundle.json` (docs/formats/bundle.md,
 * `edge/preprocessing.py`): resize, letterbox, order of channels, (value - mean) / std from a table of 256 levels.
 */
import type { Picture, Region, Size } from "../media/picture.ts";
import { rint } from "../rounding.ts";
import { resize } from "./resizing.ts";

/** How a picture becomes a tensor; mean and std in pixel units, in the order of `colour`. */
export interface Preprocessing {
  readonly size_wh: Size;
  readonly resize: "letterbox" | "stretch";
  readonly anchor: "center" | "top_left";
  readonly pad_value: number;
  readonly colour: "RGB" | "BGR";
  readonly layout: "NCHW" | "NHWC";
  readonly mean: readonly [number, number, number];
  readonly std: readonly [number, number, number];
  readonly antialias: boolean;
}

/** Where a picture lies in the model's input: `input = source * scale + offset`, in pixels. */
export interface Placement {
  readonly scale_xy: Size;
  readonly offset_xy: Size;
}

/** Return the resized width and height of a picture, and where it lies in the input. */
export function place(rule: Preprocessing, [width, height]: Size): { resized_wh: Size; placement: Placement } {
  const [into_width, into_height] = rule.size_wh;
  if (rule.resize === "stretch") {
    const placement: Placement = { scale_xy: [into_width / width, into_height / height], offset_xy: [0, 0] };
    return { resized_wh: rule.size_wh, placement };
  }
  const scale = Math.min(into_width / width, into_height / height);
  const resized_wh: Size = [
    Math.min(into_width, Math.max(1, rint(width * scale))),
    Math.min(into_height, Math.max(1, rint(height * scale))),
  ];
  const spare = [into_width - resized_wh[0], into_height - resized_wh[1]] as const;
  const offset_xy: Size = rule.anchor === "top_left" ? [0, 0] : [spare[0] >> 1, spare[1] >> 1];
  return { resized_wh, placement: { scale_xy: [resized_wh[0] / width, resized_wh[1] / height], offset_xy } };
}

/** Return float32 (3 * 256): what every pixel level becomes in each channel. */
export function levelValues(rule: Preprocessing): Float32Array {
  const table = new Float32Array(3 * 256);
  for (let channel = 0; channel < 3; channel++) {
    for (let level = 0; level < 256; level++) {
      table[channel * 256 + level] = (level - rule.mean[channel]!) / rule.std[channel]!;
    }
  }
  return table;
}

/**
 * Turn a region of a picture into a batch of one.
 *
 * Returns float32 of `tensorShape(rule)`, and the placement for mapping boxes back to the region.
 */
export function feed(
  rule: Preprocessing,
  table: Float32Array,
  picture: Picture,
  region: Region,
): { tensor: Float32Array; placement: Placement } {
  const { resized_wh, placement } = place(rule, [region.width, region.height]);
  const resized = resize(picture, region, resized_wh, rule.antialias);
  return { tensor: valued(rule, table, paste(rule, resized, resized_wh, placement)), placement };
}

/** Return the shape of a batch of one. */
export function tensorShape({ layout, size_wh: [width, height] }: Preprocessing): [number, number, number, number] {
  return layout === "NCHW" ? [1, 3, height, width] : [1, height, width, 3];
}

function paste(rule: Preprocessing, resized: Uint8Array, [width, height]: Size, placement: Placement): Uint8Array {
  const [into_width, into_height] = rule.size_wh;
  if (width === into_width && height === into_height) return resized;
  const canvas = new Uint8Array(into_width * into_height * 3).fill(rule.pad_value);
  const [left, top] = placement.offset_xy;
  for (let y = 0; y < height; y++) {
    canvas.set(resized.subarray(y * width * 3, (y + 1) * width * 3), ((top + y) * into_width + left) * 3);
  }
  return canvas;
}

function valued(rule: Preprocessing, table: Float32Array, canvas: Uint8Array): Float32Array {
  const pixels = canvas.length / 3;
  const found = new Float32Array(canvas.length);
  const planar = rule.layout === "NCHW";
  for (let channel = 0; channel < 3; channel++) {
    const from = rule.colour === "RGB" ? channel : 2 - channel;
    const step = planar ? 1 : 3;
    let to = planar ? channel * pixels : channel;
    for (let i = 0; i < pixels; i++, to += step) found[to] = table[channel * 256 + canvas[i * 3 + from]!]!;
  }
  return found;
}
