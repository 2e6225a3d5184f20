/** What the page decides without a browser. */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { TagDocument } from "../src/contract.ts";
import { clock, price, roughly, size, timeRange } from "../src/page/rules/format.ts";
import { joined } from "../src/page/rules/joining.ts";
import { lanes } from "../src/page/rules/lanes.ts";
import { type Decision, postProducts, postText } from "../src/page/rules/post.ts";
import { boxAt } from "../src/page/rules/trail.ts";
import { explainTag } from "../src/page/rules/wording.ts";
import { de } from "../src/texts/de.ts";
import { en } from "../src/texts/en.ts";
import { chooseLanguage } from "../src/texts/index.ts";
import cases from "./wording.json" with { type: "json" };
import { PRODUCTS } from "./double/products.ts";

describe("numbers as people read them", () => {
  test("times read as in the Python report", () => {
    expect([0, 59.96, 83.46, 3600].map(clock)).toEqual(["0:00.0", "1:00.0", "1:23.5", "1:00:00.0"]);
    expect(timeRange(1, 2.5)).toBe("0:01.0 – 0:02.5");
    expect(timeRange(1.01, 1.02)).toBe("0:01.0");
  });
  test("a remaining time is never nothing and never exact", () => {
    expect([0, 7.2, 43.2, 130].map(roughly)).toEqual(["1 s", "7 s", "45 s", "2 min"]);
  });
  test("a price that is no number stays as the catalogue says it", () => {
    expect(price("2.29", "EUR", "en")).toBe("€2.29");
    expect(price("on request", "EUR", "en")).toBe("on request EUR");
    expect(price("2.29", "", "en")).toBe("2.29");
    expect(price("", "", "en")).toBe("");
  });
  test("sizes", () => {
    expect([0, 412, 1234, 36_700, 4_200_000].map((bytes) => size(bytes, "en"))).toEqual([
      "0 bytes",
      "412 bytes",
      "1.2 kB",
      "37 kB",
      "4.2 MB",
    ]);
  });
});

describe("boxes follow their trail", () => {
  const trail = [
    [1, [0, 0, 10, 10]],
    [2, [20, 0, 30, 10]],
    [8, [50, 0, 60, 10]],
  ] as const;
  test("nothing was seen, so there is no box", () => expect(boxAt([], 1)).toBeNull());
  test("between two sightings the box is in between", () => expect(boxAt(trail, 1.5)).toEqual([10, 0, 20, 10]));
  test("over a long gap there is no box", () => expect(boxAt(trail, 5)).toBeNull());
  test("at a sighting it is that box", () => expect(boxAt(trail, 8)).toEqual([50, 0, 60, 10]));
  test("long before and after there is none", () => {
    expect(boxAt(trail, 0.5)).toBeNull();
    expect(boxAt(trail, 9)).toBeNull();
  });
});

describe("moments lie in lanes", () => {
  test("no moments, no lanes", () => expect(lanes([], 10, 0.1)).toEqual([]));
  test("marks in one lane never cover each other, also where they are widened", () => {
    const spans = Array.from({ length: 40 }, (_, n) => ({ start_s: (n * 7) % 30, end_s: ((n * 7) % 30) + (n % 3) }));
    const marks = lanes(spans.sort((a, b) => a.start_s - b.start_s), 30, 0.07);
    for (const [n, one] of marks.entries()) {
      expect(one.left).toBeGreaterThanOrEqual(0);
      expect(one.left + one.width).toBeLessThanOrEqual(1 + 1e-9);
      for (const other of marks.slice(n + 1).filter(({ lane }) => lane === one.lane)) {
        expect(other.left).toBeGreaterThanOrEqual(one.left + one.width - 1e-9);
      }
    }
  });
  test("a picture of no length still has its mark", () => {
    expect(lanes([{ start_s: 0, end_s: 0 }], 0, 0.1)).toEqual([{ span: { start_s: 0, end_s: 0 }, lane: 0, left: 0, width: 0.1 }]);
  });
});

describe("why", () => {
  test.each(cases)("$text", ({ text, second, status, similarity, margin, ...matching }) => {
    const tag = { ...document("c", "1").sources[0]!.tags[0]!, status: status as "match", similarity, margin };
    expect(explainTag(tag, second, matching, en)).toBe(text);
    expect(explainTag(tag, second, matching, de)).not.toBe(text);
  });
});

describe("several documents as one", () => {
  test("none", () => expect(joined([])).toBeNull());
  test("tags found before and after an update keep their shard", () => {
    const all = joined([document("c", "1"), document("d", "2"), document("c", "3")])!;
    expect(all.shards.map(({ sha256 }) => sha256)).toEqual(["c", "d"]);
    expect(all.sources.map(({ tags }) => tags[0]!.shard)).toEqual([0, 1, 0]);
    expect(all.timing_ms.total).toBe(30);
  });
});

describe("the post", () => {
  const decided = (decision: Decision) => new Map([["1", decision]]);
  test("nothing decided, nothing in it", () => expect(postProducts([document("c", "1")], new Map(), [], [])).toEqual([]));
  test("a rejected product is not in it, a corrected one is what it was corrected to", () => {
    expect(postProducts([document("c", "1")], decided({ kind: "rejected", corrected_to: null }), [], [])).toEqual([]);
    const corrected = decided({ kind: "corrected", corrected_to: "jam-plum" });
    expect(postProducts([document("c", "1")], corrected, [], [])).toEqual([{ catalog: "demo", product_id: "jam-plum", by: "decision" }]);
  });
  test("a product stands once, and not where it was left out", () => {
    const accepted = decided({ kind: "accepted", corrected_to: null });
    const oat = { catalog: "demo", product_id: "oat-1l" };
    const documents = [document("c", "1"), document("c", "1")];
    expect(postProducts(documents, accepted, [oat], [])).toEqual([{ ...oat, by: "decision" }]);
    expect(postProducts(documents, accepted, [oat], [oat])).toEqual([]);
  });
  test("as text it names title, price and address, and no empty lines where something is missing", () => {
    const [oat, , , , , soap] = PRODUCTS;
    expect(postText(" Breakfast ", [oat!])).toBe("Breakfast\n\nHarrow Oat Drink, 1 l · €2.29 · https://shop.example/oat-1l");
    expect(postText("", [{ ...soap!, url: "" }])).toBe(soap!.title);
  });
});

describe("language", () => {
  test("the first that is spoken here, else English", () => {
    expect(chooseLanguage(["fr-FR", "de-AT", "en"])).toBe("de");
    expect(chooseLanguage(["fr"])).toBe("en");
    expect(chooseLanguage([])).toBe("en");
  });
  test("no text was left in the other language", () => {
    const [one, other] = [flat(en), flat(de)];
    const same = Object.keys(one).filter((key) => one[key] === other[key] && !/^page\.offline$|^identify\.(threads|simd|gpu|milliseconds)$|^units\./.test(key));
    expect(same).toEqual([]);
  });
});

test("every problem that is thrown has its sentence in German", () => {
  const source = readdirSync("src", { recursive: true, encoding: "utf8" })
    .filter((name) => /\.tsx?$/.test(name))
    .map((name) => readFileSync(`src/${name}`, "utf8"))
    .join("\n");
  const thrown = [...source.matchAll(/\bfail(?:ure)?\(\s*"([a-z_0-9]+)"/g)].map(([, name]) => name!);
  expect(thrown.length).toBeGreaterThan(30);
  expect(thrown.filter((name) => !(name in de.problems) && !SILENT.has(name))).toEqual([]);
});

/** Never shown: what is cancelled is no problem, and these are mistakes of the program or of a bundle's maker. */
const SILENT = new Set(["cancelled", "closed", "not_open", "model_input", "model_output", "family_unknown", "undecidable"]);

function flat(value: object, path = ""): Record<string, string> {
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, inner]) => {
      const name = path ? `${path}.${key}` : key;
      if (typeof inner === "string") return [[name, inner]];
      if (typeof inner === "function") return [[name, (inner as (...values: unknown[]) => string)("a", "b", "c", "d")]];
      return Object.entries(flat(inner as object, name));
    }),
  );
}

function document(sha256: string, tag_id: string): TagDocument {
  return {
    schema: 1,
    bundle: { name: "taglet", sha256: "a", space_id: "b" },
    shards: [{ catalog: "demo", version: 1, items: 1, sha256 }],
    second_look: false,
    sources: [
      {
        path: "clip.mp4",
        kind: "video",
        duration_s: 5,
        resolution_wh: [640, 360],
        partial: false,
        frames_decoded: 1,
        frames_detected: 1,
        crops_embedded: 1,
        error: null,
        tags: [
          {
            tag_id,
            status: "match",
            product_id: "oat-1l",
            title: "Harrow Oat Drink, 1 l",
            shard: 0,
            similarity: 0.9,
            margin: 0.1,
            start_s: 1,
            end_s: 2,
            best: { timestamp_s: 1, xyxy: [0, 0, 1, 1] },
            alternatives: [],
          },
        ],
        unmatched: [],
      },
    ],
    timing_ms: { decode: 1, detect: 2, embed: 3, search: 4, total: 10 },
  };
}
