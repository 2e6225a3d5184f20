/** A shard that has been checked: from the vault's one file, or from a folder of columns as docs/formats/shard.md has it. */
import type { Line } from "../network/line.ts";
import { sha256, utf8, type Bytes } from "./bytes.ts";
import {
  bytesOf,
  CATALOG,
  COLUMNS,
  countsOf,
  identity,
  identityOf,
  keysOf,
  MAX_COUNT,
  MAX_NDIM,
  rawBytes,
  sizeOf,
  SPACE,
  valuesAt,
  type Columns,
  type Dtype,
  type Values,
} from "./columns.ts";
import { Malformed, requireCanonical } from "./content.ts";

const MAX_JSON_BYTES = 2 ** 20;
const NPY = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 0x01, 0x00];

export interface Opened {
  catalog: string;
  version: number;
  space_id: string;
  ndim: number;
  sha256: string;
  columns: Columns;
}

interface Described {
  name: string;
  file: string;
  dtype: Dtype;
  shape: number[];
  bytes: number;
  sha256: string;
}

/** Return the file in which the vault keeps a shard: its names, lengths of its columns, the columns end to end. */
export function shardFile(shard: Opened): Bytes {
  const { columns, ...named } = shard;
  const lengths = COLUMNS.map(([name]) => (columns[name] as Values).length);
  const header = utf8(JSON.stringify({ ...named, lengths }));
  const values = COLUMNS.map(([name]) => rawBytes(columns[name] as Values));
  const file = new Uint8Array(4 + header.length + values.reduce((sum, one) => sum + one.length, 0));
  new DataView(file.buffer).setUint32(0, header.length, true);
  file.set(header, 4);
  let at = 4 + header.length;
  for (const one of values) {
    file.set(one, at);
    at += one.length;
  }
  return file;
}

/** Open the vault's file of a shard; `Malformed` unless it has the identity that it was kept under. */
export async function openShardFile(file: Bytes, promised: string): Promise<Opened> {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const end = 4 + view.getUint32(0, true);
  const { lengths, ...named } = JSON.parse(new TextDecoder().decode(file.subarray(4, end))) as Omit<
    Opened,
    "columns"
  > & { lengths: number[] };
  const columns: Record<string, Values> = {};
  let at = end;
  COLUMNS.forEach(([name, dtype], i) => {
    const count = lengths[i]!;
    if (!(at + count * sizeOf(dtype) <= file.length)) throw new Malformed("it is cut short");
    columns[name] = valuesAt(file, dtype, at, count);
    at += count * sizeOf(dtype);
  });
  if ((await identity(named.space_id, named.ndim, columns)) !== promised) throw new Malformed("it was altered");
  requireCanonical(columns);
  return { ...named, sha256: promised, columns };
}

/** Fetch and check a shard that lies beside the page as a folder; `Malformed` where it is not what it says. */
export async function fetchShard(line: Line, folder: string): Promise<Opened> {
  const described = await readDescription(await ownFile(line, `${folder}shard.json`, MAX_JSON_BYTES));
  const files = await Promise.all(
    described.columns.map((column) =>
      ownFile(line, folder + column.file, column.bytes + npyHeader(column.dtype, column.shape).length),
    ),
  );
  const columns: Record<string, Values> = {};
  for (const [i, column] of described.columns.entries()) columns[column.name] = await columnOf(files[i]!, column);
  requireCanonical(columns);
  const { catalog, version, space_id, ndim, sha256 } = described;
  return { catalog, version, space_id, ndim, sha256, columns };
}

async function readDescription(text: Bytes): Promise<Omit<Opened, "columns"> & { columns: Described[] }> {
  const value = JSON.parse(new TextDecoder().decode(text)) as Record<string, unknown> & {
    columns: Described[];
    ndim: number;
  };
  const { version, ndim, views, products } = value as unknown as Record<string, number>;
  const counts = [version, ndim, views, products].every((n) => Number.isSafeInteger(n) && n! >= 0);
  const good =
    value.schema === 1 &&
    counts &&
    version! >= 1 &&
    ndim! >= 1 &&
    ndim! <= MAX_NDIM &&
    products! <= views! &&
    views! <= MAX_COUNT &&
    CATALOG.test(String(value.catalog)) &&
    SPACE.test(String(value.space_id)) &&
    Array.isArray(value.columns);
  if (!good) throw new Malformed("shard.json does not describe a shard that this page reads");
  const expected = COLUMNS.map(([name, dtype]) => {
    const shape =
      name === "keys"
        ? [views]
        : name === "vectors"
          ? [views, ndim]
          : name === "in_stock"
            ? [products]
            : [products! + 1];
    return [name, dtype, name.endsWith("_offsets") || ["keys", "vectors", "in_stock"].includes(name) ? shape : null];
  });
  const found = value.columns.map((column, i) => [
    column.name,
    column.dtype,
    expected[i]?.[2] === null ? null : column.shape,
  ]);
  const lengths = value.columns.every(
    (c) => c.file === `${c.name}.npy` && c.bytes === c.shape.reduce((a, b) => a * b, sizeOf(c.dtype)),
  );
  if (JSON.stringify(found) !== JSON.stringify(expected) || !lengths)
    throw new Malformed("shard.json names other columns than a shard has");
  const described = value.columns.map(({ name, dtype, shape, sha256 }) => ({ name, dtype, shape, sha256 }));
  if ((await identityOf(value.space_id as string, ndim!, described)) !== value.sha256)
    throw new Malformed("shard.json was altered");
  return value as unknown as Omit<Opened, "columns"> & { columns: Described[] };
}

async function columnOf(file: Bytes, column: Described): Promise<Values> {
  const header = npyHeader(column.dtype, column.shape);
  const values = file.subarray(header.length);
  if (values.length !== column.bytes || !header.every((byte, i) => byte === file[i]))
    throw new Malformed(`${column.file} is no such column`);
  const values_ = valuesAt(values as Bytes, column.dtype, 0, column.bytes / sizeOf(column.dtype));
  if ((await sha256(rawBytes(values_))) !== column.sha256) throw new Malformed(`${column.file} was altered`);
  return values_;
}

/** Return the header that a column's file begins with (numpy NEP 1, as docs/formats/shard.md fixes it). */
export function npyHeader(dtype: string, shape: readonly number[]): Bytes {
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`;
  const text = `{'descr': '${dtype}', 'fortran_order': False, 'shape': ${tuple}, }`;
  const padding = (64 - ((NPY.length + 2 + text.length + 1) % 64)) % 64;
  const length = text.length + padding + 1;
  return Uint8Array.from([...NPY, length & 255, length >> 8, ...utf8(`${text}${" ".repeat(padding)}\n`)]);
}

/** Return a file that lies beside the page. */
export async function ownFile(line: Line, path: string, most: number): Promise<Bytes> {
  const answer = await line.ask(path, { most, ownFile: true });
  if (answer.status !== 200) throw new Malformed(`${path} is not beside the page (status ${answer.status})`);
  return answer.body;
}

/** Whether two counts of a release are those of columns. */
export function hasCounts(columns: Columns, products: number, views: number): boolean {
  const found = countsOf(columns);
  return (
    found.products === products &&
    found.views === views &&
    keysOf(columns).length === views &&
    bytesOf(columns, "in_stock").length === products
  );
}
