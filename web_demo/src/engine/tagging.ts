/** From appearances to tags: an id and a status for each; see `edge/tagging.py`. */
import { type Candidate, productOf } from "./gallery.ts";
import { tagId } from "./tag_id.ts";
import type { Named } from "./tracks/naming.ts";
import { marginOf } from "./tracks/votes.ts";

/** What the ids of a source's tags are derived from. */
export interface Identity {
  readonly content_id: string;
  readonly space_id: string;
  readonly shard_sha256s: readonly string[];
}

/** One product in one appearance: the product first, then the alternatives. */
export interface FoundTag extends Pick<Named, "best" | "trail"> {
  readonly tag_id: string;
  readonly status: "match" | "ambiguous";
  readonly candidates: readonly [Candidate, ...Candidate[]];
  readonly margin: number;
}

/** Return one tag for each appearance of a product, which stand in the order of their first sighting. */
export async function tagged(appearances: readonly Named[], identity: Identity): Promise<FoundTag[]> {
  const { content_id, space_id, shard_sha256s } = identity;
  const ordinals = new Map<string, number>();
  const tags: FoundTag[] = [];
  for (const { candidates: named, status, best, trail } of appearances) {
    const candidates = named as FoundTag["candidates"];
    const { shard, product_id } = candidates[0];
    const ordinal = ordinals.get(productOf(candidates[0])) ?? 0;
    ordinals.set(productOf(candidates[0]), ordinal + 1);
    tags.push({
      tag_id: await tagId(content_id, space_id, shard_sha256s[shard]!, product_id, ordinal),
      status: status === "match" ? "match" : "ambiguous",
      candidates,
      margin: marginOf(candidates),
      best,
      trail,
    });
  }
  return tags;
}
