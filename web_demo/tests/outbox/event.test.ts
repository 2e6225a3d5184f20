import { describe, expect, test } from "vitest";
import type { Tag } from "../../src/contract.ts";
import { eventOf, toldBy, type Decision } from "../../src/outbox/event.ts";
import { packed, retryAfter } from "../../src/outbox/server.ts";

const tag = { tag_id: "0".repeat(16), product_id: "p", similarity: 1.0000001, margin: -0.1, status: "match" } as Tag;
const decision: Decision = {
  kind: "accepted",
  tag,
  shard: { catalog: "shop", version: 3, items: 1, sha256: "a".repeat(64) },
  space_id: "s",
  corrected_to: null,
  vector: null,
};

describe("an event", () => {
  test("keeps to the ranges of the format", () => {
    const event = eventOf(decision, -5, "f".repeat(32));
    expect([event.similarity, event.margin, event.made_at_s, event.embedding]).toEqual([1, 0, 0, null]);
    expect(eventOf({ ...decision, vector: Int8Array.of(-128, 0, 1) }, 1234.5678, "f").embedding).toBe("gAAB");
    expect(eventOf(decision, 1_800_000_000_123.4, "f").made_at_s).toBe(1_800_000_000.123);
  });

  test.each([
    { corrected_to: "q" },
    { kind: "corrected" as const },
    { kind: "corrected" as const, corrected_to: "p" },
    { kind: "corrected" as const, corrected_to: "" },
    { kind: "corrected" as const, corrected_to: "a\0" },
    { kind: "corrected" as const, corrected_to: "\ud800" },
    { vector: new Int8Array(0) },
  ])("is not made of %o", (change) => {
    expect(() => eventOf({ ...decision, ...change }, 0, "f")).toThrow();
  });

  test("says the same where kind, product and consent are the same", () => {
    const told = (change: Partial<Decision>, ms: number) => toldBy(eventOf({ ...decision, ...change }, ms, String(ms)));
    expect(told({}, 1)).toBe(told({}, 2));
    expect(told({ vector: Int8Array.of(1) }, 1)).not.toBe(told({}, 1));
  });
});

describe("waiting", () => {
  test.each([
    ["7", 7],
    ["", 0],
    ["soon", 0],
    ["Sat, 28 Nov 2026 00:01:00 GMT", 60],
    ["Fri, 27 Nov 2026 00:00:00 GMT", 0],
  ])("%j is %d seconds", (asked, seconds) => {
    expect(retryAfter(new Headers({ "retry-after": asked, date: "Sat, 28 Nov 2026 00:00:00 GMT" }))).toBe(seconds);
  });

  test("bodies are gzip", async () => {
    const { body, packing } = await packed("x".repeat(1000));
    expect([packing, body[0], body[1]]).toEqual(["gzip", 0x1f, 0x8b]);
    expect(body.length).toBeLessThan(60);
  });
});
