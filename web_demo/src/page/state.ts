/** What the page knows, as one value, and how its views hear of a change. */
import type {
  Capabilities,
  Catalog,
  DecisionEvent,
  Found,
  Loading,
  Problem,
  Progress,
  ShardName,
  Waiting,
} from "../contract.ts";
import type { Decision, ProductRef } from "./rules/post.ts";
import type { Matching } from "./rules/wording.ts";

/** How far the search through one file is; `interrupted` by the end of an earlier visit. */
export type Stage = "idle" | "working" | "done" | "cancelled" | "interrupted" | "failed";

/** One file of the post. */
export interface Item {
  key: string;
  name: string;
  kind: "image" | "video";
  bytes: number;
  modified: number;
  /** Null where no copy was kept and the page was loaded anew. */
  file: File | null;
  /** Of the file, for `src`; null without a file. */
  url: string | null;
  stage: Stage;
  progress: Progress | null;
  found: Found | null;
  problem: Problem | null;
}

/** How far runtime and models are. */
export type Readiness = "off" | "loading" | "ready" | "failed";

/** Something that a person should know, with what can be done about it. */
export interface Notice {
  key: string;
  text: string;
  tone: "calm" | "warn";
  action?: { label: string; run: () => void };
}

/** How the last sending went. */
export interface Sending {
  busy: boolean;
  sent: number;
  refused: number;
  /** Sent as soon as there is a connection. */
  later: boolean;
  problem: Problem | null;
}

/** A catalogue without its columns, which only the engine needs. */
export interface OpenedCatalog {
  name: ShardName;
  demo: boolean;
  matching: Matching | null;
}

export interface State {
  identify: boolean;
  readiness: Readiness;
  loading: Loading | null;
  capabilities: Capabilities | null;
  catalogs: readonly OpenedCatalog[];
  /** Thresholds of the models, for catalogues without their own. */
  matching: Matching;
  items: readonly Item[];
  selected: string | null;
  /** The moment that was last asked for; `count` tells one asking from the next. */
  moment: { key: string; time_s: number; count: number };
  /** Id of the suggestion whose box stands out. */
  lit: string | null;
  caption: string;
  /** Products that a person put into the post beside the accepted ones, and accepted ones that they left out of it. */
  added: readonly ProductRef[];
  leftOut: readonly ProductRef[];
  decisions: ReadonlyMap<string, Decision>;
  waiting: Waiting;
  enrolled: boolean;
  enrolling: { busy: boolean; problem: Problem | null };
  sending: Sending;
  online: boolean;
  /** Whether the draft is kept over a reload. */
  kept: boolean;
  notices: readonly Notice[];
}

export const NOTHING_WAITS: Waiting = { events: [], bodies: [], bytes: 0 };

export const START: State = {
  identify: false,
  readiness: "off",
  loading: null,
  capabilities: null,
  catalogs: [],
  matching: { similarity_threshold: 1, margin_threshold: 0 },
  items: [],
  selected: null,
  moment: { key: "", time_s: 0, count: 0 },
  lit: null,
  caption: "",
  added: [],
  leftOut: [],
  decisions: new Map(),
  waiting: NOTHING_WAITS,
  enrolled: false,
  enrolling: { busy: false, problem: null },
  sending: { busy: false, sent: 0, refused: 0, later: false, problem: null },
  online: true,
  kept: false,
  notices: [],
};

/** A state that tells of its changes, many in one turn as one. */
export class Store {
  #state: State = START;
  #heard = new Set<() => void>();
  #told = false;

  get state(): State {
    return this.#state;
  }

  set(change: Partial<State>): void {
    this.#state = { ...this.#state, ...change };
    if (this.#told) return;
    this.#told = true;
    queueMicrotask(() => {
      this.#told = false;
      for (const heard of this.#heard) heard();
    });
  }

  /** Change one item, if it is still there. */
  item(key: string, change: Partial<Item>): void {
    this.set({ items: this.#state.items.map((item) => (item.key === key ? { ...item, ...change } : item)) });
  }

  /** Show a notice in the place of an earlier one with the same key. */
  notice(notice: Notice): void {
    this.set({ notices: [...this.#state.notices.filter(({ key }) => key !== notice.key), notice] });
  }

  dismiss(key: string): void {
    this.set({ notices: this.#state.notices.filter((notice) => notice.key !== key) });
  }

  /** Hear of changes; returns how to stop. */
  subscribe(heard: () => void): () => void {
    this.#heard.add(heard);
    return () => this.#heard.delete(heard);
  }
}

/** Return what the page keeps of a catalogue. */
export function opened(catalog: Catalog): OpenedCatalog {
  return { name: catalog.name, demo: catalog.demo, matching: catalog.matching };
}

export type DecisionKind = DecisionEvent["kind"];
