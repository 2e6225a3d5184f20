/** Deltas that Python made, honest and hostile: the same identity, or refused where Python refuses (tests/web/delta_cases.py). */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { Bytes } from "../../src/catalog/bytes.ts";
import { COLUMNS, identity, sizeOf, valuesAt } from "../../src/catalog/columns.ts";
import { Malformed } from "../../src/catalog/content.ts";
import { applied } from "../../src/catalog/delta.ts";
import { readDelta } from "../../src/catalog/travel.ts";
import { unpacked } from "../../src/catalog/zstd.ts";

interface Case {
  base: Record<string, string>;
  data: string;
  unpacked_bytes: number;
  is_broken: boolean;
  leads_to: string | null;
}

const path = process.env.TAGLET_DELTA_CASES;

function bytes(text: string): Bytes {
  return new Uint8Array(Buffer.from(text, "base64"));
}

async function leadsTo(one: Case, space_id: string, ndim: number): Promise<string | null> {
  const base = Object.fromEntries(
    COLUMNS.map(([name, dtype]) => {
      const data = bytes(one.base[name]!);
      return [name, valuesAt(data, dtype, 0, data.length / sizeOf(dtype))];
    }),
  );
  try {
    const delta = readDelta(await unpacked(bytes(one.data), one.unpacked_bytes));
    if (delta.space_id !== space_id || delta.ndim !== ndim) return null;
    const found = await identity(space_id, ndim, applied(base, delta));
    return delta.target === null || delta.target === found ? found : null;
  } catch (error) {
    if (error instanceof Malformed) return null;
    throw error;
  }
}

describe.skipIf(!path)("deltas", () => {
  test("lead where Python's lead, and are refused where Python refuses them", async () => {
    const { space_id, ndim, cases } = JSON.parse(readFileSync(path!, "utf8")) as {
      space_id: string;
      ndim: number;
      cases: Case[];
    };
    const different = [];
    for (const [i, one] of cases.entries()) {
      const found = await leadsTo(one, space_id, ndim);
      if (found !== one.leads_to && !(one.is_broken && found === null)) different.push([i, one.leads_to, found]);
    }
    expect(different).toEqual([]);
    expect(cases.length).toBeGreaterThan(300);
  });
});
