/** Why a product is suggested, in the words of `edge/output/wording.py`; `tests/wording.json` holds both to the same. */
import type { Tag } from "../../contract.ts";
import type { Texts } from "../../texts/index.ts";

export interface Matching {
  similarity_threshold: number;
  margin_threshold: number;
}

/**
 * Say why the product of a tag is suggested and how sure that is.
 *
 * @param second title of the tag's first alternative; null where the catalogue has no other product
 */
export function explainTag(tag: Tag, second: string | null, matching: Matching, { why }: Texts): string {
  const needed = why.needed(two(tag.similarity), two(matching.similarity_threshold));
  if (second === null) return why.alone(needed);
  if (tag.status === "ambiguous") return why.ambiguous(second, two(tag.margin), two(matching.margin_threshold));
  return why.match(strength(tag.similarity, matching.similarity_threshold, why), needed, second, two(tag.margin));
}

/** Say why an object has no product: the nearest one and what was needed. */
export function explainUnmatched(nearest: { title: string; similarity: number }, matching: Matching, { why }: Texts): string {
  return why.nearest(nearest.title, two(nearest.similarity), two(matching.similarity_threshold));
}

/** Return a similarity with two decimals, as it stands everywhere on the page. */
export function two(value: number): string {
  return value.toFixed(2);
}

function strength(similarity: number, threshold: number, why: Texts["why"]): string {
  const share = (similarity - threshold) / Math.max(1 - threshold, 1e-6);
  if (share >= 0.5) return why.very;
  return share >= 0.2 ? why.clearly : why.just;
}
