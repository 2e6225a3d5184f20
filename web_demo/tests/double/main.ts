/** The page over doubles. The address says how they behave: `?pace=50&enrolled=1&away=1&newer=1&full=1`. */
import "../../src/styles/page.css";
import type { Catalogs, DecisionEvent, Offline, Outbox } from "../../src/contract.ts";
import { mount } from "../../src/page/mount.tsx";
import { once } from "../../src/page/rooms.ts";
import { failure } from "../../src/problem.ts";
import { doubleEngine, pause } from "./engine.ts";
import { drawing, PRODUCTS } from "./products.ts";

const asked = new URLSearchParams(location.search);
const pace = Number(asked.get("pace") ?? 20);

const catalogs: Catalogs = {
  open: async () => [
    {
      name: { catalog: "demo", version: 3, items: 40, sha256: "c".repeat(64) },
      space_id: "b".repeat(64),
      ndim: 128,
      demo: !asked.has("enrolled"),
      columns: {},
      matching: { similarity_threshold: 0.77, margin_threshold: 0.03 },
    },
  ],
  update: async () =>
    asked.has("newer")
      ? { way: "delta", from_version: 3, to_version: 4, bytes_received: 36_700 }
      : { way: "none", from_version: 3, to_version: 3, bytes_received: 210 },
  record: (_, product_id) => PRODUCTS.find((product) => product.product_id === product_id) ?? null,
  find: (words, count) =>
    PRODUCTS.filter(({ title }) => words.split(" ").every((word) => title.toLowerCase().includes(word.toLowerCase()))).slice(0, count),
  thumbnail: async (_, product_id) => (product_id === "soap-cedar" ? null : drawing(product_id)),
  notes: () => [],
};

function doubleOutbox(): Outbox {
  let events: DecisionEvent[] = [];
  let enrolled = asked.has("enrolled");
  const decided = new Map<string, { kind: DecisionEvent["kind"]; corrected_to: string | null }>();
  const heard = new Set<() => void>();
  const tell = () => heard.forEach((hear) => hear());
  return {
    decide: async (kind, tag, shard, space_id, corrected_to, vector) => {
      if (asked.has("full")) throw new DOMException("full", "QuotaExceededError");
      decided.set(tag.tag_id, { kind, corrected_to });
      const event: DecisionEvent = {
        schema: 1,
        event_id: crypto.randomUUID().replaceAll("-", ""),
        kind,
        made_at_s: 1_800_000_000.5,
        tag_id: tag.tag_id,
        catalog: shard.catalog,
        catalog_version: shard.version,
        shard_sha256: shard.sha256,
        space_id,
        product_id: tag.product_id,
        corrected_to,
        similarity: tag.similarity,
        margin: tag.margin,
        status: tag.status,
        embedding: vector && btoa(String.fromCharCode(...new Uint8Array(vector.buffer))),
      };
      events = [...events.filter(({ tag_id }) => tag_id !== tag.tag_id), event];
      tell();
    },
    decisions: async () => decided,
    waiting: async () => ({ events, bodies: [JSON.stringify({ events })], bytes: 300 + 60 * events.length }),
    refused: async () => [],
    retry: async () => 0,
    enrolled: async () => enrolled,
    enrol: async (code) => {
      await pause(pace);
      if (code !== "GOOD-CODE") throw failure("code_refused", "The server does not take this code: ask for a new one.");
      enrolled = true;
      tell();
    },
    push: async () => {
      await pause(pace);
      if (asked.has("away")) throw failure("offline", "The server cannot be reached.");
      const sent = events.length;
      events = [];
      tell();
      return { sent, acknowledged: sent, refused: [] };
    },
    forget: async () => undefined,
    changed: (hear) => {
      heard.add(hear);
      return () => heard.delete(hear);
    },
    notes: () => [],
  };
}

const offline: Offline = {
  ready: Promise.resolve(null),
  newer: (heard) => void (asked.has("newer") && setTimeout(heard, 50)),
  renew: () => location.reload(),
};

const rooms = {
  catalogs: once(async () => catalogs),
  outbox: once(async () => doubleOutbox()),
  engine: once(async () => doubleEngine(pace)),
  offline: once(async () => offline),
  bundleUrl: new URL("bundle/", document.baseURI).href,
};

void mount(rooms, document.querySelector<HTMLElement>("#page")!);
