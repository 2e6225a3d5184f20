/** One object over time: where it was, where it should be next, and the few crops that will say what it is. */
import type { Box } from "../../contract.ts";
import type { Picture } from "../../media/picture.ts";
import { area, between, centre, moved } from "./boxes.ts";
import type { Patch, Seen } from "./seen.ts";

export const PICKS = 3;
export const PICKS_APART_S = 0.5;
export const SOON_S = 0.6;
export const FORESEEN_S = 0.5;
/** A sighting is forgotten if the straight way between its neighbours, at most so long, passes so near to its box. */
const THIN = 0.03;
const THIN_S = 2;

/** A crop worth embedding, a copy of its own. */
export interface Pick {
  readonly timestamp_s: number;
  readonly xyxy: Box;
  readonly quality: number;
  readonly crop: Picture;
}

/** An object that is being followed. */
export interface Track {
  /** Sightings up to the last confident one; steady ones are thinned out. */
  trail: [number, Box][];
  /** Those after it, which count once it is seen with confidence again. */
  unsure: [number, Box][];
  /** How many looks saw it with confidence. */
  sightings: number;
  /** Of its last confident sighting. */
  patch: Patch | null;
  /** Pixels a second to the right and down; null before there was a step. */
  speed: readonly [number, number] | null;
  /** In the order in which they were kept. */
  picks: Pick[];
  /** How many looks since its last sighting, of any confidence, did not find it. */
  missed: number;
  /** Whether a look within a second of a confident sighting did not confirm it. */
  vain: boolean;
}

/** Return a track without a sighting. */
export function newTrack(): Track {
  return { trail: [], unsure: [], sightings: 0, patch: null, speed: null, picks: [], missed: 0, vain: false };
}

/** Return whether it was seen once with confidence, not for longer, and soon after looked for in vain. */
export function isFleeting({ sightings, vain, trail }: Track): boolean {
  return sightings === 1 && vain && trail.at(-1)![0] === trail[0]![0];
}

/** Return time and box of the last sighting of any confidence. */
export function latest({ trail, unsure }: Track): readonly [number, Box] {
  return unsure.at(-1) ?? trail.at(-1)!;
}

/** Return where its box should be at a time after its last sighting. */
export function expectedAt(track: Track, timestamp_s: number): Box {
  const [last_s, last] = latest(track);
  const ahead_s = Math.min(timestamp_s - last_s, FORESEEN_S);
  const [right, down] = track.speed ?? [0, 0];
  return moved(last, [right * ahead_s, down * ahead_s]);
}

/** Add a sighting, later than all before it. */
export function take(track: Track, timestamp_s: number, seen: Seen, is_confident: boolean): void {
  if (track.trail.length > 0) setSpeed(track, timestamp_s, seen.xyxy);
  track.missed = 0;
  track.unsure.push([timestamp_s, seen.xyxy]);
  if (!is_confident) return doubt(track, timestamp_s);
  track.sightings++;
  track.patch = seen.patch;
  track.unsure.forEach(([seen_s, xyxy]) => remember(track, seen_s, xyxy));
  track.unsure = [];
}

/** Note that a look did not find it. */
export function miss(track: Track, timestamp_s: number): void {
  track.missed++;
  doubt(track, timestamp_s);
}

/** Note that nothing has changed up to a time. */
export function stay(track: Track, timestamp_s: number): void {
  track.speed = [0, 0];
  const unsure = track.unsure.at(-1);
  if (unsure !== undefined) unsure[0] = timestamp_s;
  else remember(track, timestamp_s, track.trail.at(-1)![1]);
}

/** Return whether `pick` would keep a crop of this time and quality. */
export function wants(track: Track, timestamp_s: number, quality: number): boolean {
  const rival = rivalOf(track, timestamp_s);
  return rival === undefined || quality > rival.quality;
}

/** Keep a crop, in place of the one of the same half second, else of the worst where there are too many. */
export function pick(track: Track, picked: Pick): void {
  const rival = rivalOf(track, picked.timestamp_s);
  track.picks = [...track.picks.filter((one) => one !== rival), picked];
}

/** Return the pick that another one must beat: of the same half second, else the worst of a full list. */
function rivalOf(track: Track, timestamp_s: number): Pick | undefined {
  const slot = (at_s: number) => Math.trunc((at_s - track.trail[0]![0]) / PICKS_APART_S);
  const same = track.picks.find((one) => slot(one.timestamp_s) === slot(timestamp_s));
  if (same !== undefined || track.picks.length < PICKS) return same;
  return track.picks.reduce((worst, one) => (one.quality < worst.quality ? one : worst));
}

function doubt(track: Track, timestamp_s: number): void {
  track.vain ||= timestamp_s - track.trail.at(-1)![0] <= SOON_S;
}

/** Take the mean of the old speed and that of the last step. */
function setSpeed(track: Track, timestamp_s: number, xyxy: Box): void {
  const [last_s, last] = latest(track);
  if (timestamp_s <= last_s) return;
  const [[x0, y0], [x1, y1], step_s] = [centre(last), centre(xyxy), timestamp_s - last_s];
  const [right, down] = [(x1 - x0) / step_s, (y1 - y0) / step_s];
  const before = track.speed ?? [right, down];
  track.speed = [(before[0] + right) / 2, (before[1] + down) / 2];
}

function remember({ trail }: Track, timestamp_s: number, xyxy: Box): void {
  if (trail.length > 1 && isOnTheWay(trail, timestamp_s, xyxy)) trail.pop();
  trail.push([timestamp_s, xyxy]);
}

/** Return whether the last sighting lies on the way from the one before it to this. */
function isOnTheWay(trail: [number, Box][], timestamp_s: number, xyxy: Box): boolean {
  const [[before_s, before], [last_s, last]] = [trail.at(-2)!, trail.at(-1)!];
  const has_stayed = before.every((value, i) => value === last[i]);
  if (timestamp_s - before_s > THIN_S && !has_stayed) return false;
  const way = between(before, xyxy, (last_s - before_s) / (timestamp_s - before_s));
  return Math.max(...way.map((value, i) => Math.abs(value - last[i]!))) <= THIN * Math.sqrt(area(last));
}
