/** A photo: detect, cut, embed, search, the main object first, each product once; see `edge/looking.py`, `edge/photos.py`. */
import type { Picture, Region, Size } from "../media/picture.ts";
import type { Photo } from "../media/source.ts";
import { smallCopy } from "./crop_pictures.ts";
import { cutCrops } from "./crops.ts";
import { normalized } from "./embedder.ts";
import type { Detections } from "./families/family.ts";
import { productOf, quantize } from "./gallery.ts";
import { row, rowsOf, scaled } from "./geometry.ts";
import { CANDIDATES, type Kit, lap, type Watch } from "./kit.ts";
import { byProminence, isAimedAt, middleBox, parts } from "./prominence.ts";
import type { Gathered } from "./tracks/appearances.ts";
import type { Named } from "./tracks/naming.ts";
import { statusOf } from "./tracks/votes.ts";

interface Objects {
  readonly detections: Detections;
  readonly crops: readonly Region[];
  readonly embeddings: readonly Float32Array[];
}

/** Return the objects of a photo, the main one first: every arrow of the pipeline is a line here. */
export async function objectsIn(kit: Kit, { picture, resolution_wh }: Photo, watch: Watch): Promise<Named[]> {
  const found = await findObjects(kit, picture, watch);
  const start = performance.now();
  const vectors = found.embeddings.map(quantize);
  const answers = vectors.map((vector) => kit.gallery.search(vector, CANDIDATES));
  watch.search += performance.now() - start;
  const boxes = scaled(found.detections.xyxy, resolution_wh[0] / picture.width);
  return answers.map((candidates, i) => ({
    trail: [[0, row(boxes, i)]],
    sightings: 1,
    vain: false,
    fleeting: false,
    status: statusOf(candidates, kit.matchings),
    nearly: false,
    clear: false,
    candidates,
    best: { timestamp_s: 0, xyxy: row(boxes, i), crop: smallCopy(picture, found.crops[i]!), vector: vectors[i]! },
    asked: 1,
  }));
}

/** Return the products, each once and as it is most similar, and what is not in the catalogue. */
export function eachOnce(objects: readonly Named[]): Gathered {
  const known = new Map<string, Named[]>();
  for (const one of objects.filter(({ status }) => status !== "unmatched")) {
    const product = productOf(one.candidates[0]!);
    known.set(product, [...(known.get(product) ?? []), one]);
  }
  return { known: [...known.values()].map(together), unknown: objects.filter(({ status }) => status === "unmatched") };
}

function together(same: readonly Named[]): Named {
  const similarity = (one: Named) => one.candidates[0]!.similarity;
  const best = same.reduce((most, one) => (similarity(one) > similarity(most) ? one : most));
  return { ...best, trail: same.flatMap((one) => [...one.trail]) };
}

/** Leave out what is only a part of another product of the photo; an object without a product outdoes nothing. */
export function withoutParts({ known, unknown }: Gathered): Gathered {
  const boxes = Float32Array.from([...known, ...unknown].flatMap((one) => [...one.best.xyxy]));
  const similarity = [...known.map((one) => one.candidates[0]!.similarity), ...unknown.map(() => -2)];
  const part = parts(boxes, [...known.keys(), ...unknown.map(() => -1)], similarity);
  return {
    known: known.filter((_, i) => !part[i]),
    unknown: unknown.filter((_, i) => !part[known.length + i]),
  };
}

/** Detect, cut and embed; a main object in the middle is also seen together with its surroundings. */
async function findObjects(kit: Kit, picture: Picture, watch: Watch): Promise<Objects> {
  const size_wh: Size = [picture.width, picture.height];
  const detections = mainFirst(await lap(watch, "detect", kit.detector.detect(picture)), size_wh);
  const aimed_at = detections.confidence.length > 0 && isAimedAt(detections.xyxy, size_wh);
  const crops = cutCrops(picture, detections.xyxy, kit.bundle.embedder.crop_margin);
  const regions = aimed_at ? [...crops, ...cutCrops(picture, middleBox(size_wh))] : crops;
  const embeddings = await lap(watch, "embed", kit.embedder.embed(picture, regions));
  const middle = aimed_at ? embeddings.pop() : undefined;
  if (middle !== undefined) embeddings[0] = normalized(embeddings[0]!.map((value, i) => value + middle[i]!));
  return { detections, crops, embeddings };
}

function mainFirst({ xyxy, confidence }: Detections, size_wh: Size): Detections {
  const order = byProminence(xyxy, confidence, size_wh);
  return { xyxy: rowsOf(xyxy, order), confidence: Float32Array.from(order, (i) => confidence[i]!) };
}
