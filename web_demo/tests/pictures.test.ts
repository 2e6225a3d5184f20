/** From pixels to tensors: the same bits as in Python. */
import { describe, expect, test } from "vitest";
import { cutCrops } from "../src/engine/crops.ts";
import { feed, levelValues, type Preprocessing } from "../src/engine/preprocessing.ts";
import { resize } from "../src/engine/resizing.ts";
import { measure } from "../src/engine/tracks/seen.ts";
import { smallGrey } from "../src/media/grey.ts";
import { reduction, whole } from "../src/media/picture.ts";
import { digest, picture, STEPS, valueAt } from "./steps.ts";

const DEFAULTS: Preprocessing = {
  size_wh: [1, 1],
  resize: "letterbox",
  anchor: "center",
  pad_value: 114,
  colour: "RGB",
  layout: "NCHW",
  mean: [0, 0, 0],
  std: [1, 1, 1],
  antialias: true,
};

test.each(STEPS.resized)("$from resized to $into, antialias $antialias", ({ from, into, antialias, sha256 }) => {
  expect(digest(resize(picture(from), whole(picture(from)), into, antialias))).toBe(sha256);
});

test("a region is resized as if it were the whole picture", () => {
  const [all, region] = [picture([40, 30]), { left: 3, top: 5, width: 20, height: 11 }];
  const cut = { width: 20, height: 11, rgba: new Uint8ClampedArray(20 * 11 * 4) };
  for (let y = 0; y < 11; y++) cut.rgba.set(all.rgba.subarray(((y + 5) * 40 + 3) * 4, ((y + 5) * 40 + 23) * 4), y * 80);
  expect(resize(all, region, [13, 17])).toEqual(resize(cut, whole(cut), [13, 17]));
});

test.each(STEPS.fed)("$from fed by $rule", ({ rule, from, placement, sha256 }) => {
  const full = { ...DEFAULTS, ...rule };
  const fed = feed(full, levelValues(full), picture(from), whole(picture(from)));
  expect(digest(fed.tensor)).toBe(sha256);
  expect(fed.placement).toEqual(placement);
});

describe("crops", () => {
  const { xyxy, crops } = STEPS.boxes;
  test.each(Object.entries(crops))("margin %s", (margin, sizes) => {
    const found = cutCrops(picture([100, 90]), Float32Array.from(xyxy), Number(margin));
    expect(found.map(({ width, height }) => [width, height])).toEqual(sizes);
  });
});

test.each(STEPS.measured)("sharpness and patch of $from", ({ from, sharpness, patch }) => {
  const found = measure(picture(from), whole(picture(from)));
  expect(found.sharpness).toBeCloseTo(sharpness, 3);
  found.patch.forEach((value, i) => expect(value).toBeCloseTo(patch[i]!, 2));
});

test.each(STEPS.glimpses)("small and grey: $size_wh", ({ size_wh, cells, sha256 }) => {
  const grey = smallGrey(size_wh, (x, y) => valueAt(y * size_wh[0] + x));
  expect(grey.length).toBe(cells);
  expect(digest(grey)).toBe(sha256);
});

test("a picture of 100 megapixels is read at a quarter of its sides", () => {
  expect(reduction([10_000, 10_000], 16_000_000)).toBe(4);
  expect(reduction([1, 1], 16_000_000)).toBe(1);
});
