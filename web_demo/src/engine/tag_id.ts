/** The id of a tag, which every implementation derives alike (docs/formats/tag-document.md). */
import { sha256 } from "../media/content_id.ts";

/** Return 16 hex digits; `ordinal` is 0 for the product's first appearance in the source, 1 for its second, ... */
export async function tagId(
  content_id: string,
  space_id: string,
  shard_sha256: string,
  product_id: string,
  ordinal: number,
): Promise<string> {
  const text = ["tag:1", content_id, space_id, shard_sha256, product_id, String(ordinal)].join("\n");
  return (await sha256(new TextEncoder().encode(text))).slice(0, 16);
}
