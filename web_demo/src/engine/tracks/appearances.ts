/**
 * From tracks to appearances: one for each product and the time that it is there, and each object once, by the three
 * rules of docs/formats/tracks.md, section 5.
 */
import { productOf } from "../gallery.ts";
import { area, boxAt, overlap, shareInside, type Trail } from "./boxes.ts";
import type { Named } from "./naming.ts";

export const GAP_S = 2.5;
export const BRIEF = 2;
export const BRIEF_S = 0.6;
/** Tracks are looked up by stretches of so many seconds, so that the work grows with a video's length alone. */
const STRETCH_S = 10;
export const INSIDE = 0.7;
export const LEAST_PART = 0.3;
export const SAME_PLACE = 0.2;

/** Appearances of products, and objects without one, each in the order of their start. */
export interface Gathered {
  readonly known: Named[];
  readonly unknown: Named[];
}

const startOf = (one: Named) => one.trail[0]![0];
const endOf = (one: Named) => one.trail.at(-1)![0];
const productIn = (one: Named) => productOf(one.candidates[0]!);
const firstTwo = (one: Named) => one.candidates.slice(0, 2).map(productOf);
const similarityOf = (one: Named) => one.candidates[0]?.similarity ?? -1;

/** Return the gap that is allowed where the seconds between looks are fixed; null: where they are not. */
export function gapFor(every_s: number | null): number {
  return every_s === null ? GAP_S : Math.max(GAP_S, 2.5 * every_s);
}

/** Gather ended tracks, in any order; those of one start in the order in which they began. */
export function gather(tracks: readonly Named[], gap_s: number): Gathered {
  const kept = eachOnce(tracks.toSorted((a, b) => startOf(a) - startOf(b)), gap_s);
  const of = (status: Named["status"]) => kept.filter((track) => track.status === status);
  const sure = grouped(of("match"), (track, group) => productIn(track) === productIn(group[0]!), gap_s);
  const unsure = letFollow(of("ambiguous"), sure, gap_s);
  const unknown = letFollow(of("unmatched"), sure, gap_s);
  const known = asOne([...sure, ...grouped(unsure, isPaired, gap_s)]);
  return { known: known.map(doubted), unknown: asOne(resumed(unknown, gap_s)) };
}

/** Leave out tracks that are of another one's object; where they reach beyond it in time, it is there then. */
function eachOnce(tracks: readonly Named[], gap_s: number): Named[] {
  const near = neighbours(tracks, Math.max(gap_s, BRIEF_S));
  const owners = tracks.map((track, place) => ownerOf(track, tracks, near[place]!, gap_s));
  const kept = new Map<number, Named>();
  owners.forEach((owner, place) => owner === null && kept.set(place, tracks[place]!));
  owners.forEach((owner, place) => {
    const extended = owner === null ? undefined : kept.get(owner);
    if (extended !== undefined) kept.set(owner!, extendedBy(extended, tracks[place]!.trail));
  });
  return [...kept.values()];
}

/** Return for each track the places of those that may be there within so many seconds, in order. */
function neighbours(tracks: readonly Named[], within_s: number): number[][] {
  const stretches = new Map<number, number[]>();
  const stretchOf = (at_s: number) => Math.floor(at_s / STRETCH_S);
  tracks.forEach((track, place) => {
    for (let stretch = stretchOf(startOf(track)); stretch <= stretchOf(endOf(track)); stretch++) {
      stretches.set(stretch, [...(stretches.get(stretch) ?? []), place]);
    }
  });
  return tracks.map((track) => {
    const places = new Set<number>();
    const last = stretchOf(endOf(track) + within_s);
    for (let stretch = stretchOf(startOf(track) - within_s); stretch <= last; stretch++) {
      for (const place of stretches.get(stretch) ?? []) places.add(place);
    }
    return [...places].sort((a, b) => a - b);
  });
}

/** Return the place of the track of whose object a track is: of several, the one seen most often, the first of these. */
function ownerOf(track: Named, tracks: readonly Named[], near: readonly number[], gap_s: number): number | null {
  if (isBorneOut(track, near.map((place) => tracks[place]!), gap_s)) return null;
  let best: number | null = null;
  for (const place of near) {
    if (!isOf(track, tracks[place]!)) continue;
    if (best === null || tracks[place]!.sightings > tracks[best]!.sightings) best = place;
  }
  return best;
}

/** Return whether a brief track has the product of one that is not brief, shortly before or after it. */
function isBorneOut(track: Named, others: readonly Named[], gap_s: number): boolean {
  if (track.status === "unmatched" || track.sightings > BRIEF) return false;
  return others.some((one) => {
    const is_long = one.status !== "unmatched" && one.sightings > BRIEF;
    return is_long && productIn(one) === productIn(track) && isNear(track, one, gap_s);
  });
}

function isNear(a: Named, b: Named, gap_s: number): boolean {
  return startOf(a) - endOf(b) <= gap_s && startOf(b) - endOf(a) <= gap_s;
}

function extendedBy(owner: Named, trail: Trail): Named {
  const beyond = trail.filter(([at_s]) => at_s < startOf(owner) || at_s > endOf(owner));
  return { ...owner, trail: [...owner.trail, ...beyond].sort((a, b) => a[0] - b[0]) };
}

/** Return whether a track is only what was made of another one's object for a while. */
function isOf(track: Named, other: Named): boolean {
  const beyond_s = Math.max(startOf(other) - startOf(track), endOf(track) - endOf(other), 0);
  if (track === other || beyond_s > BRIEF_S) return false;
  const boxes = track.trail.map(([at_s, box]) => [box, boxAt(other.trail, at_s)] as const);
  if (boxes.some(([box, all]) => shareInside(box, all) < INSIDE)) return false;
  if (track.sightings <= BRIEF && other.sightings > BRIEF) {
    return boxes.every(([box, all]) => area(box) >= LEAST_PART * area(all));
  }
  if (beyond_s > 0) return false;
  if (track.status === "unmatched") return other.status !== "unmatched";
  return track.status === "ambiguous" && other.status === "match" && similarityOf(other) >= similarityOf(track);
}

/** Put each track into the first sure group that it follows, and return those that follow none. */
function letFollow(tracks: readonly Named[], sure: readonly Named[][], gap_s: number): Named[] {
  return tracks.filter((track) => {
    const group = sure.find((one) => follows(track, one, gap_s));
    group?.push(track);
    return group === undefined;
  });
}

/** Return whether an ambiguous track has the first product of one of a group, or is between the same two. */
function isPaired(track: Named, group: readonly Named[]): boolean {
  const pair = firstTwo(track);
  return group.some((one) => {
    const other = firstTwo(one);
    return productIn(track) === productIn(one) || (pair.length === other.length && pair.every((p) => other.includes(p)));
  });
}

/** Return an appearance as ambiguous if it is a match that stands on little: few sightings and a small lead. */
function doubted(one: Named): Named {
  const is_brief = one.sightings <= BRIEF && one.vain && !one.clear;
  return is_brief && one.status === "match" ? { ...one, status: "ambiguous" } : one;
}

/**
 * Return whether a track is of the product of a sure appearance: an ambiguous one by its first or second product, an
 * unmatched one that is nearly a match by its first.
 */
function follows(track: Named, group: readonly Named[], gap_s: number): boolean {
  const product = productIn(group[0]!);
  const asked = track.status === "ambiguous" ? 2 : track.nearly ? 1 : 0;
  if (!firstTwo(track).slice(0, asked).includes(product)) return false;
  if (!group.some((one) => isNear(track, one, gap_s))) return false;
  const at_once = group.filter((one) => startOf(track) <= endOf(one) && startOf(one) <= endOf(track));
  if (productIn(track) === product || at_once.length === 0) return true;
  const { xyxy, timestamp_s } = track.best;
  return at_once.some((one) => overlap(xyxy, boxAt(one.trail, timestamp_s)) >= SAME_PLACE);
}

/** Group unknown objects that were lost and found again at the same place. */
function resumed(tracks: readonly Named[], gap_s: number): Named[][] {
  const resumes = (track: Named, group: readonly Named[]) => {
    const before = group.at(-1)!;
    const is_again = endOf(before) < startOf(track) && startOf(track) <= endOf(before) + gap_s;
    return is_again && overlap(track.trail[0]![1], before.trail.at(-1)![1]) >= SAME_PLACE;
  };
  return grouped(tracks, resumes, gap_s);
}

/**
 * Put each track into the latest group that has not ended for longer than the gap and that it belongs to, else into a
 * group of its own.
 */
function grouped(
  tracks: readonly Named[],
  belongs: (track: Named, group: readonly Named[]) => boolean,
  gap_s: number,
): Named[][] {
  const groups: Named[][] = [];
  let open: { group: Named[]; end_s: number }[] = [];
  for (const track of tracks) {
    open = open.filter(({ end_s }) => startOf(track) - end_s <= gap_s);
    const found = open.findLast(({ group }) => belongs(track, group));
    if (found === undefined) {
      const group = [track];
      groups.push(group);
      open.push({ group, end_s: endOf(track) });
    } else {
      found.group.push(track);
      found.end_s = Math.max(found.end_s, endOf(track));
    }
  }
  return groups;
}

/** Return each group as one, in the order of their start, without what was seen for a single look. */
function asOne(groups: readonly (readonly Named[])[]): Named[] {
  return groups
    .map(together)
    .filter((one) => !one.fleeting)
    .sort((a, b) => startOf(a) - startOf(b));
}

const RANK = { unmatched: 0, ambiguous: 1, match: 2 } as const;

/** Return tracks as one; the sure one speaks, of several the most similar, of unknown ones the longest seen. */
function together(group: readonly Named[]): Named {
  if (group.length === 1) return group[0]!;
  const weight = (one: Named) => (one.status === "unmatched" ? one.sightings : similarityOf(one));
  const spokesman = group.reduce((best, one) => {
    const more = RANK[one.status] - RANK[best.status] || weight(one) - weight(best);
    return more > 0 ? one : best;
  });
  const trail = group.flatMap((one) => [...one.trail]).sort((a, b) => a[0] - b[0]);
  const sightings = group.reduce((sum, one) => sum + one.sightings, 0);
  return { ...spokesman, trail, sightings, fleeting: false };
}
