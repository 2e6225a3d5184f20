/** What no hash can promise: offsets that divide, UTF-8, ids and keys in their one order (docs/formats/shard.md, Reading). */
import { bytesOf, countsOf, keysOf, numbers, TEXT_FIELDS, type Columns } from "./columns.ts";

const strict = new TextDecoder("utf-8", { fatal: true });

/** Columns that break a rule of the format; whoever opens them turns it into a sentence. */
export class Malformed extends Error {}

/** Throw `Malformed` unless columns hold what the format allows. */
export function requireCanonical(columns: Columns): void {
  const { products, views } = countsOf(columns);
  for (const field of TEXT_FIELDS) requireTexts(columns, field, products);
  requireIds(columns, products);
  requirePartition(numbers(columns, "view_offsets"), products, views, "view_offsets", true);
  requireKeys(columns);
  if (bytesOf(columns, "in_stock").some((code) => code > 2)) throw new Malformed("in_stock holds values above 2");
}

/** Throw `Malformed` unless offsets begin with 0, do not descend (`gapless`: ascend) and end with the length. */
export function requirePartition(
  offsets: Uint32Array,
  count: number,
  length: number,
  name: string,
  gapless = false,
): void {
  let good = offsets.length === count + 1 && offsets[0] === 0 && offsets[count] === length;
  for (let i = 1; good && i <= count; i++) {
    const step = offsets[i]! - offsets[i - 1]!;
    good = gapless ? step > 0 : step >= 0;
  }
  if (!good) throw new Malformed(`${name} do not divide ${length} values`);
}

function requireTexts(columns: Columns, field: string, count: number): void {
  const blob = bytesOf(columns, field);
  const offsets = numbers(columns, `${field}_offsets`);
  requirePartition(offsets, count, blob.length, `${field}_offsets`);
  try {
    strict.decode(blob);
  } catch {
    throw new Malformed(`${field} holds bytes that are not UTF-8`);
  }
  for (const start of offsets) {
    if (start < blob.length && (blob[start]! & 0xc0) === 0x80)
      throw new Malformed(`a ${field} begins inside a character`);
  }
}

function requireIds(columns: Columns, products: number): void {
  const blob = bytesOf(columns, "product_id");
  const offsets = numbers(columns, "product_id_offsets");
  for (let row = 0; row < products; row++) {
    const empty = offsets[row] === offsets[row + 1];
    if (empty || (row && compareTexts(blob, offsets, row - 1, blob, offsets, row) >= 0)) {
      throw new Malformed("the product_ids do not ascend, or one is empty or repeated");
    }
  }
}

/** Compare text `row` of one column with text `other` of another, by bytes; below 0: it comes before. */
export function compareTexts(
  blob: Uint8Array,
  offsets: Uint32Array,
  row: number,
  otherBlob: Uint8Array,
  otherOffsets: Uint32Array,
  other: number,
): number {
  const start = offsets[row]!;
  const otherStart = otherOffsets[other]!;
  const length = offsets[row + 1]! - start;
  const otherLength = otherOffsets[other + 1]! - otherStart;
  const common = Math.min(length, otherLength);
  for (let i = 0; i < common; i++) {
    const step = blob[start + i]! - otherBlob[otherStart + i]!;
    if (step) return step;
  }
  return length - otherLength;
}

function requireKeys(columns: Columns): void {
  const keys = keysOf(columns);
  const offsets = numbers(columns, "view_offsets");
  const sorted = keys.slice().sort();
  let good = sorted.every((key, i) => i === 0 || key !== sorted[i - 1]);
  for (let product = 0; good && product + 1 < offsets.length; product++) {
    for (let view = offsets[product]! + 1; good && view < offsets[product + 1]!; view++)
      good = keys[view]! > keys[view - 1]!;
  }
  if (!good) throw new Malformed("the keys do not ascend within a product, or one is repeated");
}
