/** From vectors to products and ids: as in Python. */
import { describe, expect, test } from "vitest";
import type { Catalog } from "../src/contract.ts";
import { galleryOf, quantize } from "../src/engine/gallery.ts";
import { tagId } from "../src/engine/tag_id.ts";
import { contentId } from "../src/media/content_id.ts";
import { sampling } from "../src/media/sampling.ts";
import { rounded } from "../src/rounding.ts";
import { STEPS, valueAt } from "./steps.ts";

const { searched } = STEPS;
const NDIM = searched.queries[0]!.length;

function catalogOf({ version, columns }: (typeof searched.shards)[number], space_id = "space"): Catalog {
  const buffers = Object.entries(columns).map(([name, bytes]) => [name, Uint8Array.from(bytes).buffer]);
  const name = { catalog: "small", version, items: 0, sha256: "" };
  return { name, space_id, ndim: NDIM, demo: false, columns: Object.fromEntries(buffers), matching: null };
}

describe("search", () => {
  const gallery = galleryOf(searched.shards.map((shard) => catalogOf(shard)), "space", NDIM);

  test.each(searched.queries.map((query, i) => [i, query] as const))("query %i", (i, query) => {
    const vector = quantize(Float32Array.from(query));
    expect([...vector]).toEqual(searched.quantized[i]);
    const found = gallery.search(vector, 4).map((c) => [c.shard, c.product_id, c.title, c.similarity]);
    expect(found).toEqual(searched.candidates[i]);
  });

  test("no catalogue has no product", () => expect(galleryOf([], "space", NDIM).search(new Int8Array(NDIM), 4)).toEqual([]));

  test("a catalogue of another embedding space is refused", () => {
    expect(() => galleryOf([catalogOf(searched.shards[0]!, "other")], "space", NDIM)).toThrow(/made for other models/);
  });

  test("a vector of zeros is like nothing", () => {
    expect(quantize(new Float32Array(3))).toEqual(new Int8Array(3));
    expect(gallery.search(new Int8Array(NDIM), 1)[0]!.similarity).toBe(0);
  });
});

test.each(STEPS.contents)("content id of $bytes bytes", async ({ bytes, content_id }) => {
  expect(await contentId(new Blob([Uint8Array.from({ length: bytes }, (_, i) => valueAt(i))]))).toBe(content_id);
});

test("a 4 GB file is named by its ends", async () => {
  const read: [number, number][] = [];
  const huge = {
    size: 2 ** 32,
    slice(start: number, end = 2 ** 32) {
      read.push([start, end]);
      return new Blob([new Uint8Array(end - start)]);
    },
  };
  await contentId(huge as Blob);
  expect(read).toEqual([[0, 2 ** 20], [2 ** 32 - 2 ** 20, 2 ** 32]]);
});

test("the id of a tag", async () => {
  expect(await tagId(...STEPS.tag_id.of)).toBe(STEPS.tag_id.is);
});

test.each(STEPS.rounded)("%d to %i digits is %d", (x, digits, expected) => expect(rounded(x, digits)).toBe(expected));

test.each(STEPS.sampled)("frames every $every_s s", ({ every_s, times, wanted }) => {
  expect(times.map(sampling(every_s))).toEqual(wanted);
});
