/** What page and worker say to each other. Every ask has an id; what is said in answer bears it. */
import type { Alternative, Capabilities, Catalog, Found, Loading, Problem, Progress } from "../contract.ts";

/** What may be set; only tests do. */
export interface Settings {
  /** Up to so many milliseconds a detection WebGPU is not tried. */
  fast_enough_ms: number;
  /** So many milliseconds WebGPU is given to load both models and to run one. */
  patience_ms: number;
  /** Seconds between the frames of a video that are looked at; null looks where something changes. */
  every_s: number | null;
}

export type Request =
  | { ask: "open"; bundle_url: string; catalogs: readonly Catalog[]; settings: Settings }
  | { ask: "replace"; catalogs: readonly Catalog[] }
  | { ask: "tag"; file: File }
  | { ask: "search"; vector: Int8Array; count: number };

/** Said without an answer: stop the ask of this id; rest while nobody looks. */
export type Control = { ask: "cancel"; id: number } | { ask: "rest"; hidden: boolean };

export type Asked = (Request & { id: number }) | Control;

export interface Answers {
  open: Capabilities;
  replace: null;
  tag: Found;
  search: Alternative[];
}

export type Saying =
  | { said: "done"; value: Answers[keyof Answers] }
  | { said: "failed"; problem: Problem }
  | { said: "loading"; loading: Loading }
  | { said: "progress"; progress: Progress }
  | { said: "found"; found: Found };

export type Said = { id: number } & Saying;
