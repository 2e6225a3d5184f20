/** What Python makes of small inputs (`tests/web/engine/steps.py` writes the file), and those inputs. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Decoding } from "../src/engine/families/family.ts";
import type { Preprocessing } from "../src/engine/preprocessing.ts";
import type { Picture, Size } from "../src/media/picture.ts";

interface Steps {
  resized: { from: Size; into: Size; antialias: boolean; sha256: string }[];
  fed: { rule: Partial<Preprocessing>; from: Size; placement: { scale_xy: Size; offset_xy: Size }; sha256: string }[];
  decoded: {
    decoding: Decoding;
    size_wh: Size;
    outputs: Record<string, { dims: number[]; data: number[] }>;
    detections: { xyxy: number[]; confidence: number[] };
  }[];
  boxes: {
    xyxy: number[];
    confidence: number[];
    kept: Record<string, number[]>;
    crops: Record<string, Size[]>;
    by_prominence: number[];
    aimed_at: boolean[];
    product: number[];
    part: boolean[];
  };
  searched: {
    shards: { version: number; columns: Record<string, number[]> }[];
    queries: number[][];
    quantized: number[][];
    candidates: [number, string, string, number][][];
  };
  contents: { bytes: number; content_id: string }[];
  glimpses: { size_wh: Size; cells: number; sha256: string }[];
  measured: { from: Size; sharpness: number; patch: number[] }[];
  sampled: { every_s: number; times: number[]; wanted: boolean[] }[];
  rounded: [number, number, number][];
  tag_id: { of: [string, string, string, string, number]; is: string };
}

export const STEPS: Steps = JSON.parse(readFileSync(new URL("./steps.json", import.meta.url), "utf8"));

/** The byte at a place of an endless, uneven row of bytes. */
export function valueAt(place: number): number {
  return (place * 7919 + Math.floor(place / 13) * 101 + (Math.floor(place / 7) % 5) * 47) % 256;
}

export function picture([width, height]: Size): Picture {
  const rgba = new Uint8ClampedArray(width * height * 4);
  for (let i = 0; i < width * height; i++) {
    for (let channel = 0; channel < 3; channel++) rgba[i * 4 + channel] = valueAt(i * 3 + channel);
  }
  return { width, height, rgba };
}

export function digest(bytes: Uint8Array | Float32Array): string {
  return createHash("sha256").update(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)).digest("hex");
}
