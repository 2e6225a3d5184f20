/** How a delta travels: a short header and the columns end to end, in one zstd frame (docs/formats/delta.md, The file). */
import type { Bytes } from "./bytes.ts";
import {
  COLUMNS,
  MAX_NDIM,
  SHA256,
  sizeOf,
  SPACE,
  TEXT_FIELDS,
  valuesAt,
  type Columns,
  type Dtype,
  type Values,
} from "./columns.ts";
import { Malformed } from "./content.ts";

const MAGIC = [0x89, 0x54, 0x41, 0x47, 0x4c, 0x45, 0x54, 0x0a];
const MAX_HEADER_BYTES = 2 ** 14;
const KEYS = "base,columns,ndim,schema,space_id,target";
const decoder = new TextDecoder("utf-8", { fatal: true });

/** The way from one state of a catalogue to another; `base` and `target` are null of a part, which adds products. */
export interface Delta {
  base: string | null;
  target: string | null;
  space_id: string;
  ndim: number;
  columns: Columns;
}

interface Header extends Omit<Delta, "columns"> {
  columns: [string, number][];
}

const changeable = TEXT_FIELDS.filter((field) => field !== "product_id");

/** Name and dtype of every column of a delta, in the order of the format. */
export const DELTA_COLUMNS: readonly (readonly [string, Dtype])[] = [
  ["removed_products", "<u4"],
  ["removed_views", "<u4"],
  ...changeable.flatMap((field): [string, Dtype][] => [
    [`changed_${field}_rows`, "<u4"],
    [`changed_${field}`, "|u1"],
    [`changed_${field}_offsets`, "<u4"],
  ]),
  ["changed_in_stock_rows", "<u4"],
  ["changed_in_stock", "|u1"],
  ["grown_rows", "<u4"],
  ["grown_keys", "<u8"],
  ["grown_vectors", "|i1"],
  ...COLUMNS.map(([name, dtype]): [string, Dtype] => [`added_${name}`, dtype]),
];

/** Where a header with such a magic ends, and its value; packs have one too. */
export function readHeader(content: Bytes, most: number): { value: Record<string, unknown>; end: number } {
  const length = content.length >= 12 ? new DataView(content.buffer, content.byteOffset).getUint32(8, true) : 0;
  const end = 12 + length;
  if (!MAGIC.every((byte, i) => content[i] === byte))
    throw new Malformed("it does not begin as a file of this kit does");
  if (length > most || end > content.length || end % 8)
    throw new Malformed(`its header of ${length} bytes does not fit`);
  let value: unknown;
  try {
    value = JSON.parse(decoder.decode(content.subarray(12, end)));
  } catch {
    throw new Malformed("its header is no JSON");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new Malformed("its header is no object");
  return { value: value as Record<string, unknown>, end };
}

/** Read the content of a file of one delta; `Malformed` where it is none. */
export function readDelta(content: Bytes): Delta {
  const { value, end } = readHeader(content, MAX_HEADER_BYTES);
  if (value.schema !== 1)
    throw new Malformed(`delta schema ${String(value.schema).slice(0, 20)}: a newer page is needed`);
  const header = requireHeader(value);
  const columns: Record<string, Values> = nothing();
  let at = end;
  for (const [name, dtype, count] of layout(header)) {
    const bytes = count * sizeOf(dtype);
    if (at + bytes > content.length) throw new Malformed("it ends before its columns do");
    columns[name] = summed(valuesAt(content, dtype, at, count), dtype);
    at += bytes + ((8 - (bytes % 8)) % 8);
  }
  if (at !== content.length) throw new Malformed(`${content.length} bytes where its columns end at ${at}`);
  return { ...header, columns };
}

function requireHeader(value: Record<string, unknown>): Header {
  const { base, target, space_id, ndim, columns } = value;
  const hashes = [base, target];
  const twoHashes = hashes.every((hash) => typeof hash === "string" && SHA256.test(hash));
  const good =
    Object.keys(value).sort().join() === KEYS &&
    (twoHashes || hashes.every((hash) => hash === null)) &&
    typeof space_id === "string" &&
    SPACE.test(space_id) &&
    Number.isInteger(ndim) &&
    (ndim as number) >= 1 &&
    (ndim as number) <= MAX_NDIM &&
    Array.isArray(columns);
  if (!good) throw new Malformed("its header is not that of a delta");
  return value as unknown as Header;
}

/** Return name, dtype and number of values of the columns that are listed, which must come in the format's order. */
function layout(header: Header): [string, Dtype, number][] {
  const listed = new Map<string, number>();
  for (const pair of header.columns) {
    const [name, count] = (Array.isArray(pair) ? pair : []) as unknown[];
    if (
      typeof name !== "string" ||
      typeof count !== "number" ||
      !Number.isInteger(count) ||
      count <= 0 ||
      count >= 2 ** 32 ||
      listed.has(name)
    ) {
      throw new Malformed("a column is listed twice or without a length");
    }
    listed.set(name, count);
  }
  const known = DELTA_COLUMNS.filter(([name]) => listed.has(name));
  if (known.map(([name]) => name).join() !== [...listed.keys()].join())
    throw new Malformed("columns are unknown or not in order");
  return known.map(([name, dtype]) => [name, dtype, listed.get(name)! * (name.endsWith("vectors") ? header.ndim : 1)]);
}

/** Undo that numbers of four bytes travel as steps from the one before. */
function summed(values: Values, dtype: Dtype): Values {
  if (dtype === "<u4") {
    const numbers = values as Uint32Array<ArrayBuffer>;
    for (let i = 1; i < numbers.length; i++) numbers[i]! += numbers[i - 1]!;
  }
  return values;
}

function nothing(): Record<string, Values> {
  return Object.fromEntries(
    DELTA_COLUMNS.map(([name, dtype]) => [
      name,
      valuesAt(new Uint8Array(8), dtype, 0, name.endsWith("_offsets") ? 1 : 0),
    ]),
  );
}
