/** Ask a track's best crops what it is; see `edge/tracks/naming.py`. */
import type { Box } from "../../contract.ts";
import type { Picture } from "../../media/picture.ts";
import type { Matching } from "../bundle.ts";
import { type Candidate, productOf } from "../gallery.ts";
import type { Trail } from "./boxes.ts";
import { isFleeting, type Pick, type Track } from "./track.ts";
import { type Answer, fused, isClear, isNearly, isSettled, type Status, statusOf } from "./votes.ts";

/** An object as it was seen best; `vector` is what was searched with. */
export interface Moment {
  readonly timestamp_s: number;
  readonly xyxy: Box;
  readonly crop: Picture;
  readonly vector: Int8Array;
}

/** An object with what it is: a track, or what a photo shows. */
export interface Named {
  readonly trail: Trail;
  /** How many looks saw it with confidence. */
  readonly sightings: number;
  /** Looked for in vain soon after it had been seen. */
  readonly vain: boolean;
  /** Seen once, for a single look, and then looked for in vain. */
  readonly fleeting: boolean;
  readonly status: Status;
  /** Unmatched, but not by much. */
  readonly nearly: boolean;
  /** Its lead is twice the margin threshold. */
  readonly clear: boolean;
  readonly candidates: readonly Candidate[];
  readonly best: Moment;
  /** How many of its crops were embedded. */
  readonly asked: number;
}

/** Candidates of a crop, best first, and the vector that was searched with. */
export interface Told {
  readonly candidates: Answer;
  readonly vector: Int8Array;
}

/** Return an ended track with what it is; its crops are asked in the order of their quality until that is clear. */
export async function name(
  track: Track,
  ask: (pick: Pick) => Promise<Told>,
  matchings: readonly Matching[],
): Promise<Named> {
  const asked: (Told & { pick: Pick })[] = [];
  for (const pick of track.picks.toSorted((a, b) => b.quality - a.quality)) {
    asked.push({ pick, ...(await ask(pick)) });
    if (isSettled(asked.map((one) => one.candidates), matchings)) break;
  }
  return namedBy(track, asked, matchings);
}

/** Return a track with what these answers, at least one, make of it. */
export function namedBy(track: Track, asked: readonly (Told & { pick: Pick })[], matchings: readonly Matching[]): Named {
  const candidates = fused(asked.map((one) => one.candidates));
  const status = statusOf(candidates, matchings);
  const { pick, vector } = status === "unmatched" ? asked[0]! : likest(asked, candidates);
  return {
    trail: [...track.trail],
    sightings: track.sightings,
    vain: track.vain,
    fleeting: isFleeting(track),
    status,
    nearly: isNearly(candidates, matchings),
    clear: isClear(candidates, matchings),
    candidates,
    best: { timestamp_s: pick.timestamp_s, xyxy: pick.xyxy, crop: pick.crop, vector },
    asked: asked.length,
  };
}

/** Return the answer whose crop is most like the first product; of equal ones the one asked first. */
function likest<T extends Told>(asked: readonly T[], candidates: Answer): T {
  const first = candidates[0] && productOf(candidates[0]);
  const similarity = (one: T) => one.candidates.find((other) => productOf(other) === first)?.similarity ?? -1;
  return asked.reduce((best, one) => (similarity(one) > similarity(best) ? one : best));
}
