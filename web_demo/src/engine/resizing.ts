/**
 * Pictures to another size, bit for bit as `edge/resizing.py`: with Pillow's widened triangle filter, or from two by two
 * pixels only. Both align the outer edges of the pictures.
 *
 * The filter is Pillow 13's `Image.resize(size, BILINEAR)` for 8 bits: across, then down, weights in whole parts of 2^22,
 * each pass rounded to 8 bits; first down where that takes away more than twice as many rows as columns go. Which is
 * first shows in the last bit.
 */
import type { Picture, Region, Size } from "../media/picture.ts";
import { rint } from "../rounding.ts";

const PRECISION_BITS = 22;
const STEP_BITS = 8;
const STEPS = 1 << STEP_BITS;

/** How far a filter reaches on each side, and its weight at a distance, both in new pixels. */
interface Filter {
  readonly reach: number;
  weight(distance: number): number;
}

const TRIANGLE: Filter = { reach: 1, weight: (distance) => Math.max(0, 1 - Math.abs(distance)) };
const BOX: Filter = { reach: 0.5, weight: (distance) => (distance > -0.5 && distance <= 0.5 ? 1 : 0) };

/** For each new place along one side: its first source place, and `taps` weights (those beyond its end are 0). */
interface Weights {
  readonly taps: number;
  readonly first: Int32Array;
  readonly count: Int32Array;
  readonly weight: Int32Array;
}

/**
 * Resize a region of a picture.
 *
 * `antialias` says whether pixels between those that are read count when it shrinks. Returns width * height * 3 bytes,
 * RGB, row by row.
 */
export function resize(picture: Picture, region: Region, [width, height]: Size, antialias = true): Uint8Array {
  if (!antialias) return twoByTwo(picture, region, [width, height]);
  return passes(rgbOf(picture, region), region, [width, height], 3, TRIANGLE);
}

/** Bring one channel of a region to another size: each new value is the mean of those that it covers (Pillow's BOX). */
export function covered(picture: Picture, region: Region, channel: 0 | 1 | 2, size: Size): Uint8Array {
  const { left, top, width, height } = region;
  const values = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    const from = ((top + y) * picture.width + left) * 4 + channel;
    for (let x = 0; x < width; x++) values[y * width + x] = picture.rgba[from + x * 4]!;
  }
  return passes(values, region, size, 1, BOX);
}

/** Resize values of 1 or 3 channels in the order of passes that Pillow takes. */
function passes(source: Uint8Array, from: Region, [width, height]: Size, channels: 1 | 3, filter: Filter): Uint8Array {
  const rows_away = from.height - height;
  if (rows_away > 0 && rows_away > 2 * (from.width - width)) {
    const low = down(source, from.width * channels, from.height, height, filter);
    return across(low, from.width, height, width, channels, filter);
  }
  const narrow = across(source, from.width, from.height, width, channels, filter);
  return down(narrow, width * channels, from.height, height, filter);
}

function rgbOf(picture: Picture, { left, top, width, height }: Region): Uint8Array {
  const rgb = new Uint8Array(width * height * 3);
  let to = 0;
  for (let y = top; y < top + height; y++) {
    let from = (y * picture.width + left) * 4;
    for (let x = 0; x < width; x++, from += 4) {
      rgb[to++] = picture.rgba[from]!;
      rgb[to++] = picture.rgba[from + 1]!;
      rgb[to++] = picture.rgba[from + 2]!;
    }
  }
  return rgb;
}

/** Bring rows of `width` pixels to another width. */
function across(
  source: Uint8Array,
  width: number,
  height: number,
  into: number,
  channels: 1 | 3,
  filter: Filter,
): Uint8Array {
  if (into === width) return source;
  const weights = weightsOf(width, into, filter);
  const found = new Uint8Array(height * into * channels);
  for (let y = 0; y < height; y++) {
    if (channels === 3) colourRow(source, y * width * 3, weights, found, y * into * 3);
    else greyRow(source, y * width, weights, found, y * into);
  }
  return found;
}

function colourRow(source: Uint8Array, start: number, weights: Weights, found: Uint8Array, to: number): void {
  const { taps, first, count, weight } = weights;
  for (let x = 0; x < first.length; x++) {
    let red = 1 << (PRECISION_BITS - 1);
    let green = red;
    let blue = red;
    let from = start + first[x]! * 3;
    const end = x * taps + count[x]!;
    for (let tap = x * taps; tap < end; tap++, from += 3) {
      const share = weight[tap]!;
      red = (red + source[from]! * share) | 0;
      green = (green + source[from + 1]! * share) | 0;
      blue = (blue + source[from + 2]! * share) | 0;
    }
    found[to++] = red >> PRECISION_BITS;
    found[to++] = green >> PRECISION_BITS;
    found[to++] = blue >> PRECISION_BITS;
  }
}

function greyRow(source: Uint8Array, start: number, weights: Weights, found: Uint8Array, to: number): void {
  const { taps, first, count, weight } = weights;
  for (let x = 0; x < first.length; x++) {
    let sum = 1 << (PRECISION_BITS - 1);
    for (let i = 0; i < count[x]!; i++) sum = (sum + source[start + first[x]! + i]! * weight[x * taps + i]!) | 0;
    found[to++] = sum >> PRECISION_BITS;
  }
}

/** Bring columns of `height` rows, each of so many values, to another height. */
function down(source: Uint8Array, values: number, height: number, into: number, filter: Filter): Uint8Array {
  if (into === height) return source;
  const { taps, first, count, weight } = weightsOf(height, into, filter);
  const found = new Uint8Array(into * values);
  const sum = new Int32Array(values);
  for (let y = 0; y < into; y++) {
    sum.fill(1 << (PRECISION_BITS - 1));
    for (let tap = 0; tap < count[y]!; tap++) {
      const share = weight[y * taps + tap]!;
      const from = (first[y]! + tap) * values;
      for (let i = 0; i < values; i++) sum[i] = sum[i]! + source[from + i]! * share;
    }
    for (let i = 0; i < values; i++) found[y * values + i] = sum[i]! >> PRECISION_BITS;
  }
  return found;
}

/** Return the weights of a filter, widened by the factor by which a side shrinks. */
function weightsOf(length: number, into: number, filter: Filter): Weights {
  const scale = length / into;
  const widened = Math.max(scale, 1);
  const reach = filter.reach * widened;
  const taps = Math.ceil(reach) * 2 + 1;
  const made = { taps, first: new Int32Array(into), count: new Int32Array(into), weight: new Int32Array(into * taps) };
  const shares = new Float64Array(taps);
  const inverse = 1 / widened;
  for (let place = 0; place < into; place++) {
    const centre = (place + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - reach + 0.5));
    const count = Math.min(length, Math.trunc(centre + reach + 0.5)) - first;
    let sum = 0;
    for (let i = 0; i < count; i++) {
      shares[i] = filter.weight((i + first - centre + 0.5) * inverse);
      sum += shares[i]!;
    }
    made.first[place] = first;
    made.count[place] = count;
    for (let i = 0; i < count; i++) {
      made.weight[place * taps + i] = Math.trunc(0.5 + (shares[i]! / sum) * (1 << PRECISION_BITS));
    }
  }
  return made;
}

/** Blend two rows, then two columns, each time rounded to 8 bits, halves up; only what is asked for is blended. */
function twoByTwo(picture: Picture, region: Region, [width, height]: Size): Uint8Array {
  const down = neighbours(region.height, height);
  const across = neighbours(region.width, width);
  const { rgba } = picture;
  const found = new Uint8Array(width * height * 3);
  let to = 0;
  for (let y = 0; y < height; y++) {
    const upper = ((region.top + down.near[y]!) * picture.width + region.left) * 4;
    const lower = ((region.top + down.far[y]!) * picture.width + region.left) * 4;
    const low_share = down.far_weight[y]!;
    for (let x = 0; x < width; x++) {
      const near = across.near[x]! * 4;
      const far = across.far[x]! * 4;
      const far_share = across.far_weight[x]!;
      for (let c = 0; c < 3; c++) {
        const left = blend(rgba[upper + near + c]!, rgba[lower + near + c]!, low_share);
        const right = blend(rgba[upper + far + c]!, rgba[lower + far + c]!, low_share);
        found[to++] = blend(left, right, far_share);
      }
    }
  }
  return found;
}

function blend(near: number, far: number, far_weight: number): number {
  return (near * (STEPS - far_weight) + far * far_weight + STEPS / 2) >> STEP_BITS;
}

function neighbours(length: number, into: number): { near: Int32Array; far: Int32Array; far_weight: Int32Array } {
  const found = { near: new Int32Array(into), far: new Int32Array(into), far_weight: new Int32Array(into) };
  for (let i = 0; i < into; i++) {
    const place = Math.min(Math.max(((i + 0.5) * length) / into - 0.5, 0), length - 1);
    found.near[i] = Math.trunc(place);
    found.far[i] = Math.min(found.near[i]! + 1, length - 1);
    found.far_weight[i] = rint((place - found.near[i]!) * STEPS);
  }
  return found;
}
