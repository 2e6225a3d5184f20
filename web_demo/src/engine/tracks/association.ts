/**
 * Which detection continues which track: the rounds of ByteTrack over the boxes where tracks should be by now, as
 * docs/formats/tracks.md has them. Source: Zhang et al. 2022 (arXiv 2110.06864).
 */
import { centre, overlap, shareInside } from "./boxes.ts";
import { likeness, type Seen } from "./seen.ts";
import { expectedAt, latest, type Track } from "./track.ts";

export const SAME_OVERLAP = 0.3;
export const SAME_OVERLAP_WEAK = 0.5;
export const LEAST_LIKENESS = 0.3;
export const PART = 0.7;
export const LEAP = 1;
export const LEAP_S = 0.6;
export const LEAP_GROWTH = 1.5;
export const LEAP_LIKENESS = 0.7;

/** Places of a track and of a detection. */
export type Pair = readonly [number, number];

type Measure = (track: number, detection: number) => number | null;

/** Return pairs of track and detection; `confident` is the confidence from which a detection is not weak. */
export function associate(
  tracks: readonly Track[],
  seen: readonly Seen[],
  timestamp_s: number,
  confident: number,
): Pair[] {
  const boxes = tracks.map((track) => expectedAt(track, timestamp_s));
  const places = [...seen.keys()];
  const strong = places.filter((i) => seen[i]!.confidence >= confident);
  const is_part = (i: number) => strong.some((j) => shareInside(seen[i]!.xyxy, seen[j]!.xyxy) >= PART);
  const weak = places.filter((i) => seen[i]!.confidence < confident && !is_part(i));
  const near: Measure = (t, s) => {
    const value = overlap(boxes[t]!, seen[s]!.xyxy);
    return value >= SAME_OVERLAP && likeness(tracks[t]!.patch, seen[s]!.patch) >= LEAST_LIKENESS ? value : null;
  };
  const leapt: Measure = (t, s) => leap(tracks[t]!, seen[s]!, timestamp_s);
  const covered: Measure = (t, s) => {
    const value = overlap(boxes[t]!, seen[s]!.xyxy);
    return value >= SAME_OVERLAP_WEAK ? value : null;
  };
  const pairs: Pair[] = [];
  for (const [detections, measure] of [[strong, near], [strong, leapt], [weak, covered]] as const) {
    const left = [...tracks.keys()].filter((t) => !pairs.some(([taken]) => taken === t));
    const free = detections.filter((s) => !pairs.some(([, used]) => used === s));
    pairs.push(...greedy(left, free, measure));
  }
  return pairs;
}

/** Return how alike a track and a detection are that do not overlap, null where they cannot be one object. */
function leap(track: Track, seen: Seen, timestamp_s: number): number | null {
  const [last_s, last] = latest(track);
  const [[x0, y0], [x1, y1]] = [centre(last), centre(seen.xyxy)];
  const before = [last[2] - last[0], last[3] - last[1]] as const;
  const now = [seen.xyxy[2] - seen.xyxy[0], seen.xyxy[3] - seen.xyxy[1]] as const;
  if (timestamp_s - last_s > LEAP_S) return null;
  if (Math.max(Math.abs(x1 - x0), Math.abs(y1 - y0)) > LEAP * Math.max(...before)) return null;
  for (const side of [0, 1] as const) {
    if (Math.max(before[side], now[side]) > LEAP_GROWTH * Math.min(before[side], now[side])) return null;
  }
  const alike = likeness(track.patch, seen.patch);
  return alike >= LEAP_LIKENESS ? alike : null;
}

/** Pair what `measure` gives most for; equal ones by the place of the track, then of the detection. */
function greedy(tracks: readonly number[], detections: readonly number[], measure: Measure): Pair[] {
  const values: { value: number; pair: Pair }[] = [];
  for (const t of tracks) {
    for (const s of detections) {
      const value = measure(t, s);
      if (value !== null) values.push({ value, pair: [t, s] });
    }
  }
  values.sort((a, b) => b.value - a.value || a.pair[0] - b.pair[0] || a.pair[1] - b.pair[1]);
  const pairs: Pair[] = [];
  for (const { pair } of values) {
    if (pairs.every(([t, s]) => t !== pair[0] && s !== pair[1])) pairs.push(pair);
  }
  return pairs;
}
