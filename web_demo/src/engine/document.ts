/** The tag document, schema 1 (docs/formats/tag-document.md), from what was found; rounded as `edge/document.py` does. */
import type { Box, Catalog, SourceTags, Tag, TagDocument, Unmatched } from "../contract.ts";
import type { Source } from "../media/source.ts";
import type { Bundle } from "./bundle.ts";
import { rounded } from "../rounding.ts";
import type { FoundTag } from "./tagging.ts";
import type { Named } from "./tracks/naming.ts";

const DEMO_NOTICE = "demo catalogue of invented products";

export type Timing = TagDocument["timing_ms"];

/** Counts of the work on a source so far, and why it ended early. */
export interface Work {
  readonly frames_detected: number;
  readonly crops_embedded: number;
  readonly error: string | null;
}

/** Return the document of one source. */
export function documentOf(
  bundle: Bundle,
  catalogs: readonly Catalog[],
  path: string,
  source: Source,
  work: Work,
  tags: readonly FoundTag[],
  unmatched: readonly Named[],
  timing_ms: Timing,
): TagDocument {
  const entry: SourceTags = {
    path,
    kind: source.kind,
    duration_s: source.duration_s === null ? null : rounded(source.duration_s, 3),
    resolution_wh: source.resolution_wh,
    partial: work.error !== null,
    frames_decoded: source.frames_decoded,
    ...work,
    tags: tags.map(tagOf),
    unmatched: unmatched.map(unmatchedOf),
  };
  const { decode, detect, embed, search, total } = timing_ms;
  const ms = (value: number) => rounded(value, 1);
  return {
    schema: 1,
    ...(catalogs.length > 0 && catalogs.every((catalog) => catalog.demo) ? { notice: DEMO_NOTICE } : {}),
    second_look: false,
    bundle: { name: bundle.name, sha256: bundle.sha256, space_id: bundle.space_id },
    shards: catalogs.map((catalog) => catalog.name),
    sources: [entry],
    timing_ms: { decode: ms(decode), detect: ms(detect), embed: ms(embed), search: ms(search), total: ms(total) },
  };
}

/** Return a tag as the document has it. */
export function tagOf({ tag_id, status, candidates: [first, ...others], margin, best, trail }: FoundTag): Tag {
  return {
    tag_id,
    status,
    product_id: first.product_id,
    title: first.title,
    shard: first.shard,
    similarity: rounded(first.similarity, 4),
    margin: rounded(margin, 4),
    start_s: rounded(trail[0]![0], 3),
    end_s: rounded(trail.at(-1)![0], 3),
    best: { timestamp_s: rounded(best.timestamp_s, 3), xyxy: pixels(best.xyxy) },
    alternatives: others.map(({ product_id, similarity }) => ({ product_id, similarity: rounded(similarity, 4) })),
  };
}

/** Return an object without a product as the document has it. */
export function unmatchedOf({ best, trail }: Named): Unmatched {
  const [start_s, end_s] = [rounded(trail[0]![0], 3), rounded(trail.at(-1)![0], 3)];
  return { start_s, end_s, xyxy: pixels(best.xyxy) };
}

function pixels([x0, y0, x1, y1]: Box): Box {
  return [rounded(x0, 2), rounded(y0, 2), rounded(x1, 2), rounded(y1, 2)];
}
