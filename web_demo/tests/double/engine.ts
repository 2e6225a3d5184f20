/** An engine that finds what a file's name asks for, at the pace of the address: `?pace=100` are milliseconds a step. */
import type { Box, Capabilities, Engine, Found, Progress, Shown, Tag } from "../../src/contract.ts";
import { failure } from "../../src/problem.ts";
import { drawing, PRODUCTS } from "./products.ts";

const STEPS = 6;
const DURATION_S = 6;

const CAPABILITIES: Capabilities = {
  webgpu: false,
  threads: 2,
  simd: true,
  isolated: true,
  chosen: "wasm",
  measured_ms: { wasm: 41.3 },
  sentence: "Runs on the processor with 2 threads: this browser has no graphics adapter for it.",
};

/** Files whose names begin so fail, with the sentence that the real engine has for it. */
const FAILURES: Readonly<Record<string, readonly [string, string]>> = {
  broken: ["not_media", "broken.mp4 is no picture or video that can be read: choose a JPEG, PNG, WebP, MP4 or WebM file."],
  hung: ["worker_hung", "The part of the page that looks at pictures hung and was started again: try again."],
};

export function doubleEngine(pace_ms: number): Engine {
  return {
    open: async (_url, _catalogs, heard) => {
      for (let part = 0; part <= 4; part++) {
        heard?.({ received_bytes: part * 1e6, total_bytes: 4e6 });
        await pause(pace_ms);
      }
      return CAPABILITIES;
    },
    replace: async () => undefined,
    tag: async (file, heard, cancelled) => {
      const failing = FAILURES[file.name.split(".")[0] ?? ""];
      for (let step = 1; step <= STEPS; step++) {
        await pause(pace_ms);
        if (cancelled.aborted) throw failure("cancelled", "Cancelled.");
        if (failing && step === 3) throw failure(...failing);
        heard.progress(progress(step));
        heard.found(await found(file, step / STEPS));
      }
      return found(file, 1);
    },
    search: async () => PRODUCTS.slice(1, 5).map(({ product_id }, n) => ({ product_id, similarity: 0.66 - n / 20 })),
    close: () => undefined,
  };
}

function progress(step: number): Progress {
  const done_s = (DURATION_S * step) / STEPS;
  return { done_s, duration_s: DURATION_S, frames_detected: step * 4, left_s: step < 2 ? null : (STEPS - step) * 3, paused: false };
}

async function found(file: File, share: number): Promise<Found> {
  const image = file.type.startsWith("image/");
  const nothing = file.name.startsWith("nothing");
  const partial = file.name.startsWith("partial");
  const shown = await everything();
  const id = await seed(file.name);
  const tags = nothing ? [] : TAGS.slice(0, Math.ceil(share * TAGS.length)).map((tag) => ({ ...tag, tag_id: id + tag.tag_id }));
  return {
    content_id: "0".repeat(64),
    document: {
      schema: 1,
      bundle: { name: "taglet", sha256: "a".repeat(64), space_id: "b".repeat(64) },
      shards: [{ catalog: "demo", version: 3, items: 40, sha256: "c".repeat(64) }],
      second_look: false,
      sources: [
        {
          path: file.name,
          kind: image ? "image" : "video",
          duration_s: image ? 0 : DURATION_S,
          resolution_wh: [640, 360],
          partial,
          frames_decoded: 180,
          frames_detected: 24,
          crops_embedded: 31,
          error: partial ? "The file ends in the middle of a frame: 4.0 of 6.0 s could be read." : null,
          tags,
          unmatched: share === 1 && !nothing ? [{ start_s: 3, end_s: 3.6, xyxy: [300, 60, 380, 200] }] : [],
        },
      ],
      timing_ms: { decode: 1, detect: 2, embed: 3, search: 4, total: 10 },
    },
    shown: shown.map((thing) => ({ ...thing, id: thing.id.startsWith("unmatched") ? thing.id : id + thing.id })),
  };
}

const TAGS: Tag[] = [
  tag("00000001", "match", "oat-1l", 0.93, 0.12, 0.5, 3.4, [60, 60, 160, 300]),
  tag("00000002", "ambiguous", "jam-quince", 0.86, 0.01, 1.2, 2.2, [220, 100, 300, 260]),
  tag("00000003", "match", "soap-cedar", 0.81, 0.06, 3.2, 3.5, [420, 150, 520, 250]),
  tag("00000004", "match", "tea-mint", 0.88, 0.09, 4.1, 5.8, [330, 90, 460, 280]),
];

function tag(
  tag_id: string,
  status: Tag["status"],
  product_id: string,
  similarity: number,
  margin: number,
  start_s: number,
  end_s: number,
  xyxy: Box,
): Tag {
  const place = PRODUCTS.findIndex((product) => product.product_id === product_id);
  const others = [...PRODUCTS.slice(place + 1), ...PRODUCTS.slice(0, place)].slice(0, 4);
  return {
    tag_id,
    status,
    product_id,
    title: PRODUCTS[place]!.title,
    shard: 0,
    similarity,
    margin,
    start_s,
    end_s,
    best: { timestamp_s: (start_s + end_s) / 2, xyxy },
    alternatives: others.map(({ product_id }, n) => ({ product_id, similarity: similarity - margin - n / 20 })),
  };
}

async function everything(): Promise<Shown[]> {
  const vector = new Int8Array(128).fill(7);
  const tagged = TAGS.map(async ({ tag_id, product_id, start_s, end_s, best: { xyxy } }): Promise<Shown> => {
    const trail = times(start_s, end_s).map((time, n) => [time, shifted(xyxy, 12 * n)] as const);
    return { id: tag_id, crop: await drawing(product_id), trail, vector };
  });
  const crop = await drawing("none");
  const trail = times(3, 3.6).map((time) => [time, [300, 60, 380, 200] as const] as const);
  return [...(await Promise.all(tagged)), { id: "unmatched-0", crop, trail, vector }];
}

function times(start_s: number, end_s: number): number[] {
  const count = Math.max(2, Math.round((end_s - start_s) / 0.5));
  return Array.from({ length: count }, (_, n) => start_s + ((end_s - start_s) * n) / (count - 1));
}

function shifted([x0, y0, x1, y1]: Box, by: number): Box {
  return [x0 + by, y0, x1 + by, y1];
}

async function seed(name: string): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(name)));
  return [...hash.slice(0, 4)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
