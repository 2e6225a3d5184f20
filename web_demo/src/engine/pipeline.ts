/**
 * The spine of the browser's side, in the order of `edge/pipeline.py`:
 * frames -> detections -> tracks -> crops -> embeddings -> matches -> tags.
 */
import type { Found, Progress } from "../contract.ts";
import { contentId } from "../media/content_id.ts";
import { openSource } from "../media/open.ts";
import type { Glance, Source, Stream } from "../media/source.ts";
import { Failure } from "../problem.ts";
import { fileOf } from "./crop_pictures.ts";
import { documentOf, type Work } from "./document.ts";
import { type Kit, lap, lapped, newWatch, type Watch } from "./kit.ts";
import { eachOnce, objectsIn, withoutParts } from "./looking.ts";
import { tagged } from "./tagging.ts";
import { gapFor, gather } from "./tracks/appearances.ts";
import type { Named } from "./tracks/naming.ts";
import { paceFor } from "./tracks/pace.ts";
import { eyeOf } from "./watching.ts";

const SPEAK_EVERY_MS = 500;
/** Telling what was found so far takes no more than one part in so many of the time. */
const SPEAK_SHARE = 10;

/** Who listens to the work; `rest` is waited for between frames and throws where the work is cancelled. */
export interface Listener {
  progress(progress: Omit<Progress, "paused">): void;
  found(found: Found): void;
  rest(): Promise<void>;
}

/** What was found so far, and what that took. */
interface Findings {
  objects: readonly Named[];
  frames_detected: number;
  error: string | null;
}

type Report = (findings: Findings) => Promise<Found>;

/**
 * Tag one file. `every_s` are seconds between the frames of a video that are looked at, 0 for every frame; null looks
 * where something changes. A video that breaks in the middle gives what was found until then, with `partial` and `error`.
 */
export async function tagSource(kit: Kit, file: File, every_s: number | null, heard: Listener): Promise<Found> {
  const [watch, start] = [newWatch(), performance.now()];
  const source = await lap(watch, "decode", openSource(file));
  try {
    const content_id = await contentId(file);
    const report: Report = async (findings) => {
      watch.total = performance.now() - start;
      return foundOf(kit, file, source, content_id, findings, watch, gapFor(every_s));
    };
    await heard.rest();
    if (source.kind === "video") return await report(await watchStream(kit, source, every_s, watch, heard, report));
    return await report({ objects: await objectsIn(kit, source, watch), frames_detected: 1, error: null });
  } finally {
    source.close();
  }
}

/** Watch a video: look where it shows something new, follow what is there, and name each track when it ends. */
async function watchStream(
  kit: Kit,
  stream: Stream,
  every_s: number | null,
  watch: Watch,
  heard: Listener,
  report: Report,
): Promise<Findings> {
  const [eye, pace, tell] = [eyeOf(kit, stream.resolution_wh, watch), paceFor(every_s), speaking(heard, stream)];
  const findings: Findings = { objects: [], frames_detected: 0, error: null };
  const look = async (glance: Glance) => {
    findings.frames_detected++;
    pace.learn(await eye.look(glance, pace.isCut()));
    const soFar = async () => report({ ...findings, objects: await eye.soFar() });
    await tell(glance.timestamp_s, findings.frames_detected, soFar);
  };
  try {
    for await (const glance of lapped(watch, "decode", stream.glances(pace.glance_s, pace.hurries))) {
      await heard.rest();
      const decision = pace.decide(glance.timestamp_s, glance.grey);
      if (decision === "still") eye.stay(glance.timestamp_s);
      if (decision === "look" || (decision === "wait" && glance.is_last)) await look(glance);
    }
  } catch (error) {
    if (!(error instanceof Failure) || error.name === "cancelled" || findings.frames_detected === 0) throw error;
    findings.error = error.sentence;
  }
  return { ...findings, objects: await eye.close(), error: findings.error ?? stream.error };
}

/** Tell a listener after a look: always how far it is, and what was found, but not more often than is read. */
function speaking(heard: Listener, { duration_s }: Stream) {
  const start = performance.now();
  let due_ms = 0;
  return async (done_s: number, frames_detected: number, soFar: () => Promise<Found>): Promise<void> => {
    const spent_s = (performance.now() - start) / 1000;
    const left_s = duration_s !== null && done_s > 0 ? (spent_s * Math.max(0, duration_s - done_s)) / done_s : null;
    heard.progress({ done_s, duration_s, frames_detected, left_s });
    const before_ms = performance.now();
    if (before_ms < due_ms) return;
    const found = await soFar();
    if (found.shown.length === 0) return;
    heard.found(found);
    due_ms = performance.now() + Math.max(SPEAK_EVERY_MS, SPEAK_SHARE * (performance.now() - before_ms));
  };
}

async function foundOf(
  kit: Kit,
  file: File,
  source: Source,
  content_id: string,
  { objects, frames_detected, error }: Findings,
  watch: Watch,
  gap_s: number,
): Promise<Found> {
  const { known, unknown } = source.kind === "image" ? withoutParts(eachOnce(objects)) : gather(objects, gap_s);
  const shard_sha256s = kit.gallery.catalogs.map((catalog) => catalog.name.sha256);
  const tags = await tagged(known, { content_id, space_id: kit.bundle.space_id, shard_sha256s });
  const crops_embedded = objects.reduce((sum, one) => sum + one.asked, 0);
  const work: Work = { frames_detected, crops_embedded, error };
  const document = documentOf(kit.bundle, kit.gallery.catalogs, file.name, source, work, tags, unknown, watch);
  const shown = [...tags.map(({ tag_id, ...one }) => ({ id: tag_id, ...one })), ...unknown.map(unmatchedShown)];
  return { document, content_id, shown: await Promise.all(shown.map(shownOf)) };
}

function unmatchedShown({ best, trail }: Named, place: number) {
  return { id: `unmatched-${place}`, best, trail };
}

async function shownOf({ id, best, trail }: Pick<Named, "best" | "trail"> & { id: string }): Promise<Found["shown"][number]> {
  return { id, crop: await fileOf(best.crop), trail, vector: best.vector };
}
