/**
 * The models of a device and everything needed to run them: `bundle.json` (docs/formats/bundle.md), read and checked.
 *
 * Its publisher's tools have checked it thoroughly; here everything is checked that would otherwise show as a wrong tag:
 * schema, families, and the hash of each model before it is opened.
 */
import { failure } from "../problem.ts";
import { sha256 } from "../media/content_id.ts";
import type { Projection, Reading } from "./embedder.ts";
import { FAMILIES } from "./families/index.ts";
import type { Decoding } from "./families/family.ts";
import type { Preprocessing } from "./preprocessing.ts";

const SCHEMA = 1;

interface BundleFile {
  readonly file: string;
  readonly sha256: string;
  readonly bytes: number;
}

/** When a product is suggested: least similarity, and the lead below which a match is ambiguous. */
export interface Matching {
  readonly similarity_threshold: number;
  readonly margin_threshold: number;
}

/** What `bundle.json` says; `sha256` is the identity of the bundle. */
export interface Bundle {
  readonly url: string;
  readonly name: string;
  readonly sha256: string;
  readonly space_id: string;
  readonly detector: { model: BundleFile; preprocessing: Preprocessing; decoding: Decoding };
  readonly embedder: Omit<Reading, "projection"> & {
    model: BundleFile;
    preprocessing: Preprocessing;
    projection: BundleFile | null;
    crop_margin: number;
  };
  readonly matching: Matching;
}

/** Fetch and read a bundle's description; `url` is its folder, with a slash at the end. */
export async function loadBundle(url: string): Promise<Bundle> {
  const bytes = await fetched(new URL("bundle.json", url).href, () => {});
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw refused("bundle.json is not JSON");
  }
  return readBundle(value, url, await sha256(bytes));
}

/** Check a parsed description. */
export function readBundle(value: unknown, url: string, identity: string): Bundle {
  const top = record(value, "bundle.json");
  if (top["schema"] !== SCHEMA) throw refused(`its schema is ${String(top["schema"])}, this page reads ${SCHEMA}`);
  const detector = record(top["detector"], "detector");
  const embedder = record(top["embedder"], "embedder");
  const matching = record(top["matching"], "matching");
  return {
    url,
    name: text(top["name"], "name"),
    sha256: identity,
    space_id: text(top["space_id"], "space_id"),
    detector: {
      model: fileOf(detector["model"], "detector model"),
      preprocessing: preprocessingOf(detector["preprocessing"], "detector"),
      decoding: decodingOf(detector["decoding"]),
    },
    embedder: {
      model: fileOf(embedder["model"], "embedder model"),
      preprocessing: preprocessingOf(embedder["preprocessing"], "embedder"),
      output: text(embedder["output"], "embedder output"),
      ndim: number(embedder["ndim"], "embedder ndim", 1, 65536),
      projection: embedder["projection"] == null ? null : fileOf(embedder["projection"], "projection"),
      crop_margin: number(embedder["crop_margin"], "crop_margin", 0, 1),
      pooling: oneOf(embedder["pooling"] ?? "none", "pooling", ["none", "mean"]),
    },
    matching: {
      similarity_threshold: number(matching["similarity_threshold"], "similarity_threshold", -1, 1),
      margin_threshold: number(matching["margin_threshold"], "margin_threshold", 0, 2),
    },
  };
}

/** Fetch one file of a bundle and check its length and hash; `received` hears how many bytes came. */
export async function fetchFile(bundle: Bundle, file: BundleFile, received: (bytes: number) => void): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await fetched(new URL(file.file, bundle.url).href, received);
  if (bytes.length !== file.bytes || (await sha256(bytes)) !== file.sha256) {
    throw refused(`${file.file} is not the file that it names (cut or altered on the way)`);
  }
  return bytes;
}

/** Read a projection: an `.npy` file, float32 (raw + 1, ndim), the last row being the bias (NEP 1). */
export function readProjection(bytes: Uint8Array<ArrayBuffer>, ndim: number): Projection {
  const header = 10 + new DataView(bytes.buffer, bytes.byteOffset).getUint16(8, true);
  const values = new Float32Array(bytes.slice(header).buffer);
  const raw = values.length / ndim - 1;
  const said = new TextDecoder("latin1").decode(bytes.subarray(10, header));
  if (!said.includes("'<f4'") || said.includes("True") || !Number.isInteger(raw) || raw < 1) {
    throw refused("its projection is not a float32 matrix of its vectors' length");
  }
  return { raw, matrix: values.subarray(0, raw * ndim), bias: values.subarray(raw * ndim) };
}

async function fetched(url: string, received: (bytes: number) => void): Promise<Uint8Array<ArrayBuffer>> {
  let answer: Response;
  try {
    answer = await fetch(url);
  } catch {
    const sentence = "The models could not be fetched: look whether you are online, then reload the page.";
    throw failure("models_unreachable", sentence, { url });
  }
  if (!answer.ok || answer.body === null) {
    const sentence = `The models could not be fetched (the server said ${answer.status}): try again later.`;
    throw failure("models_unreachable", sentence, { url, status: answer.status });
  }
  const parts: Uint8Array<ArrayBuffer>[] = [];
  for await (const part of answer.body) {
    parts.push(part);
    received(part.length);
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

function preprocessingOf(value: unknown, where: string): Preprocessing {
  const given = record(value, `${where} preprocessing`);
  const triple = (key: string, otherwise: number): [number, number, number] => {
    const numbers = (given[key] ?? [otherwise, otherwise, otherwise]) as unknown[];
    const [a, b, c] = [0, 1, 2].map((i) => number(numbers[i], `${where} ${key}`, -1e6, 1e6));
    return [a!, b!, c!];
  };
  const size = given["size_wh"] as unknown[] | undefined;
  return {
    size_wh: [number(size?.[0], `${where} size_wh`, 1, 8192), number(size?.[1], `${where} size_wh`, 1, 8192)],
    resize: oneOf(given["resize"] ?? "letterbox", "resize", ["letterbox", "stretch"]),
    anchor: oneOf(given["anchor"] ?? "center", "anchor", ["center", "top_left"]),
    pad_value: number(given["pad_value"] ?? 114, "pad_value", 0, 255),
    colour: oneOf(given["colour"] ?? "RGB", "colour", ["RGB", "BGR"]),
    layout: oneOf(given["layout"] ?? "NCHW", "layout", ["NCHW", "NHWC"]),
    mean: triple("mean", 0),
    std: triple("std", 1),
    antialias: given["antialias"] !== false,
  };
}

function decodingOf(value: unknown): Decoding {
  const given = record(value, "decoding");
  const family = text(given["family"], "family");
  if (FAMILIES[family] === undefined) {
    const known = Object.keys(FAMILIES).join(", ");
    const sentence =
      `The models on this page have a detector of the family ${family}, which browsers do not read yet ` +
      `(they read ${known}): publish a bundle with one of these.`;
    throw failure("family_unknown", sentence, { family, known });
  }
  return {
    family,
    outputs: record(given["outputs"], "outputs") as Record<string, string>,
    strides: (given["strides"] ?? []) as number[],
    options: record(given["options"] ?? {}, "options"),
    score_threshold: number(given["score_threshold"] ?? 0.3, "score_threshold", 0, 1),
    iou_threshold: number(given["iou_threshold"] ?? 0.5, "iou_threshold", 0, 1),
    max_detections: number(given["max_detections"] ?? 300, "max_detections", 1, 100_000),
  };
}

function fileOf(value: unknown, what: string): BundleFile {
  const given = record(value, what);
  const file = text(given["file"], what);
  if (/[\\/]|^\.\.?$/.test(file)) throw refused(`${what} is named ${file}, which is no plain name`);
  return { file, sha256: text(given["sha256"], what), bytes: number(given["bytes"], what, 0, 2 ** 40) };
}

function record(value: unknown, what: string): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw refused(`${what} is no object`);
  return value as Record<string, unknown>;
}

function text(value: unknown, what: string): string {
  if (typeof value !== "string" || value === "") throw refused(`${what} is no text`);
  return value;
}

function number(value: unknown, what: string, least: number, most: number): number {
  if (typeof value !== "number" || !(value >= least && value <= most)) {
    throw refused(`${what} is ${String(value)}, expected ${least} to ${most}`);
  }
  return value;
}

function oneOf<T extends string>(value: unknown, what: string, choices: readonly T[]): T {
  const found = choices.find((choice) => choice === value);
  if (found === undefined) throw refused(`${what} is ${String(value)}, expected ${choices.join(" or ")}`);
  return found;
}

function refused(why: string): Error {
  const sentence = `The models on this page are refused (${why}): reload the page, or have them published again.`;
  return failure("bundle_refused", sentence, { why });
}
