/**
 * Applying a delta: kept rows, changed fields, views that go and come, added products (docs/formats/delta.md, Applying).
 *
 *     const columns = applied(base, delta);   // Malformed: a row that is not there, or a shard that none may be
 */
import { bytesOf, COLUMNS, countsOf, keysOf, numbers, TEXT_FIELDS, type Columns, type Values } from "./columns.ts";
import { compareTexts, Malformed, requireCanonical, requirePartition } from "./content.ts";
import type { Delta } from "./travel.ts";

/** A product of the result: row of the base, or below 0 the added row `-1 - row`. */
type Order = Int32Array;

/** Return the columns that a delta leads to, checked but for their identity; the base is not changed. */
export function applied(base: Columns, delta: Delta): Columns {
  const { ndim } = delta;
  const views = keysOf(base).length;
  if (base.vectors!.length !== views * ndim) throw new Malformed(`vectors of ${ndim} for a shard of another length`);
  const added = addedOf(delta);
  requireCanonical(added);
  const order = merged(base, added, delta);
  const result: Record<string, Values> = {};
  for (const field of TEXT_FIELDS) {
    const [blob, offsets] = wovenTexts(base, added, field, order, changedTexts(base, delta, field, order));
    result[field] = blob;
    result[`${field}_offsets`] = offsets;
  }
  result.in_stock = wovenStock(base, added, delta, order);
  Object.assign(result, wovenViews(base, added, delta, order));
  const ordered = Object.fromEntries(COLUMNS.map(([name]) => [name, result[name] as Values]));
  requireCanonical(ordered);
  return ordered;
}

function addedOf(delta: Delta): Columns {
  const added = Object.fromEntries(COLUMNS.map(([name]) => [name, delta.columns[`added_${name}`] as Values]));
  const { products, views } = countsOf(added);
  if (added.vectors!.length !== views * delta.ndim) throw new Malformed("the added vectors are of another length");
  requirePartition(numbers(added, "view_offsets"), products, views, "added_view_offsets", true);
  return added;
}

/** Return row numbers once they are known to ascend and to be below a limit. */
function rowsOf(delta: Delta, name: string, limit: number): Uint32Array {
  const rows = numbers(delta.columns, name);
  const good = rows.every((row, i) => row < limit && (i === 0 || row > rows[i - 1]!));
  if (!good) throw new Malformed(`${name} do not ascend below ${limit}`);
  return rows;
}

/** Return kept and added products in the order of their ids. */
function merged(base: Columns, added: Columns, delta: Delta): Order {
  const { products } = countsOf(base);
  const comes = countsOf(added).products;
  const goes = new Uint8Array(products);
  for (const row of rowsOf(delta, "removed_products", products)) goes[row] = 1;
  const ids = bytesOf(base, "product_id");
  const offsets = numbers(base, "product_id_offsets");
  const addedIds = bytesOf(added, "product_id");
  const addedOffsets = numbers(added, "product_id_offsets");
  const order: number[] = [];
  let next = 0;
  for (let row = 0; row < products; row++) {
    while (next < comes && compareTexts(addedIds, addedOffsets, next, ids, offsets, row) < 0) order.push(-1 - next++);
    if (!goes[row]) order.push(row);
  }
  while (next < comes) order.push(-1 - next++);
  return Int32Array.from(order);
}

/** Return for each row of the base the number of its new text, or -1. */
function changedTexts(base: Columns, delta: Delta, field: string, order: Order): Changed | null {
  if (field === "product_id") return null;
  const name = `changed_${field}`;
  const rows = rowsOf(delta, `${name}_rows`, countsOf(base).products);
  const blob = bytesOf(delta.columns, name);
  const offsets = numbers(delta.columns, `${name}_offsets`);
  requirePartition(offsets, rows.length, blob.length, name);
  return rows.length ? { at: placesOf(rows, base, order), blob, offsets } : null;
}

interface Changed {
  at: Int32Array;
  blob: Uint8Array;
  offsets: Uint32Array;
}

function placesOf(rows: Uint32Array, base: Columns, order: Order): Int32Array {
  const stays = new Uint8Array(countsOf(base).products);
  for (const row of order) if (row >= 0) stays[row] = 1;
  const at = new Int32Array(stays.length).fill(-1);
  rows.forEach((row, i) => {
    if (!stays[row]) throw new Malformed("a field changes of a product that goes");
    at[row] = i;
  });
  return at;
}

/** Copy texts in an order, run by run: nearly all of them follow one another in the base. */
function wovenTexts(
  base: Columns,
  added: Columns,
  field: string,
  order: Order,
  changed: Changed | null,
): [Uint8Array<ArrayBuffer>, Uint32Array<ArrayBuffer>] {
  const sources = [base, added].map((columns) => ({
    blob: bytesOf(columns, field) as Uint8Array,
    offsets: numbers(columns, `${field}_offsets`) as Uint32Array,
  }));
  if (changed) sources.push(changed);
  const offsets = new Uint32Array(order.length + 1);
  const pieces: { source: number; first: number; last: number }[] = [];
  let length = 0;
  order.forEach((place, i) => {
    const change = changed && place >= 0 ? changed.at[place]! : -1;
    const source = change >= 0 ? 2 : place >= 0 ? 0 : 1;
    const row = change >= 0 ? change : place >= 0 ? place : -1 - place;
    const from = sources[source]!.offsets;
    length += from[row + 1]! - from[row]!;
    offsets[i + 1] = length;
    const run = pieces.at(-1);
    if (run && run.source === source && run.last === row) run.last = row + 1;
    else pieces.push({ source, first: row, last: row + 1 });
  });
  if (length >= 2 ** 32) throw new Malformed(`texts of ${length} bytes do not fit one column`);
  const blob = new Uint8Array(length);
  let at = 0;
  for (const { source, first, last } of pieces) {
    const { blob: from, offsets: starts } = sources[source]!;
    const run = from.subarray(starts[first], starts[last]);
    blob.set(run, at);
    at += run.length;
  }
  return [blob, offsets];
}

function wovenStock(base: Columns, added: Columns, delta: Delta, order: Order): Uint8Array<ArrayBuffer> {
  const rows = rowsOf(delta, "changed_in_stock_rows", countsOf(base).products);
  const values = bytesOf(delta.columns, "changed_in_stock");
  if (values.length !== rows.length) throw new Malformed("changed_in_stock has another length than its rows");
  const at = placesOf(rows, base, order);
  const own = bytesOf(base, "in_stock");
  const coming = bytesOf(added, "in_stock");
  return Uint8Array.from(order, (place) =>
    place < 0 ? coming[-1 - place]! : at[place]! >= 0 ? values[at[place]!]! : own[place]!,
  );
}

/** Return keys, vectors and view_offsets of the result: product by product, what stays and what comes, by key. */
function wovenViews(base: Columns, added: Columns, delta: Delta, order: Order): Record<string, Values> {
  const { ndim } = delta;
  const sources = [
    base,
    added,
    { keys: delta.columns.grown_keys!, vectors: delta.columns.grown_vectors! },
  ] as Columns[];
  const grown = grownOf(base, delta, order);
  const goes = new Uint8Array(keysOf(base).length);
  for (const view of rowsOf(delta, "removed_views", goes.length)) goes[view] = 1;
  const offsets = new Uint32Array(order.length + 1);
  const chosen: { source: number; view: number }[] = [];
  order.forEach((place, i) => {
    const source = place >= 0 ? 0 : 1;
    const row = place >= 0 ? place : -1 - place;
    const from = numbers(sources[source]!, "view_offsets");
    const first = chosen.length;
    for (let view = from[row]!; view < from[row + 1]!; view++) if (source || !goes[view]) chosen.push({ source, view });
    const comes = source ? undefined : grown.get(row);
    if (comes) insertByKey(chosen, first, comes, sources);
    offsets[i + 1] = chosen.length;
  });
  const keys = new BigUint64Array(chosen.length);
  const vectors = new Int8Array(chosen.length * ndim);
  chosen.forEach(({ source, view }, i) => {
    keys[i] = keysOf(sources[source]!)[view]!;
    vectors.set((sources[source]!.vectors as Int8Array).subarray(view * ndim, (view + 1) * ndim), i * ndim);
  });
  return { keys, vectors, view_offsets: offsets };
}

function insertByKey(
  chosen: { source: number; view: number }[],
  first: number,
  comes: number[],
  sources: Columns[],
): void {
  const own = [...chosen.splice(first), ...comes.map((view) => ({ source: 2, view }))];
  const keyOf = (one: { source: number; view: number }) => keysOf(sources[one.source]!)[one.view]!;
  own.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  for (const one of own) chosen.push(one);
}

/** Return the views that come to products of the base that stay, by row. */
function grownOf(base: Columns, delta: Delta, order: Order): Map<number, number[]> {
  const rows = numbers(delta.columns, "grown_rows");
  const { ndim } = delta;
  if (delta.columns.grown_keys!.length !== rows.length || delta.columns.grown_vectors!.length !== rows.length * ndim) {
    throw new Malformed("grown rows, keys and vectors are not of one length");
  }
  const stays = new Uint8Array(countsOf(base).products);
  for (const place of order) if (place >= 0) stays[place] = 1;
  const grown = new Map<number, number[]>();
  rows.forEach((row, view) => {
    if (!stays[row]) throw new Malformed("a view is added to a product that is not there");
    grown.set(row, [...(grown.get(row) ?? []), view]);
  });
  return grown;
}
