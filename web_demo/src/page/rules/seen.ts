/** Everything that was seen in one file, tags and objects without a match alike, in the order of time. */
import type { Box, Found, Shown, Tag, Unmatched } from "../../contract.ts";
import type { Item } from "../state.ts";
import { boxAt } from "./trail.ts";

/** One thing that was seen; `tag` is null where no product is like it. */
export interface Seen {
  id: string;
  tag: Tag | null;
  start_s: number;
  end_s: number;
  /** The moment that shows it best. */
  best_s: number;
  shown: Shown | null;
}

/** Return what was seen in a file. */
export function seenIn({ found }: Item): Seen[] {
  const source = found?.document.sources[0];
  if (!found || !source) return [];
  const shown = new Map(found.shown.map((shown) => [shown.id, shown]));
  const tagged = source.tags.map((tag) => seen(tag.tag_id, tag, tag, tag.best.timestamp_s, shown));
  const unmatched = source.unmatched.map((object, n) => {
    const id = `unmatched-${n}`;
    return seen(id, null, object, bestOf(object, shown.get(id)), shown);
  });
  return [...tagged, ...unmatched].sort((a, b) => a.start_s - b.start_s);
}

/** Return the box of each thing that is in the picture at a time. */
export function boxesAt(things: readonly Seen[], time_s: number): { seen: Seen; box: Box }[] {
  return things.flatMap((seen) => {
    const box = seen.shown ? boxAt(seen.shown.trail, time_s) : null;
    return box ? [{ seen, box }] : [];
  });
}

/** Keep the crops that are shown already, so that pictures which have not changed are not loaded anew. */
export function withSameCrops(before: Found | null, after: Found): Found {
  const crops = new Map(before?.shown.map(({ id, crop }) => [id, crop]));
  const steady = (shown: Shown): Shown => {
    const crop = crops.get(shown.id);
    return crop && crop.size === shown.crop.size && crop.type === shown.crop.type ? { ...shown, crop } : shown;
  };
  return { ...after, shown: after.shown.map(steady) };
}

function seen(
  id: string,
  tag: Tag | null,
  { start_s, end_s }: { start_s: number; end_s: number },
  best_s: number,
  shown: ReadonlyMap<string, Shown>,
): Seen {
  return { id, tag, start_s, end_s, best_s, shown: shown.get(id) ?? null };
}

/** The sighting whose box the document names: the clearest one. */
function bestOf(object: Unmatched, shown: Shown | undefined): number {
  const distance = (box: Box) => box.reduce((sum, edge, i) => sum + Math.abs(edge - object.xyxy[i]!), 0);
  const sightings = [...(shown?.trail ?? [])].sort(([, a], [, b]) => distance(a) - distance(b));
  return sightings[0]?.[0] ?? object.start_s;
}
