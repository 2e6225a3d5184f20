/** Several tag documents as one: the page looks through one file at a time, a post has several. */
import type { ShardName, TagDocument } from "../../contract.ts";

/**
 * Join documents in order; null for none.
 *
 * Shards are told apart by their sha256, so that tags found before and after an update of a catalogue keep theirs.
 */
export function joined(documents: readonly TagDocument[]): TagDocument | null {
  const [first] = documents;
  if (!first) return null;
  const shards: ShardName[] = [];
  const place = (shard: ShardName) => {
    const known = shards.findIndex(({ sha256 }) => sha256 === shard.sha256);
    return known < 0 ? shards.push(shard) - 1 : known;
  };
  const sources = documents.flatMap((document) => {
    const places = document.shards.map(place);
    return document.sources.map((source) => ({
      ...source,
      tags: source.tags.map((tag) => ({ ...tag, shard: places[tag.shard] ?? tag.shard })),
    }));
  });
  const timing_ms = { ...first.timing_ms };
  for (const step of Object.keys(timing_ms) as (keyof typeof timing_ms)[]) {
    timing_ms[step] = documents.reduce((sum, document) => sum + document.timing_ms[step], 0);
  }
  return { ...first, shards, sources, timing_ms };
}
