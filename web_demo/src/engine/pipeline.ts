/**
 * The spine of the browser's side: frames -> detections -> crops -> embeddings -> matches -> tags, in the order of
 * `edge/pipeline.py`. `look` has one line for each arrow from a frame to its matches, `tagSource` gathers them into tags.
 */
import type { Found, Progress } from "../contract.ts";
import { contentId } from "../media/content_id.ts";
import { openSource } from "../media/open.ts";
import { type Picture, type Region, type Size } from "../media/picture.ts";
import type { Frame, Source } from "../media/source.ts";
import { Failure } from "../problem.ts";
import type { Bundle, Matching } from "./bundle.ts";
import { fileOf, smallCopy } from "./crop_pictures.ts";
import { cutCrops } from "./crops.ts";
import type { Detector } from "./detector.ts";
import { documentOf, type Timing } from "./document.ts";
import { type Embedder, normalized } from "./embedder.ts";
import type { Detections } from "./families/family.ts";
import { type Gallery, quantize } from "./gallery.ts";
import { row, rowsOf } from "./geometry.ts";
import { byProminence, isAimedAt, middleBox, parts } from "./prominence.ts";
import { type Appearances, type Closed, gather, type Sighting } from "./tagging.ts";

const CANDIDATES = 5;
const SPEAK_EVERY_MS = 500;

/** Everything that tagging needs, opened once. */
export interface Kit {
  readonly bundle: Bundle;
  readonly detector: Detector;
  readonly embedder: Embedder;
  readonly gallery: Gallery;
  /** Thresholds of each catalogue: its own where it was calibrated, else the bundle's. */
  readonly matchings: readonly Matching[];
}

/** Who listens to the work; `rest` is waited for between frames and throws where the work is cancelled. */
export interface Listener {
  progress(progress: Omit<Progress, "paused">): void;
  found(found: Found): void;
  rest(): Promise<void>;
}

/** Milliseconds of each step. */
type Watch = { -readonly [Step in keyof Timing]: number };

/** Tag one file; a source that breaks in the middle gives what was found until then, with `partial` and `error`. */
export async function tagSource(kit: Kit, file: File, every_s: number, heard: Listener): Promise<Found> {
  const watch: Watch = { decode: 0, detect: 0, embed: 0, search: 0, total: 0 };
  const start = performance.now();
  const source = await lap(watch, "decode", openSource(file));
  try {
    const content_id = await contentId(file);
    const still = source.kind === "image";
    const appearances = gather(kit.matchings, Math.max(1, 2.5 * every_s));
    const work = { frames_detected: 0, crops_embedded: 0, error: null as string | null };
    const soFar = async (): Promise<Found> => {
      const closed = await closedOf(kit, appearances, content_id, still);
      watch.total = performance.now() - start;
      const document = documentOf(kit.bundle, kit.gallery.catalogs, file.name, source, work, closed, watch);
      return { document, content_id, shown: await shownOf(closed) };
    };
    const spoke = speaking(heard, source, soFar);
    try {
      for await (const frame of lapped(watch, "decode", source.frames(every_s))) {
        await heard.rest();
        const sightings = await look(kit, frame, source.resolution_wh, watch, still);
        sightings.forEach((sighting) => appearances.observe(sighting));
        work.frames_detected++;
        work.crops_embedded += sightings.length;
        await spoke(frame.timestamp_s, work.frames_detected, sightings.length > 0);
      }
    } catch (error) {
      if (!(error instanceof Failure) || error.name === "cancelled" || work.frames_detected === 0) throw error;
      work.error = error.sentence;
    }
    work.error ??= source.error;
    return await soFar();
  } finally {
    source.close();
  }
}

/** Tell a listener after a frame: always how far it is, and what was found, but not more often than is read. */
function speaking(heard: Listener, source: Source, soFar: () => Promise<Found>) {
  const start = performance.now();
  let spoke_ms = -Infinity;
  return async (done_s: number, frames_detected: number, any: boolean): Promise<void> => {
    const { duration_s } = source;
    const spent_s = (performance.now() - start) / 1000;
    const left_s = duration_s !== null && done_s > 0 ? (spent_s * Math.max(0, duration_s - done_s)) / done_s : null;
    heard.progress({ done_s, duration_s, frames_detected, left_s });
    if (any && source.kind === "video" && performance.now() - spoke_ms >= SPEAK_EVERY_MS) {
      heard.found(await soFar());
      spoke_ms = performance.now();
    }
  };
}

/** Look at one frame: every arrow of the pipeline is a line here. Of a photo, the main object comes first. */
async function look(kit: Kit, frame: Frame, resolution_wh: Size, watch: Watch, still: boolean): Promise<Sighting[]> {
  const { picture, timestamp_s } = frame;
  const found = await findObjects(kit, picture, watch, still);
  const start = performance.now();
  const vectors = found.embeddings.map(quantize);
  const named = vectors.map((vector) => kit.gallery.search(vector, CANDIDATES));
  watch.search += performance.now() - start;
  const scale = resolution_wh[0] / picture.width;
  const boxes = found.detections.xyxy.map((value) => value * scale);
  return named.map((candidates, i) => ({
    timestamp_s,
    xyxy: row(boxes, i),
    confidence: found.detections.confidence[i]!,
    crop: () => smallCopy(picture, found.crops[i]!),
    candidates,
    vector: vectors[i]!,
  }));
}

interface Objects {
  readonly detections: Detections;
  readonly crops: readonly Region[];
  readonly embeddings: readonly Float32Array[];
}

/** Detect, cut and embed; a photo's main object in the middle is also seen together with its surroundings. */
async function findObjects(kit: Kit, picture: Picture, watch: Watch, still: boolean): Promise<Objects> {
  const size_wh: Size = [picture.width, picture.height];
  let detections = await lap(watch, "detect", kit.detector.detect(picture));
  if (still) detections = mainFirst(detections, size_wh);
  const aimed_at = still && detections.confidence.length > 0 && isAimedAt(detections.xyxy, size_wh);
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

async function closedOf(kit: Kit, appearances: Appearances, content_id: string, still: boolean): Promise<Closed> {
  const sha256s = kit.gallery.catalogs.map((catalog) => catalog.name.sha256);
  const closed = await appearances.close(content_id, kit.bundle.space_id, sha256s);
  return still ? withoutParts(closed) : closed;
}

/** Leave out what is only a part of another product of the photo; an object without a product outdoes nothing. */
export function withoutParts({ tags, unmatched }: Closed): Closed {
  const boxes = Float32Array.from([...tags, ...unmatched].flatMap((one) => [...one.best.xyxy]));
  const similarity = [...tags.map((tag) => tag.candidates[0].similarity), ...unmatched.map(() => -2)];
  const part = parts(boxes, [...tags.keys(), ...unmatched.map(() => -1)], similarity);
  return {
    tags: tags.filter((_, i) => !part[i]),
    unmatched: unmatched.filter((_, i) => !part[tags.length + i]),
  };
}

async function shownOf({ tags, unmatched }: Closed): Promise<Found["shown"]> {
  const named = [...tags.map((tag) => tag.tag_id), ...unmatched.map((_, i) => `unmatched-${i}`)];
  return Promise.all(
    [...tags, ...unmatched].map(async ({ best, trail }, i) => {
      return { id: named[i]!, crop: await fileOf(best.crop), trail, vector: best.vector };
    }),
  );
}

async function lap<T>(watch: Watch, step: keyof Watch, work: Promise<T>): Promise<T> {
  const start = performance.now();
  try {
    return await work;
  } finally {
    watch[step] += performance.now() - start;
  }
}

async function* lapped<T>(watch: Watch, step: keyof Watch, items: AsyncGenerator<T, void, void>) {
  try {
    for (;;) {
      const next = await lap(watch, step, items.next());
      if (next.done) return;
      yield next.value;
    }
  } finally {
    await items.return();
  }
}
