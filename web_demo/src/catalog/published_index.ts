/** The index of a catalogue, read as strictly as `edge.sync.index` does (docs/formats/index.md). */
import type { Bytes } from "./bytes.ts";
import { CATALOG, MAX_COUNT, MAX_NDIM, SHA256, SPACE } from "./columns.ts";
import { Malformed } from "./content.ts";
import { isFrame, statedLength, unpacked } from "./zstd.ts";

export const MAX_INDEX_BYTES = 2 ** 20;
const MAX_FILE_BYTES = 2 ** 32;

export interface PublishedFile {
  sha256: string;
  bytes: number;
  unpacked_bytes: number;
}

export interface Part {
  file: PublishedFile;
  products: number;
  views: number;
  category: string;
}

export interface PackFile {
  head: PublishedFile;
  entries: PublishedFile;
}

export interface Release {
  version: number;
  sha256: string;
  products: number;
  views: number;
  share: number;
  parts: Part[];
  thumbnails: PackFile | null;
  keypoints: PackFile | null;
  /** Thresholds for this release; only an index of schema 2 can name them. */
  calibration: PublishedFile | null;
}

export interface DeltaFile {
  base: string;
  target: string;
  file: PublishedFile;
}

export interface Generation {
  space_id: string;
  ndim: number;
  releases: Release[];
  deltas: DeltaFile[];
}

export interface Index {
  catalog: string;
  generations: Generation[];
}

type Check<T> = (value: unknown) => T;

/** Read an index whose length and hash have been checked; `Malformed` where it is none. */
export async function readIndex(data: Bytes): Promise<Index> {
  let value: unknown;
  const text = isFrame(data) ? await unframed(data) : data;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(text));
  } catch {
    throw new Malformed("it is no index of a catalogue");
  }
  const schema = (value as { schema?: unknown } | null)?.schema;
  if (schema !== 1 && schema !== 2)
    throw new Malformed(`index schema ${String(schema).slice(0, 20)}: a newer page is needed`);
  const generations = listed(generationOf(schema === 1 ? releaseOfSchema1 : release));
  const index = fields({ schema: whole(1, 2), catalog: named(CATALOG), generations })(value);
  requireDistinct(
    index.generations.map((one) => one.space_id),
    "generations",
  );
  return { catalog: index.catalog, generations: index.generations };
}

async function unframed(data: Bytes): Promise<Bytes> {
  const length = statedLength(data);
  if (length === null || length > MAX_INDEX_BYTES) throw new Malformed("its frame states no length, or too much");
  return unpacked(data, length);
}

const file: Check<PublishedFile> = (value) =>
  fields({ sha256: named(SHA256), bytes: whole(0, MAX_FILE_BYTES), unpacked_bytes: whole(0, MAX_FILE_BYTES) })(value);

const pack: Check<PackFile | null> = (value) => (value === null ? null : fields({ head: file, entries: file })(value));

const part: Check<Part> = (value) => {
  const found = fields({ file, products: whole(1, MAX_COUNT), views: whole(1, MAX_COUNT), category: text })(value);
  if (found.products > found.views) throw new Malformed("a part has more products than views");
  return found;
};

const release: Check<Release> = (value) => {
  const found = fields({
    version: whole(1, Number.MAX_SAFE_INTEGER),
    sha256: named(SHA256),
    products: whole(0, MAX_COUNT),
    views: whole(0, MAX_COUNT),
    share,
    parts: listed(part),
    thumbnails: pack,
    keypoints: pack,
    calibration: (one) => (one === null ? null : file(one)),
  })(value);
  const products = found.parts.reduce((sum, one) => sum + one.products, 0);
  const views = found.parts.reduce((sum, one) => sum + one.views, 0);
  if (found.products > found.views || (found.parts.length && (products !== found.products || views !== found.views))) {
    throw new Malformed(`the parts of version ${found.version} do not make it`);
  }
  return found;
};

const releaseOfSchema1: Check<Release> = (value) => {
  if (typeof value !== "object" || value === null || "calibration" in value)
    throw new Malformed("a release has keys of schema 2");
  return release({ ...value, calibration: null });
};

const delta: Check<DeltaFile> = (value) => fields({ base: named(SHA256), target: named(SHA256), file })(value);

const generationOf =
  (one: Check<Release>): Check<Generation> =>
  (value) => {
    const found = fields({
      space_id: named(SPACE),
      ndim: whole(1, MAX_NDIM),
      releases: listed(one),
      deltas: listed(delta),
    })(value);
    requireDistinct(
      found.releases.map((each) => each.sha256),
      "releases",
    );
    requireDistinct(
      found.deltas.map((each) => each.base + each.target),
      "deltas",
    );
    const [newest] = found.releases;
    const descend = found.releases.every((each, i) => i === 0 || each.version < found.releases[i - 1]!.version);
    if (!newest || !descend || (newest.products && !newest.parts.length)) {
      throw new Malformed("the releases of a generation must be there, descend by version and begin with parts");
    }
    return found;
  };

function fields<T>(checks: { [Name in keyof T]: Check<T[Name]> }): Check<T> {
  const names = Object.keys(checks) as (keyof T & string)[];
  return (value) => {
    const known = typeof value === "object" && value !== null ? Object.keys(value) : [];
    if (known.length !== names.length || !names.every((name) => known.includes(name))) {
      throw new Malformed(`an object must have exactly the keys ${names.join(", ")}`);
    }
    const given = value as Record<string, unknown>;
    return Object.fromEntries(names.map((name) => [name, checks[name](given[name])])) as T;
  };
}

function whole(low: number, high: number): Check<number> {
  return (value) => {
    if (!Number.isInteger(value) || (value as number) < low || (value as number) > high) {
      throw new Malformed(`${String(value).slice(0, 40)} is no whole number from ${low} to ${high}`);
    }
    return value as number;
  };
}

function named(pattern: RegExp): Check<string> {
  return (value) => {
    if (typeof value !== "string" || !pattern.test(value))
      throw new Malformed(`${String(value).slice(0, 80)} is no name`);
    return value;
  };
}

function listed<T>(check: Check<T>): Check<T[]> {
  return (value) => {
    if (!Array.isArray(value)) throw new Malformed("a list is expected");
    return value.map(check);
  };
}

function text(value: unknown): string {
  if (typeof value !== "string") throw new Malformed("a text is expected");
  return value;
}

function share(value: unknown): number {
  if (typeof value !== "number" || !(value > 0 && value <= 1)) throw new Malformed("share is not above 0 to 1");
  return value;
}

function requireDistinct(values: readonly string[], what: string): void {
  if (new Set(values).size !== values.length) throw new Malformed(`two ${what} are the same`);
}
