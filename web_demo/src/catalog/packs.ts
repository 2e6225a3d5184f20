/** Thumbnails, one by one: the head says where each lies and what its hash is; entries come by range (docs/formats/index.md). */
import type { Line } from "../network/line.ts";
import { hex, sha256, type Bytes } from "./bytes.ts";
import { MAX_COUNT, sizeOf, valuesAt } from "./columns.ts";
import { Malformed, requirePartition } from "./content.ts";
import { npyHeader, ownFile } from "./opened.ts";
import { readHeader } from "./travel.ts";
import { canonicalJson, utf8 } from "./bytes.ts";

const MAX_HEADER_BYTES = 2 ** 12;
const MAX_ENTRY_BYTES = 3_000;

/** Where the entries of a pack lie, and what they must be. */
export interface Pack {
  keys: BigUint64Array;
  /** 32 bytes an entry. */
  hashes: Uint8Array;
  offsets: Uint32Array;
  /** File of the entries, below the address of the line. */
  path: string;
  /** Byte of the file at which the entries begin. */
  start: number;
}

/** Where one entry lies, first byte and the byte after its last, and its SHA-256. */
export interface Entry {
  first: number;
  end: number;
  sha256: string;
}

/** Return where the entry with a key lies; null where the pack has none. */
export function entryOf(pack: Pack, key: bigint): Entry | null {
  let [low, high] = [0, pack.keys.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (pack.keys[middle]! < key) low = middle + 1;
    else high = middle;
  }
  if (pack.keys[low] !== key) return null;
  const hash = hex(pack.hashes.subarray(32 * low, 32 * low + 32));
  return { first: pack.start + pack.offsets[low]!, end: pack.start + pack.offsets[low + 1]!, sha256: hash };
}

/** Fetch one entry, checked; null where it cannot be had. A server without ranges sends the file, of which this takes its part. */
export async function fetchEntry(line: Line, pack: Pack, entry: Entry): Promise<Bytes | null> {
  const whole = pack.start + pack.offsets.at(-1)!;
  const headers = { Range: `bytes=${entry.first}-${entry.end - 1}` };
  const answer = await line.ask(pack.path, { most: whole + 64, headers });
  const ranged = answer.status === 206;
  if (!ranged && answer.status !== 200) return null;
  const bytes = ranged ? answer.body : answer.body.slice(entry.first, entry.end);
  return bytes.length <= MAX_ENTRY_BYTES && (await sha256(bytes)) === entry.sha256 ? bytes : null;
}

/** Read the head of a published pack of thumbnails; `Malformed` where it is none. */
export function readPackHead(data: Bytes, path: string, length: number): Pack {
  const { value, end } = readHeader(data, MAX_HEADER_BYTES);
  const count = value.count as number;
  const known =
    value.schema === 1 && value.pack === "thumbnails" && value.entries_schema === 1 && Object.keys(value).length === 4;
  const expected = end + 44 * count + 4;
  if (
    !known ||
    !Number.isInteger(count) ||
    count < 0 ||
    count > MAX_COUNT ||
    data.length !== expected + ((8 - (expected % 8)) % 8)
  ) {
    throw new Malformed("it is not the head of a pack of thumbnails");
  }
  const pack: Pack = {
    keys: valuesAt(data, "<u8", end, count) as BigUint64Array,
    hashes: valuesAt(data, "|u1", end + 8 * count, 32 * count) as Uint8Array,
    offsets: valuesAt(data, "<u4", end + 40 * count, count + 1) as Uint32Array,
    path,
    start: 0,
  };
  requirePack(pack, length);
  return pack;
}

/** Fetch what is needed of the thumbnails that lie beside the page as a folder; null where there are none. */
export async function fetchFolderPack(line: Line, folder: string): Promise<Pack | null> {
  try {
    const manifest = JSON.parse(new TextDecoder().decode(await ownFile(line, `${folder}thumbnails.json`, 2 ** 16)));
    const described = manifest.columns as {
      name: string;
      dtype: "|u1" | "<u4" | "<u8";
      shape: number[];
      bytes: number;
      sha256: string;
    }[];
    const [keys, hashes, offsets, pictures] = described;
    const two = [keys!, hashes!].map(({ name, sha256 }) => ({ name, sha256 }));
    const identity = await sha256(utf8(canonicalJson({ schema: 1, columns: two })));
    if (
      manifest.schema !== 1 ||
      identity !== manifest.sha256 ||
      described.map((c) => c.name).join() !== "keys,sha256,offsets,pictures"
    )
      return null;
    const values = await Promise.all(
      [keys!, hashes!, offsets!].map(async (column) => {
        const header = npyHeader(column.dtype, column.shape);
        const file = await ownFile(line, `${folder}${column.name}.npy`, header.length + column.bytes);
        const found = valuesAt(file, column.dtype, header.length, column.bytes / sizeOf(column.dtype));
        if ((await sha256(new Uint8Array(found.buffer))) !== column.sha256)
          throw new Malformed(`${column.name} was altered`);
        return found;
      }),
    );
    const pack: Pack = {
      keys: values[0] as BigUint64Array,
      hashes: values[1] as Uint8Array,
      offsets: values[2] as Uint32Array,
      path: `${folder}pictures.npy`,
      start: npyHeader("|u1", pictures!.shape).length,
    };
    requirePack(pack, pictures!.bytes);
    return pack;
  } catch {
    return null; // a catalogue without pictures can be searched all the same
  }
}

function requirePack(pack: Pack, length: number): void {
  requirePartition(pack.offsets, pack.keys.length, length, "offsets");
  const ascends = pack.keys.every((key, i) => i === 0 || key > pack.keys[i - 1]!);
  if (!ascends || pack.hashes.length !== 32 * pack.keys.length)
    throw new Malformed("keys or hashes of the pack are not in order");
}
