/** The rule of tracks, held to its golden cases: what Python makes of the same looks, to the last digit. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { Box, Tag, Unmatched } from "../src/contract.ts";
import type { Matching } from "../src/engine/bundle.ts";
import { tagOf, unmatchedOf } from "../src/engine/document.ts";
import { tagged } from "../src/engine/tagging.ts";
import * as appearances from "../src/engine/tracks/appearances.ts";
import * as association from "../src/engine/tracks/association.ts";
import * as following from "../src/engine/tracks/following.ts";
import { name, type Named, type Told } from "../src/engine/tracks/naming.ts";
import * as pace from "../src/engine/tracks/pace.ts";
import * as seen from "../src/engine/tracks/seen.ts";
import * as track from "../src/engine/tracks/track.ts";
import * as votes from "../src/engine/tracks/votes.ts";
import type { Picture } from "../src/media/picture.ts";

interface Shown {
  xyxy: Box;
  confidence: number;
  sharpness?: number;
  patch?: string;
  candidates?: [number, string, number][];
}

interface Case {
  name: string;
  resolution_wh: [number, number];
  gap_s: number;
  glances: { timestamp_s: number; still?: true; cut?: true; seen?: Shown[] }[];
  expected: { crops_embedded: number; tags: Tag[]; unmatched: Unmatched[] };
}

interface Golden {
  constants: Record<string, number>;
  identity: { content_id: string; space_id: string; shard_sha256s: string[] };
  matchings: Matching[];
  confident: number;
  patches: Record<string, number[]>;
  cases: Case[];
  greys: Record<string, number[]>;
  cuts: { name: string; every_s: number | null; glances: [number, string][]; expected: [string, boolean][] }[];
  pace: { since_s: number; new: number; moving: number; restless: boolean; decision: string }[];
}

const GOLDEN: Golden = JSON.parse(readFileSync(new URL("../../edge/data/golden/tracks.json", import.meta.url), "utf8"));

/** A crop of one pixel that stands for what is shown. */
function cropOf(shown: Shown, known: Map<Picture, Told>): Picture {
  const crop: Picture = { width: 1, height: 1, rgba: new Uint8ClampedArray(4) };
  const candidates = (shown.candidates ?? []).map(([shard, product_id, similarity]) => {
    return { shard, product_id, title: product_id, similarity };
  });
  known.set(crop, { candidates, vector: new Int8Array(1) });
  return crop;
}

async function answer({ glances, resolution_wh, gap_s }: Case): Promise<Case["expected"]> {
  const follower = following.follow(GOLDEN.confident);
  const told = new Map<Picture, Told>();
  const ended: track.Track[] = [];
  for (const { timestamp_s, still, cut = false, seen: shown = [] } of glances) {
    if (still) {
      follower.stay(timestamp_s);
      continue;
    }
    const detections = shown.map(({ xyxy, confidence, sharpness = 0, patch }) => {
      return { xyxy, confidence, sharpness, patch: patch === undefined ? null : Float64Array.from(GOLDEN.patches[patch]!) };
    });
    const keep = (place: number) => cropOf(shown[place]!, told);
    const news = follower.observe(timestamp_s, resolution_wh, detections, keep, cut);
    ended.push(...news.ended);
  }
  const named: Named[] = [];
  for (const one of [...ended, ...follower.live()]) {
    named.push(await name(one, async (pick) => told.get(pick.crop)!, GOLDEN.matchings));
  }
  const { known, unknown } = appearances.gather(named, gap_s);
  const tags = await tagged(known, GOLDEN.identity);
  return {
    crops_embedded: named.reduce((sum, one) => sum + one.asked, 0),
    tags: tags.map(tagOf),
    unmatched: unknown.map(unmatchedOf),
  };
}

test.each(GOLDEN.cases.map((one) => [one.name, one] as const))("%s", async (_, one) => {
  expect(await answer(one)).toEqual(one.expected);
});

test("every number of the rule is the golden one", () => {
  const all: Record<string, unknown> = { ...pace, ...association, ...following, ...track, ...seen, ...votes, ...appearances };
  const numbers = Object.entries(all).filter(([, value]) => typeof value === "number");
  expect(Object.fromEntries(numbers)).toEqual(GOLDEN.constants);
});

describe("when to look", () => {
  test.each(GOLDEN.pace)("$since_s s, $new new, $moving moving, restless $restless: $decision", (row) => {
    expect(pace.decide(row.since_s, row.new, row.moving, row.restless)).toBe(row.decision);
  });
});

describe("where a cut is seen", () => {
  test.each(GOLDEN.cuts.map((one) => [one.name, one] as const))("%s", (_, { every_s, glances, expected }) => {
    const chosen = pace.paceFor(every_s);
    const found = glances.map(([timestamp_s, picture]) => {
      const decision = chosen.decide(timestamp_s, Uint8Array.from(GOLDEN.greys[picture]!));
      const is_cut = chosen.isCut();
      if (decision === "look") chosen.learn(false);
      return [decision, is_cut];
    });
    expect(found).toEqual(expected);
  });
});
