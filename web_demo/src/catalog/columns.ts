/** Columns of a shard, their one order, and the identity that follows from them (docs/formats/shard.md). */
import { canonicalJson, sha256, utf8, type Bytes } from "./bytes.ts";

export const TEXT_FIELDS = [
  "product_id",
  "title",
  "price",
  "currency",
  "url",
  "image_url",
  "brand",
  "category",
  "region",
] as const;
export type TextField = (typeof TEXT_FIELDS)[number];

export type Dtype = "|i1" | "|u1" | "<u4" | "<u8";
export type Values =
  Int8Array<ArrayBuffer> | Uint8Array<ArrayBuffer> | Uint32Array<ArrayBuffer> | BigUint64Array<ArrayBuffer>;
export type Columns = Readonly<Record<string, Values>>;

/** Name and dtype of every column of a shard, in their order. */
export const COLUMNS: readonly (readonly [string, Dtype])[] = [
  ["keys", "<u8"],
  ["vectors", "|i1"],
  ["view_offsets", "<u4"],
  ...TEXT_FIELDS.flatMap((field): [string, Dtype][] => [
    [field, "|u1"],
    [`${field}_offsets`, "<u4"],
  ]),
  ["in_stock", "|u1"],
];

export const MAX_NDIM = 65_536;
export const MAX_COUNT = 2 ** 31 - 1;
export const CATALOG = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
export const SPACE = /^[A-Za-z0-9:._-]{1,128}$/;
export const SHA256 = /^[0-9a-f]{64}$/;

const SIZES: Readonly<Record<Dtype, number>> = { "|i1": 1, "|u1": 1, "<u4": 4, "<u8": 8 };

/** Return the length of one value in bytes. */
export function sizeOf(dtype: Dtype): number {
  return SIZES[dtype];
}

/** Return `count` values that begin at a byte, copied, so that they are aligned; browsers are little-endian. */
export function valuesAt(data: Bytes, dtype: Dtype, start: number, count: number): Values {
  const copied = data.slice(start, start + count * SIZES[dtype]).buffer;
  switch (dtype) {
    case "|i1":
      return new Int8Array(copied);
    case "|u1":
      return new Uint8Array(copied);
    case "<u4":
      return new Uint32Array(copied);
    case "<u8":
      return new BigUint64Array(copied);
  }
}

/** Return a column of whole numbers by name; what checked columns always have. */
export function numbers(columns: Columns, name: string): Uint32Array<ArrayBuffer> {
  return columns[name] as Uint32Array<ArrayBuffer>;
}

/** Return a column of bytes by name. */
export function bytesOf(columns: Columns, name: string): Bytes {
  return columns[name] as Bytes;
}

/** Return the keys of the views. */
export function keysOf(columns: Columns): BigUint64Array<ArrayBuffer> {
  return columns.keys as BigUint64Array<ArrayBuffer>;
}

/** Return how many products and views columns hold. */
export function countsOf(columns: Columns): { products: number; views: number } {
  return { products: bytesOf(columns, "in_stock").length, views: keysOf(columns).length };
}

/** Return the bytes of values as they are hashed and stored. */
export function rawBytes(values: Values): Bytes {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

/** Return shape of a column as a manifest states it. */
export function shapeOf(name: string, values: Values, ndim: number): number[] {
  return name === "vectors" ? [values.length / ndim, ndim] : [values.length];
}

/** Return the identity in hex of the shard that columns make. */
export async function identity(space_id: string, ndim: number, columns: Columns): Promise<string> {
  const described = await Promise.all(
    COLUMNS.map(async ([name, dtype]) => {
      const values = columns[name] as Values;
      return { name, dtype, shape: shapeOf(name, values, ndim), sha256: await sha256(rawBytes(values)) };
    }),
  );
  return identityOf(space_id, ndim, described);
}

/** Return the identity that follows from columns that are described. */
export async function identityOf(
  space_id: string,
  ndim: number,
  described: readonly { name: string; dtype: string; shape: number[]; sha256: string }[],
): Promise<string> {
  return sha256(utf8(canonicalJson({ schema: 1, space_id, ndim, columns: described })));
}

/** Return the columns of a shard without products. */
export function emptyColumns(): Columns {
  return Object.fromEntries(
    COLUMNS.map(([name, dtype]) => [name, valuesAt(new Uint8Array(8), dtype, 0, name.endsWith("_offsets") ? 1 : 0)]),
  );
}
