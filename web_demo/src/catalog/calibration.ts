/** Thresholds of one catalogue, bound to its identity (docs/formats/calibration.md); the browser ranks without a second look. */
import type { Bytes } from "./bytes.ts";
import { Malformed } from "./content.ts";

export const MAX_CALIBRATION_BYTES = 2 ** 16;

export interface Matching {
  similarity_threshold: number;
  margin_threshold: number;
}

/**
 * Return the thresholds for a shard that is ranked by the embedder alone; null where the file has none for that.
 *
 * Throws `Malformed` where it is no calibration, or is for another shard.
 */
export function readMatching(data: Bytes, sha256: string, space_id: string): Matching | null {
  const value = parsed(data);
  if (value.schema !== 1)
    throw new Malformed(`calibration schema ${String(value.schema).slice(0, 20)}: a newer page is needed`);
  if (value.shard !== sha256 || value.space_id !== space_id)
    throw new Malformed("its calibration is for another catalogue");
  if (!Array.isArray(value.ways) || !value.ways.length) throw new Malformed("its calibration has no ways");
  const alone = (value.ways as { second_look?: unknown; matching?: Partial<Matching> }[]).find(
    (way) => way?.second_look === null,
  );
  if (!alone) return null;
  const { similarity_threshold, margin_threshold } = alone.matching ?? {};
  if (!isWithin(similarity_threshold, -1, 1) || !isWithin(margin_threshold, 0, 2))
    throw new Malformed("its thresholds are out of range");
  return { similarity_threshold, margin_threshold };
}

function parsed(data: Bytes): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(data));
  } catch {
    value = null;
  }
  if (data.length > MAX_CALIBRATION_BYTES || typeof value !== "object" || value === null)
    throw new Malformed("its calibration is none");
  return value as Record<string, unknown>;
}

function isWithin(value: unknown, low: number, high: number): value is number {
  return typeof value === "number" && value >= low && value <= high;
}
