/**
 * From sightings to tags: the same product seen again soon is one appearance, and one appearance is one tag.
 *
 *     const appearances = gather(matchings, 1.25);
 *     appearances.observe(sighting);
 *     const { tags, unmatched } = await appearances.close(content_id, space_id, shard_sha256s);
 */
import type { Box } from "../contract.ts";
import type { Picture } from "../media/picture.ts";
import type { Matching } from "./bundle.ts";
import type { Candidate } from "./gallery.ts";
import { iou } from "./geometry.ts";
import { tagId } from "./tag_id.ts";

const SAME_PLACE_IOU = 0.2;

/** One object in one frame; `crop` is small, `xyxy` in pixels of the source as it is shown. */
export interface Sighting {
  readonly timestamp_s: number;
  readonly xyxy: Box;
  readonly confidence: number;
  readonly crop: () => Picture;
  readonly candidates: readonly Candidate[];
  readonly vector: Int8Array;
}

/** An object as it was seen best. */
export interface Moment {
  readonly timestamp_s: number;
  readonly xyxy: Box;
  readonly crop: Picture;
  readonly vector: Int8Array;
}

export type Trail = readonly (readonly [number, Box])[];

/** One product in one appearance: the product first, then the alternatives. */
export interface FoundTag {
  readonly tag_id: string;
  readonly status: "match" | "ambiguous";
  readonly candidates: readonly [Candidate, ...Candidate[]];
  readonly margin: number;
  readonly best: Moment;
  readonly trail: Trail;
}

/** An object that is like no product closely enough, at its most confident sighting. */
export interface FoundUnmatched {
  readonly best: Moment;
  readonly trail: Trail;
}

export interface Closed {
  readonly tags: FoundTag[];
  readonly unmatched: FoundUnmatched[];
}

/** Gathers the sightings of one source, in the order of time; `close` may be asked again and again. */
export interface Appearances {
  observe(sighting: Sighting): void;
  close(content_id: string, space_id: string, shard_sha256s: readonly string[]): Promise<Closed>;
}

interface Appearance {
  best: Moment;
  strength: number;
  candidates: readonly Candidate[];
  trail: [number, Box][];
}

/** Start with nothing seen; an object that comes back within `max_gap_s` seconds is the same appearance. */
export function gather(matchings: readonly Matching[], max_gap_s: number): Appearances {
  const matched: Appearance[] = [];
  const unmatched: Appearance[] = [];
  return {
    observe(sighting) {
      const first = sighting.candidates[0];
      const is_match = first !== undefined && first.similarity >= matchings[first.shard]!.similarity_threshold;
      const strength = is_match ? first.similarity : sighting.confidence;
      const group = is_match ? matched : unmatched;
      const known = group.findLast((one) => isSame(one, sighting, max_gap_s, is_match));
      if (known === undefined) {
        group.push({ ...bestOf(sighting, strength), trail: [[sighting.timestamp_s, sighting.xyxy]] });
        return;
      }
      known.trail.push([sighting.timestamp_s, sighting.xyxy]);
      if (strength > known.strength) Object.assign(known, bestOf(sighting, strength));
    },
    async close(content_id, space_id, shard_sha256s) {
      const ordinals = new Map<string, number>();
      const tags: FoundTag[] = [];
      for (const one of matched) {
        const [first, ...others] = one.candidates as [Candidate, ...Candidate[]];
        const ordinal = ordinals.get(productOf(first)) ?? 0;
        ordinals.set(productOf(first), ordinal + 1);
        const id = await tagId(content_id, space_id, shard_sha256s[first.shard]!, first.product_id, ordinal);
        tags.push(tagOf(one, id, [first, ...others], matchings[first.shard]!));
      }
      return { tags, unmatched: unmatched.map(({ best, trail }) => ({ best, trail: [...trail] })) };
    },
  };
}

function bestOf(sighting: Sighting, strength: number): Omit<Appearance, "trail"> {
  const { timestamp_s, xyxy, candidates, vector } = sighting;
  return { best: { timestamp_s, xyxy, vector, crop: sighting.crop() }, strength, candidates };
}

function productOf({ shard, product_id }: Candidate): string {
  return `${shard} ${product_id}`;
}

function isSame(one: Appearance, sighting: Sighting, max_gap_s: number, is_match: boolean): boolean {
  const [last_s, last_xyxy] = one.trail.at(-1)!;
  if (sighting.timestamp_s - last_s > max_gap_s) return false;
  if (is_match) return productOf(one.candidates[0]!) === productOf(sighting.candidates[0]!);
  if (sighting.timestamp_s === last_s) return false;
  return iou(Float32Array.from(last_xyxy), 0, Float32Array.from(sighting.xyxy), 0) >= Math.fround(SAME_PLACE_IOU);
}

function tagOf(one: Appearance, tag_id: string, candidates: FoundTag["candidates"], matching: Matching): FoundTag {
  const margin = candidates[1] === undefined ? 1 : candidates[0].similarity - candidates[1].similarity;
  const status = margin >= matching.margin_threshold ? "match" : "ambiguous";
  return { tag_id, status, candidates, margin, best: one.best, trail: [...one.trail] };
}
