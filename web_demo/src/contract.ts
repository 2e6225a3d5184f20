/**
 * What the rooms of the page say to each other. `engine` answers with the tag document of `edge tag --json`
 * (docs/formats/tag-document.md), so that browser and Python can be held to each other field by field.
 */

/** [x0, y0, x1, y1] in pixels of the source as it is shown (rotation applied). */
export type Box = readonly [number, number, number, number];

/** One product of a catalogue, as its shard's record says; a text that is not stated is empty. */
export interface ProductRecord {
  product_id: string;
  title: string;
  price: string;
  currency: string;
  url: string;
  image_url: string;
  brand: string;
  category: string;
  region: string;
  in_stock: boolean | null;
}

export interface Alternative {
  product_id: string;
  /** Cosine, -1 to 1. */
  similarity: number;
}

/** One product in one appearance; times in seconds from the start of the source. */
export interface Tag {
  tag_id: string;
  status: "match" | "ambiguous";
  product_id: string;
  title: string;
  shard: number;
  similarity: number;
  margin: number;
  start_s: number;
  end_s: number;
  best: { timestamp_s: number; xyxy: Box };
  alternatives: Alternative[];
}

export interface Unmatched {
  start_s: number;
  end_s: number;
  xyxy: Box;
}

export interface SourceTags {
  path: string;
  kind: "image" | "video";
  duration_s: number | null;
  resolution_wh: readonly [number, number];
  partial: boolean;
  frames_decoded: number;
  frames_detected: number;
  crops_embedded: number;
  error: string | null;
  tags: Tag[];
  unmatched: Unmatched[];
}

export interface ShardName {
  catalog: string;
  version: number;
  items: number;
  sha256: string;
}

/** The tag document, schema 1. */
export interface TagDocument {
  schema: 1;
  notice?: string;
  /** The second look needs OpenCV, so the browser never takes it; Python is compared with it off. */
  second_look: false;
  bundle: { name: string; sha256: string; space_id: string };
  shards: ShardName[];
  sources: SourceTags[];
  timing_ms: { decode: number; detect: number; embed: number; search: number; total: number };
}

/** What the page needs beside the document to show one tag. It never leaves the device without consent. */
export interface Shown {
  /** Of the tag, or `unmatched-N` of the N-th unmatched object of the source. */
  id: string;
  /** The best crop, a small WebP or PNG file. */
  crop: Blob;
  /** Time and box of every sighting, in order. */
  trail: readonly (readonly [number, Box])[];
  /** int8 vector of the best crop; null where it was not kept. */
  vector: Int8Array | null;
}

/** What was found in one source, so far or in the end. */
export interface Found {
  document: TagDocument;
  /** SHA-256 that names the source's content, see docs/formats/tag-document.md. */
  content_id: string;
  shown: Shown[];
}

export interface Progress {
  /** Seconds of the source that are done, and its length where it is known; a picture is 0 of 0. */
  done_s: number;
  duration_s: number | null;
  frames_detected: number;
  /** Seconds that are probably left; null until that can be said. */
  left_s: number | null;
  /** Whether the work rests because nobody looks at the tab. */
  paused: boolean;
}

/** How much of the first load is here: runtime and models, in bytes; the total is what the bundle declares. */
export interface Loading {
  received_bytes: number;
  total_bytes: number;
}

/** What this browser can run, probed and not guessed, and what was chosen by a measurement. */
export interface Capabilities {
  webgpu: boolean;
  threads: number;
  simd: boolean;
  isolated: boolean;
  chosen: "webgpu" | "wasm";
  /** Milliseconds of one detection on each way that was tried. */
  measured_ms: Readonly<Record<string, number>>;
  /** One sentence for the page: what was chosen and why, or what is missing. */
  sentence: string;
}

/** Everything that the engine searches: an opened catalogue and the models that fit it, verified before. */
export interface Catalog {
  name: ShardName;
  space_id: string;
  ndim: number;
  /** Whether it is the demo catalogue of invented products. */
  demo: boolean;
  /** The columns of the shard (docs/formats/shard.md) as they are: values without a header. */
  columns: Readonly<Record<string, ArrayBuffer>>;
  /** Thresholds of this catalogue, where it was calibrated. */
  matching: { similarity_threshold: number; margin_threshold: number } | null;
}

/**
 * A sentence for the user, with a stable name for the program; every failure of engine and courier is one.
 * `src/problem.ts` makes them; `values` is what the sentence speaks of, for a page in another language.
 */
export interface Problem {
  name: string;
  sentence: string;
  values: Readonly<Record<string, string | number>>;
}

/**
 * The pipeline in its worker, as the page sees it; `createEngine` of `src/engine/index.ts` makes one.
 *
 * One source at a time. Every promise that fails fails with a `Failure`, which is a `Problem`; of a cancelled `tag` it is
 * the problem `cancelled`, at once. A worker that says nothing for too long or dies fails what it was asked with
 * `worker_hung` or `worker_died`, and another is started and opened with what this one was opened with: the next
 * `tag` just works.
 */
export interface Engine {
  /**
   * Load runtime and models, choose the way, lay the catalogue beside them.
   *
   * `bundle_url` is the folder of `bundle.json`, with a slash at its end; its models are checked by their sha256.
   */
  open(bundle_url: string, catalogs: readonly Catalog[], heard?: (loading: Loading) => void): Promise<Capabilities>;
  /** Search other catalogues from now on. */
  replace(catalogs: readonly Catalog[]): Promise<void>;
  tag(
    file: File,
    heard: { progress(progress: Progress): void; found(found: Found): void },
    cancelled: AbortSignal,
  ): Promise<Found>;
  /** Products for one kept vector in the present catalogues, best first: re-tagging without the video. */
  search(vector: Int8Array, count: number): Promise<Alternative[]>;
  close(): void;
}

/** What an update brought; of several catalogues the bytes together and the versions of the first. */
export interface Updated {
  way: "none" | "delta" | "full";
  /** 0 where nothing of the server was here before. */
  from_version: number;
  to_version: number;
  /** Bodies of answers, metadata and index included. */
  bytes_received: number;
}

/** Catalogues on this device; `createCatalogs` of `src/catalog/index.ts` makes one. */
export interface Catalogs {
  /** What is here, verified; at the first visit what the server publishes; the demo catalogue where there is nothing else. */
  open(): Promise<Catalog[]>;
  /** Look for something newer at the server. What it brings is in use after the next `open`. */
  update(): Promise<Updated>;
  record(catalog: string, product_id: string): ProductRecord | null;
  /** Products whose id, title or brand holds all the words, best first. */
  find(words: string, count: number): FoundProduct[];
  /** The thumbnail as a WebP file, where there is one and it can be had. */
  thumbnail(catalog: string, product_id: string): Promise<Blob | null>;
  /** What a user should know of the present state, such as that nothing can be kept here. */
  notes(): readonly Problem[];
}

export interface FoundProduct extends ProductRecord {
  catalog: string;
}

/** One decision as it is sent, exactly the fields of docs/formats/event.md. */
export interface DecisionEvent {
  schema: 1;
  event_id: string;
  kind: "accepted" | "rejected" | "corrected";
  made_at_s: number;
  tag_id: string;
  catalog: string;
  catalog_version: number;
  shard_sha256: string;
  space_id: string;
  product_id: string;
  corrected_to: string | null;
  similarity: number;
  margin: number;
  status: "match" | "ambiguous";
  embedding: string | null;
}

/** What would leave the device, exactly. */
export interface Waiting {
  events: DecisionEvent[];
  /** The bodies as text, one a batch, before they are packed; the token stands in a header beside them. */
  bodies: string[];
  /** All bodies as they travel, packed. */
  bytes: number;
}

/** A decision that the server will never store, and why. */
export interface RefusedDecision {
  event: DecisionEvent;
  error: string;
}

export interface Pushed {
  sent: number;
  acknowledged: number;
  refused: { event_id: string; error: string }[];
}

/**
 * Decisions kept until the server has them (docs/outbox.md has the rules of the device's); `createOutbox` of
 * `src/outbox/index.ts` makes one. Several tabs share one outbox.
 */
export interface Outbox {
  /** Decide, or decide again; a `vector` is sent along, so null without the creator's consent to this very decision. */
  decide(
    kind: DecisionEvent["kind"],
    tag: Tag,
    shard: ShardName,
    space_id: string,
    corrected_to: string | null,
    vector: Int8Array | null,
  ): Promise<void>;
  /** Decision by tag_id, for what was decided on this device. */
  decisions(): Promise<ReadonlyMap<string, { kind: DecisionEvent["kind"]; corrected_to: string | null }>>;
  waiting(): Promise<Waiting>;
  refused(): Promise<RefusedDecision[]>;
  /** Let what was refused be sent again; says how many. */
  retry(): Promise<number>;
  enrolled(): Promise<boolean>;
  enrol(code: string): Promise<void>;
  /**
   * Send what waits. Fails with a problem where the server cannot be reached (`offline`, `captive`), does not answer now
   * (`busy`, with `wait_s` where it names a time) or does not know this device (`token_unknown`, `not_enrolled`); what is
   * not acknowledged stays. Nothing happens where another tab is sending.
   */
  push(): Promise<Pushed>;
  /** Have the server delete what it stores of this device, then forget token, id and sent decisions here. */
  forget(): Promise<void>;
  /** Hear of every change, also one made in another tab; returns how to stop hearing. */
  changed(heard: () => void): () => void;
  notes(): readonly Problem[];
}

/** Whether the page works without a network; `startOffline` of `src/offline/index.ts` makes one. */
export interface Offline {
  /** Null once everything is here; a problem where that cannot be (storage full, no service worker). */
  ready: Promise<Problem | null>;
  /** Hear that a newer page waits. It is used once all tabs are closed, or at once by `renew`, which loads the page anew. */
  newer(heard: () => void): void;
  renew(): void;
}
