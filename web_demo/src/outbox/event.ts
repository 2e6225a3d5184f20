/** One decision as an event: the fields of docs/formats/event.md, in their order, and no other. */
import type { DecisionEvent, ShardName, Tag } from "../contract.ts";
import { failure } from "../problem.ts";

const LONGEST_TEXT = 1_000;
const LARGEST_VECTOR = 4_096;
const SCHEMA = 1;

/** A decision before it has an id and a time. */
export interface Decision {
  kind: DecisionEvent["kind"];
  tag: Tag;
  shard: ShardName;
  space_id: string;
  corrected_to: string | null;
  /** Null without the creator's consent to this very decision. */
  vector: Int8Array | null;
}

/**
 * Return the event that tells of a decision; the same event is the same text however often it is sent.
 *
 * Fails with `undecidable` where the catalogue's product_id is one that no event can hold, or a product is corrected to
 * itself or to nothing.
 */
export function eventOf(decision: Decision, now_ms: number, event_id: string): DecisionEvent {
  const { kind, tag, shard, space_id, corrected_to, vector } = decision;
  if ((corrected_to === null) === (kind === "corrected") || corrected_to === tag.product_id) {
    throw failure("undecidable", "Choose the product that it is instead: another one than was suggested.");
  }
  for (const product of [tag.product_id, corrected_to]) requireText(product);
  if (vector && !(vector.length >= 1 && vector.length <= LARGEST_VECTOR))
    throw failure("undecidable", "This vector cannot be shared: decide without sharing it.");
  return {
    schema: SCHEMA,
    event_id,
    kind,
    made_at_s: Math.max(0, Math.round(now_ms)) / 1000,
    tag_id: tag.tag_id,
    catalog: shard.catalog,
    catalog_version: shard.version,
    shard_sha256: shard.sha256,
    space_id,
    product_id: tag.product_id,
    corrected_to,
    similarity: within(tag.similarity, -1, 1),
    margin: within(tag.margin, 0, 2),
    status: tag.status,
    embedding: vector && base64(vector),
  };
}

/** Return what makes two decisions the same: kind, product, consent (`edge.outbox.rows.what_is_told`). */
export function toldBy(event: DecisionEvent): string {
  return JSON.stringify([event.kind, event.corrected_to, event.embedding !== null]);
}

/** Return the body of a batch as text. */
export function batchText(events: readonly DecisionEvent[], device_id: string): string {
  return JSON.stringify({ schema: SCHEMA, device_id, events });
}

function base64(vector: Int8Array): string {
  return btoa(String.fromCharCode(...new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength)));
}

function within(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}

function requireText(product: string | null): void {
  if (product === null) return;
  const characters = [...product].length;
  if (characters < 1 || characters > LONGEST_TEXT || product.includes("\0") || /\p{Surrogate}/u.test(product)) {
    throw failure("undecidable", "This product's id cannot be sent: tell whoever makes the catalogue.");
  }
}
