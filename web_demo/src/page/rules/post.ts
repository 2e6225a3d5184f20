/** The draft of the post: which products it names, and the text to paste elsewhere. */
import type { DecisionEvent, ProductRecord, TagDocument } from "../../contract.ts";
import { price } from "./format.ts";

export type Decision = { kind: DecisionEvent["kind"]; corrected_to: string | null };

/** A product of a catalogue by its two names. */
export interface ProductRef {
  catalog: string;
  product_id: string;
}

/** One product of the post and how it came there. */
export interface PostProduct extends ProductRef {
  by: "decision" | "hand";
}

/** Return the product that a person has decided on for a tag; null where none stands. */
export function decidedProduct(product_id: string, decision: Decision | undefined): string | null {
  if (decision?.kind === "accepted") return product_id;
  return decision?.kind === "corrected" ? decision.corrected_to : null;
}

/** Return the products of the post, each once, in the order of the media, then those added by hand. */
export function postProducts(
  documents: readonly TagDocument[],
  decisions: ReadonlyMap<string, Decision>,
  added: readonly ProductRef[],
  leftOut: readonly ProductRef[],
): PostProduct[] {
  const products = new Map<string, PostProduct>();
  const put = (product: PostProduct) => {
    const key = `${product.catalog}\n${product.product_id}`;
    if (!products.has(key) && !leftOut.some((other) => sameProduct(other, product))) products.set(key, product);
  };
  for (const document of documents) {
    for (const tag of document.sources.flatMap((source) => source.tags)) {
      const product_id = decidedProduct(tag.product_id, decisions.get(tag.tag_id));
      if (product_id !== null) put({ catalog: document.shards[tag.shard]?.catalog ?? "", product_id, by: "decision" });
    }
  }
  for (const product of added) put({ ...product, by: "hand" });
  return [...products.values()];
}

/** Return whether two references name one product. */
export function sameProduct(one: ProductRef, other: ProductRef): boolean {
  return one.catalog === other.catalog && one.product_id === other.product_id;
}

/** Return the post as plain text: the caption, then a line for each product. */
export function postText(caption: string, records: readonly ProductRecord[]): string {
  const lines = records.map((record) =>
    [record.title, record.price && price(record.price, record.currency), record.url].filter(Boolean).join(" · "),
  );
  return [caption.trim(), lines.join("\n")].filter(Boolean).join("\n\n");
}
