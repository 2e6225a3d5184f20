/** From outputs to boxes to what counts: as in Python. */
import { describe, expect, test } from "vitest";
import { decode } from "../src/engine/detector.ts";
import { nms, rowsOf } from "../src/engine/geometry.ts";
import type { Preprocessing } from "../src/engine/preprocessing.ts";
import { byProminence, isAimedAt, parts } from "../src/engine/prominence.ts";
import { Failure } from "../src/problem.ts";
import { STEPS } from "./steps.ts";

const { boxes } = STEPS;
const XYXY = Float32Array.from(boxes.xyxy);
const CONFIDENCE = Float32Array.from(boxes.confidence);

describe("families", () => {
  test.each(STEPS.decoded)("$decoding.family $decoding.options", ({ decoding, size_wh, outputs, detections }) => {
    const given = Object.entries(outputs).map(([name, { dims, data }]) => [name, { dims, data: Float32Array.from(data) }]);
    const found = decode(Object.fromEntries(given), decoding, { size_wh } as Preprocessing);
    expect([...found.confidence]).toEqual(detections.confidence);
    expect(found.xyxy.length).toBe(detections.xyxy.length);
    found.xyxy.forEach((value, i) => expect(value).toBeCloseTo(detections.xyxy[i]!, 3));
  });

  const fcos = STEPS.decoded[0]!;
  const spoiled = (change: (data: number[], dims: number[]) => void) => {
    const outputs = Object.fromEntries(
      Object.entries(fcos.outputs).map(([name, output]) => {
        const [data, dims] = [[...output.data], [...output.dims]];
        change(data, dims);
        return [name, { data: Float32Array.from(data), dims }];
      }),
    );
    return () => decode(outputs, fcos.decoding, { size_wh: fcos.size_wh } as Preprocessing);
  };

  test("values that are no numbers are a problem", () => expect(spoiled((data) => (data[0] = NaN))).toThrow(Failure));
  test("a confidence above 1 is a problem", () => expect(spoiled((data) => (data[0] = 7))).toThrow(/above 1/));
  test("another shape is a problem", () => expect(spoiled((_, dims) => (dims[1] = 3))).toThrow(/not of the family fcos/));
  test("a missing output is a problem", () => {
    expect(() => decode({}, fcos.decoding, { size_wh: fcos.size_wh } as Preprocessing)).toThrow(/no output/);
  });
});

test.each(Object.entries(boxes.kept))("suppressed at %s", (most, kept) => {
  expect(nms(XYXY, CONFIDENCE, Number(most), 10)).toEqual(kept);
});

test("nothing is suppressed among nothing", () => {
  expect(nms(new Float32Array(0), new Float32Array(0), 0.5, 10)).toEqual([]);
});

test("the main object comes first", () => {
  const order = byProminence(XYXY, CONFIDENCE, [100, 90]);
  expect([...rowsOf(XYXY, order)]).toEqual(boxes.by_prominence.map(Math.fround));
  expect(boxes.aimed_at).toEqual([...CONFIDENCE.keys()].map((i) => isAimedAt(rowsOf(XYXY, [i]), [100, 90])));
});

test("parts of other products are told", () => {
  expect(boxes.part).toContain(true);
  expect(parts(XYXY, boxes.product, [...CONFIDENCE])).toEqual(boxes.part);
});
