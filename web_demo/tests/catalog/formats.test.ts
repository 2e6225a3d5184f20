import { zstdCompressSync, constants } from "node:zlib";
import { describe, expect, test } from "vitest";
import { canonicalJson, hex, sha256, signedJson, unhex, utf8, type Bytes } from "../../src/catalog/bytes.ts";
import { readMatching } from "../../src/catalog/calibration.ts";
import { Malformed } from "../../src/catalog/content.ts";
import { npyHeader } from "../../src/catalog/opened.ts";
import { place, planUpdate, releaseFor } from "../../src/catalog/plan.ts";
import { readIndex, type Generation } from "../../src/catalog/published_index.ts";
import { statedLength, unpacked } from "../../src/catalog/zstd.ts";

describe("texts that are hashed", () => {
  test("nothing, nested things and what must be escaped", async () => {
    expect(canonicalJson({})).toBe("{}");
    expect(canonicalJson({ b: [1, null, true], a: { z: "é\n" } })).toBe('{"a":{"z":"é\\n"},"b":[1,null,true]}');
    expect(signedJson({ a: 'x"\\\n' })).toBe('{"a":"x\\"\\\\\n"}');
    expect(() => canonicalJson({ a: 0.5 })).toThrow();
    expect(await sha256(utf8(""))).toBe("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  });

  test("hexadecimal digits", () => {
    expect(hex(unhex("00ff7f")!)).toBe("00ff7f");
    expect(unhex("0g")).toBeNull();
    expect(unhex("abc")).toBeNull();
  });

  test("the header of a column", () => {
    const text = new TextDecoder("latin1").decode(npyHeader("<u8", [3]));
    expect(text.length % 64).toBe(0);
    expect(text.slice(10)).toMatch(/^\{'descr': '<u8', 'fortran_order': False, 'shape': \(3,\), \} *\n$/);
    expect(new TextDecoder("latin1").decode(npyHeader("|i1", [3, 128]))).toContain("(3, 128)");
  });
});

describe("zstd frames", () => {
  const frame = (content: string, stated = true): Bytes =>
    new Uint8Array(zstdCompressSync(content, { params: { [constants.ZSTD_c_contentSizeFlag]: stated ? 1 : 0 } }));

  test.each(["a", "b".repeat(300), "c".repeat(70_000)])("are opened to exactly what they state", async (content) => {
    const data = frame(content);
    expect(statedLength(data)).toBe(content.length);
    expect(await unpacked(data, content.length)).toEqual(utf8(content));
    await expect(unpacked(data, content.length + 1)).rejects.toThrow(Malformed);
    await expect(unpacked(data.slice(0, -1), content.length)).rejects.toThrow(Malformed);
  });

  test("are refused where they state nothing or are none", async () => {
    await expect(unpacked(frame("a".repeat(300), false), 300)).rejects.toThrow(Malformed);
    await expect(unpacked(utf8("no frame at all"), 3)).rejects.toThrow(Malformed);
    await expect(unpacked(new Uint8Array(0), 0)).rejects.toThrow(Malformed);
  });
});

const file = (letter: string, bytes = 10) => ({ sha256: letter.repeat(64), bytes, unpacked_bytes: bytes });
const release = (version: number, letter: string, more = {}) => ({
  ...{
    version,
    sha256: letter.repeat(64),
    products: 1,
    views: 1,
    share: 1,
    thumbnails: null,
    keypoints: null,
    calibration: null,
  },
  parts: [{ file: file(letter, 5_000), products: 1, views: 1, category: "" }],
  ...more,
});
const generation = (more = {}): Generation => ({
  space_id: "s",
  ndim: 4,
  releases: [release(3, "c"), release(2, "b"), release(1, "a")],
  deltas: [
    { base: "a".repeat(64), target: "b".repeat(64), file: file("1", 100) },
    { base: "b".repeat(64), target: "c".repeat(64), file: file("2", 100) },
    { base: "a".repeat(64), target: "c".repeat(64), file: file("3", 2_000) },
  ],
  ...more,
});

describe("the plan", () => {
  const [newest] = generation().releases;

  test("is nothing, a chain of deltas, or everything", () => {
    expect(planUpdate(generation(), newest!, "c".repeat(64)).way).toBe("none");
    expect(planUpdate(generation(), newest!, "a".repeat(64)).deltas.map((one) => one.file.sha256[0])).toEqual([
      "1",
      "2",
    ]);
    expect(planUpdate(generation(), newest!, "d".repeat(64)).way).toBe("full");
    expect(planUpdate(generation(), newest!, "a".repeat(64), true).way).toBe("full");
    expect(planUpdate(generation(), newest!, null).parts).toHaveLength(1);
  });

  test("takes parts where deltas weigh more, deltas where there are no parts, and is refused where nothing leads there", () => {
    const heavy = generation({ deltas: [{ base: "b".repeat(64), target: "c".repeat(64), file: file("4", 6_000) }] });
    expect(planUpdate(heavy, newest!, "b".repeat(64)).way).toBe("full");
    expect(planUpdate(heavy, { ...newest!, parts: [] }, "b".repeat(64)).way).toBe("delta");
    expect(() => planUpdate(heavy, { ...newest!, parts: [] }, null)).toThrow(Malformed);
  });

  test("reaches a share of the devices", async () => {
    const staged = generation({ releases: [release(3, "c", { share: 0.3 }), release(2, "b")] });
    const versions = await Promise.all(
      Array.from({ length: 200 }, (_, i) => releaseFor(staged, `device ${i}`, "shop")),
    );
    const share = versions.filter((one) => one.version === 3).length / 200;
    expect(share).toBeGreaterThan(0.2);
    expect(share).toBeLessThan(0.4);
    expect(await place("device", "shop", 7)).toBeCloseTo(0.0409668010999482, 14);
  });
});

describe("an index", () => {
  const read = (value: unknown) => readIndex(utf8(JSON.stringify(value)));
  const good = { schema: 2, catalog: "shop", generations: [generation()] };

  test("of schema 1 has no calibration", async () => {
    const old = (more: object) => ({ ...good, schema: 1, generations: [generation({ releases: [more] })] });
    const { calibration, ...plain } = release(1, "a");
    expect((await read(old(plain))).generations[0]!.releases[0]!.calibration).toBe(calibration);
    await expect(read(old(release(1, "a")))).rejects.toThrow(Malformed);
    await expect(read({ ...old(plain), schema: 2 })).rejects.toThrow(Malformed);
  });

  test("is read, packed or plain", async () => {
    expect((await read(good)).generations[0]!.deltas).toHaveLength(3);
    expect((await read({ ...good, generations: [] })).generations).toEqual([]);
    expect(await readIndex(new Uint8Array(zstdCompressSync(JSON.stringify(good))))).toEqual(await read(good));
  });

  test.each([
    ["another schema", { ...good, schema: 3 }],
    ["an unknown key", { ...good, more: 1 }],
    ["a name that is none", { ...good, catalog: "../x" }],
    ["one space twice", { ...good, generations: [generation(), generation()] }],
    ["no release", { ...good, generations: [generation({ releases: [] })] }],
    ["versions that ascend", { ...good, generations: [generation({ releases: [release(1, "a"), release(2, "b")] })] }],
    ["parts that are not all", { ...good, generations: [generation({ releases: [release(1, "a", { views: 2 })] })] }],
    ["a share of nobody", { ...good, generations: [generation({ releases: [release(1, "a", { share: 0 })] })] }],
    [
      "a length that is none",
      { ...good, generations: [generation({ deltas: [{ base: "a", target: "b", file: file("1", -1) }] })] },
    ],
    ["no object", [1]],
    ["nothing", null],
  ])("is refused with %s", async (_, value) => {
    await expect(read(value)).rejects.toThrow(Malformed);
  });
});

describe("a calibration", () => {
  const way = (second_look: object | null, similarity_threshold: number) => ({
    second_look,
    matching: { similarity_threshold, margin_threshold: 0.05 },
  });
  const good = { schema: 1, shard: "a", space_id: "s", ways: [way({ weight: 1 }, 0.9), way(null, 0.79)] };
  const read = (change: object) => readMatching(utf8(JSON.stringify({ ...good, ...change })), "a", "s");

  test("gives the thresholds of a ranking without a second look", () => {
    expect(read({})).toEqual({ similarity_threshold: 0.79, margin_threshold: 0.05 });
    expect(read({ ways: [way({ weight: 1 }, 0.9)] })).toBeNull();
  });

  test.each([
    { schema: 2 },
    { shard: "b" },
    { space_id: "t" },
    { ways: [] },
    { ways: [way(null, 1.1)] },
    { ways: [{ second_look: null }] },
  ])("is refused with %j", (change) => {
    expect(() => read(change)).toThrow(Malformed);
  });
});
