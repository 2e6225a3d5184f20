/** Where things are at a moment of the source: boxes that follow their trail. */
import type { Box, Shown } from "../../contract.ts";

/** Seconds that a box stays without a sighting: sightings further apart are not the same visit to the picture. */
export const LONGEST_GAP_S = 1.5;
/** Seconds that a box is shown before its first and after its last sighting, so that a single one can be seen. */
export const LINGER_S = 0.2;

/**
 * Return the box of a trail at a time, between two sightings in proportion; null where nothing is seen.
 *
 * @param trail sightings in the order of time: seconds and box
 * @param time_s seconds from the start of the source
 */
export function boxAt(trail: Shown["trail"], time_s: number): Box | null {
  const next = trail.findIndex(([seen_s]) => seen_s >= time_s);
  const after = next < 0 ? undefined : trail[next];
  const before = next < 0 ? trail.at(-1) : trail[next - 1];
  if (before && after && after[0] - before[0] <= LONGEST_GAP_S) {
    const share = (time_s - before[0]) / (after[0] - before[0]);
    return before[1].map((from, i) => from + share * (after[1][i]! - from)) as unknown as Box;
  }
  if (after && after[0] - time_s <= LINGER_S) return after[1];
  if (before && time_s - before[0] <= LINGER_S) return before[1];
  return null;
}
