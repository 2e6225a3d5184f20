/** Picture in, detections out: preprocessing, the model, its family's decoder, suppression, back to the picture. */
import { failure } from "../problem.ts";
import { type Picture, whole } from "../media/picture.ts";
import { FAMILIES } from "./families/index.ts";
import { type Decoding, type Detections, type Output, WrongShape } from "./families/family.ts";
import { area, type Boxes, clip, nms, rowsOf } from "./geometry.ts";
import { feed, levelValues, type Placement, type Preprocessing } from "./preprocessing.ts";
import type { Model } from "./runtime.ts";

const CONFIDENCE_TOLERANCE = 0.01;

/** A detector that is ready to run. */
export interface Detector {
  /** Boxes in pixels of the picture, most confident first, from a confidence on (the bundle's threshold). */
  detect(picture: Picture, least?: number): Promise<Detections>;
}

/** Lay preprocessing and decoding around a loaded model. */
export function detectorOf(model: Model, rule: Preprocessing, decoding: Decoding): Detector {
  const table = levelValues(rule);
  return {
    async detect(picture, least = decoding.score_threshold) {
      const { tensor, placement } = feed(rule, table, picture, whole(picture));
      const candidates = decode(await model.run(tensor), { ...decoding, score_threshold: least }, rule);
      return suppress(candidates, placement, decoding, picture);
    },
  };
}

/** Read a detector's outputs: everything at or above the score threshold, in pixels of the input. */
export function decode(
  outputs: Readonly<Record<string, Output>>,
  decoding: Decoding,
  rule: Preprocessing,
): Detections {
  const by_role: Record<string, Output> = {};
  for (const [role, name] of Object.entries(decoding.outputs)) {
    const output = outputs[name];
    if (output === undefined) throw modelProblem(`has no output "${name}" (${role})`);
    if (output.data.some(Number.isNaN)) throw modelProblem(`gave values in "${name}" that are not numbers`);
    by_role[role] = output;
  }
  try {
    return checked(FAMILIES[decoding.family]!(by_role, decoding, rule.size_wh));
  } catch (error) {
    if (error instanceof WrongShape) throw modelProblem(`is not of the family ${decoding.family} (${error.message})`);
    throw error;
  }
}

/** Keep the most confident of overlapping candidates, in pixels of the picture, clipped, none without area. */
export function suppress(
  candidates: Detections,
  placement: Placement,
  decoding: Decoding,
  { width, height }: Picture,
): Detections {
  const kept = nms(candidates.xyxy, candidates.confidence, decoding.iou_threshold, decoding.max_detections);
  const boxes = clip(toSource(rowsOf(candidates.xyxy, kept), placement), [width, height]);
  const seen = kept.map((_, i) => i).filter((i) => area(boxes, i) > 0);
  return { xyxy: rowsOf(boxes, seen), confidence: Float32Array.from(seen, (i) => candidates.confidence[kept[i]!]!) };
}

function toSource(boxes: Boxes, { scale_xy, offset_xy }: Placement): Boxes {
  return boxes.map((value, i) => (value - offset_xy[i % 2]!) / scale_xy[i % 2]!);
}

function checked({ xyxy, confidence }: Detections): Detections {
  if (!xyxy.every(Number.isFinite)) throw modelProblem("gave boxes that are not finite");
  const highest = confidence.reduce((most, value) => Math.max(most, value), 0);
  if (highest > 1 + CONFIDENCE_TOLERANCE) throw modelProblem(`gave a confidence of ${highest.toPrecision(3)}, above 1`);
  return { xyxy, confidence: confidence.map((value) => Math.min(value, 1)) };
}

function modelProblem(what: string): Error {
  return failure("model_output", `The detector ${what}: its bundle does not describe it rightly; publish it again.`, {
    what,
  });
}
