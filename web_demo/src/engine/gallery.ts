/**
 * Exact search over one or more shards, as docs/formats/shard.md has it: the query is quantized like a vector, dot
 * products are whole numbers, and the similarity is computed in float64, so every machine gets the same.
 */
import type { Catalog } from "../contract.ts";
import { failure } from "../problem.ts";
import { rint } from "../rounding.ts";

const LARGEST = 127;

/** A product that an object may be; `shard` is an index into the catalogues, similarity a cosine. */
export interface Candidate {
  readonly shard: number;
  readonly product_id: string;
  readonly title: string;
  readonly similarity: number;
}

/** Return what tells products of all shards apart. */
export function productOf({ shard, product_id }: Candidate): string {
  return `${shard} ${product_id}`;
}

/** The catalogues as they are searched. */
export interface Gallery {
  readonly catalogs: readonly Catalog[];
  /** The `count` nearest distinct products, best first; equal ones in the order of shards (newest first) and rows. */
  search(query: Int8Array, count: number): Candidate[];
}

interface Ranked {
  readonly place: number;
  readonly vectors: Int8Array;
  readonly view_offsets: Uint32Array;
  readonly inverse_lengths: Float64Array;
  readonly ids: readonly string[];
  readonly titles: readonly string[];
  /** Whether no newer shard has the product. */
  readonly current: readonly boolean[];
}

/** Quantize a vector by its own largest component: `round(v / max|v| * 127)`, half to even; zeros stay zero. */
export function quantize(vector: Float32Array): Int8Array {
  const largest = vector.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return Int8Array.from(vector, (value) => (largest > 0 ? rint((value / largest) * LARGEST) : 0));
}

/** Lay catalogues side by side; one of another embedding space or vector length is refused with a sentence. */
export function galleryOf(catalogs: readonly Catalog[], space_id: string, ndim: number): Gallery {
  for (const { name, space_id: theirs, ndim: length } of catalogs) {
    if (theirs !== space_id || length !== ndim) {
      throw failure(
        "space_mismatch",
        `The catalogue ${name.catalog} (version ${name.version}) was made for other models than this page has: ` +
          "reload the page, or ask for a catalogue of these models.",
        { catalog: name.catalog, version: name.version },
      );
    }
  }
  const ranked = newestFirst(catalogs);
  return { catalogs, search: (query, count) => search(ranked, ndim, query, count) };
}

function newestFirst(catalogs: readonly Catalog[]): Ranked[] {
  const seen = new Set<string>();
  const order = [...catalogs.keys()].sort((a, b) => catalogs[b]!.name.version - catalogs[a]!.name.version || a - b);
  return order.map((place) => {
    const { columns, ndim } = catalogs[place]!;
    const ids = texts(columns, "product_id");
    const current = ids.map((id) => !seen.has(id));
    ids.forEach((id) => seen.add(id));
    const vectors = new Int8Array(columns["vectors"]!);
    const view_offsets = new Uint32Array(columns["view_offsets"]!);
    const inverse_lengths = inverseLengths(vectors, ndim);
    return { place, vectors, view_offsets, inverse_lengths, ids, titles: texts(columns, "title"), current };
  });
}

/** Return all strings of a text column. */
function texts(columns: Catalog["columns"], name: string): string[] {
  const bytes = new Uint8Array(columns[name]!);
  const offsets = new Uint32Array(columns[`${name}_offsets`]!);
  const decoder = new TextDecoder();
  return Array.from({ length: offsets.length - 1 }, (_, i) =>
    decoder.decode(bytes.subarray(offsets[i]!, offsets[i + 1]!)),
  );
}

/** Return 1 / length of each row, 0 for a row of zeros. */
function inverseLengths(vectors: Int8Array, ndim: number): Float64Array {
  const found = new Float64Array(ndim > 0 ? vectors.length / ndim : 0);
  for (let row = 0; row < found.length; row++) {
    let sum = 0;
    for (let i = row * ndim; i < (row + 1) * ndim; i++) sum += vectors[i]! * vectors[i]!;
    found[row] = sum > 0 ? 1 / Math.sqrt(sum) : 0;
  }
  return found;
}

function search(ranked: readonly Ranked[], ndim: number, query: Int8Array, count: number): Candidate[] {
  const inverse = inverseLengths(query, ndim)[0]!;
  const best: { shard: Ranked; product: number; similarity: number }[] = [];
  for (const shard of ranked) {
    for (let product = 0; product < shard.ids.length; product++) {
      if (!shard.current[product]) continue;
      const similarity = productSimilarity(shard, product, query, ndim, inverse);
      if (best.length === count && similarity <= best[count - 1]!.similarity) continue;
      let at = best.length;
      while (at > 0 && best[at - 1]!.similarity < similarity) at--;
      best.splice(at, 0, { shard, product, similarity });
      if (best.length > count) best.pop();
    }
  }
  return best.map(({ shard, product, similarity }) => ({
    shard: shard.place,
    product_id: shard.ids[product]!,
    title: shard.titles[product]!,
    similarity: Math.fround(similarity),
  }));
}

/** Return the cosine of a product's best view. */
function productSimilarity(shard: Ranked, product: number, query: Int8Array, ndim: number, inverse: number): number {
  const { vectors, view_offsets, inverse_lengths } = shard;
  let best = -Infinity;
  for (let view = view_offsets[product]!; view < view_offsets[product + 1]!; view++) {
    let dot = 0;
    for (let i = 0, from = view * ndim; i < ndim; i++, from++) dot += query[i]! * vectors[from]!;
    best = Math.max(best, dot * inverse_lengths[view]! * inverse);
  }
  return best;
}
