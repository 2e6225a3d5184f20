/**
 * The draft of the post in IndexedDB, so that a reload loses nothing: text, what was found, and the media up to a size.
 *
 * A draft belongs to the tab that has its lock. A second tab takes the newest draft that no other tab holds, or begins one.
 */
import { type DBSchema, type IDBPDatabase, openDB } from "idb";
import type { Found } from "../contract.ts";
import type { ProductRef } from "./rules/post.ts";
import type { Item, Stage } from "./state.ts";

/** Bytes of one file up to which a copy is kept; a larger one is asked for again after a reload. */
export const LARGEST_COPY = 200_000_000;

/** How long a reloaded tab waits for the lock that its last page may not have let go of yet. */
const PATIENCE_MS = 1000;
/** Two pages on one host do not meet. */
const PLACE = new URL("./", document.baseURI).pathname;
/** Where a tab remembers which draft is its own. */
const MINE = `taglet-draft${PLACE}`;

export interface KeptItem {
  draft: string;
  key: string;
  order: number;
  name: string;
  kind: Item["kind"];
  bytes: number;
  modified: number;
  stage: Stage;
  found: Found | null;
}

export interface KeptDraft {
  id: string;
  changed: number;
  identify: boolean;
  caption: string;
  added: readonly ProductRef[];
  leftOut: readonly ProductRef[];
  selected: string | null;
  sendLater: boolean;
}

interface Tables extends DBSchema {
  drafts: { key: string; value: KeptDraft };
  items: { key: string; value: KeptItem; indexes: { draft: string } };
  media: { key: string; value: { key: string; file: File } };
}

/** A draft as it was left. */
export interface Left {
  draft: KeptDraft | null;
  items: KeptItem[];
  media: Map<string, File>;
}

/** The drafts of this browser, opened on one of them. */
export class Drafts {
  private constructor(
    private readonly db: IDBPDatabase<Tables>,
    readonly id: string,
  ) {}

  /** Open the newest draft that no other tab has open, or a new one. Fails where nothing can be kept. */
  static async open(): Promise<Drafts> {
    const db = await openDB<Tables>(`taglet-drafts${PLACE}`, 1, {
      upgrade(db) {
        db.createObjectStore("drafts", { keyPath: "id" });
        db.createObjectStore("items", { keyPath: "key" }).createIndex("draft", "draft");
        db.createObjectStore("media", { keyPath: "key" });
      },
    });
    const newestFirst = (await db.getAll("drafts")).sort((a, b) => b.changed - a.changed).map(({ id }) => id);
    const mine = newestFirst.filter((id) => id === sessionStorage.getItem(MINE));
    for (const id of [...mine, ...newestFirst, crypto.randomUUID()]) {
      if (!(await held(id, mine.includes(id) ? PATIENCE_MS : 0))) continue;
      sessionStorage.setItem(MINE, id);
      return new Drafts(db, id);
    }
    throw new Error("a new draft has no other owner");
  }

  async read(): Promise<Left> {
    const draft = (await this.db.get("drafts", this.id)) ?? null;
    const items = (await this.db.getAllFromIndex("items", "draft", this.id)).sort((a, b) => a.order - b.order);
    const media = new Map<string, File>();
    for (const { key } of items) {
      const kept = await this.db.get("media", key);
      if (kept) media.set(key, kept.file);
    }
    return { draft, items, media };
  }

  async keep(draft: Omit<KeptDraft, "id" | "changed">): Promise<void> {
    await this.db.put("drafts", { ...draft, id: this.id, changed: Date.now() });
  }

  async keepItem(item: Omit<KeptItem, "draft">): Promise<void> {
    await this.db.put("items", { ...item, draft: this.id });
  }

  /** Keep a copy of a file; says whether it was small enough. */
  async keepMedia(key: string, file: File): Promise<boolean> {
    if (file.size > LARGEST_COPY) return false;
    await this.db.put("media", { key, file });
    return true;
  }

  async removeItem(key: string): Promise<void> {
    const work = this.db.transaction(["items", "media"], "readwrite");
    await Promise.all([work.objectStore("items").delete(key), work.objectStore("media").delete(key), work.done]);
  }

  async clear(): Promise<void> {
    for (const key of await this.db.getAllKeysFromIndex("items", "draft", this.id)) await this.removeItem(key);
    await this.db.delete("drafts", this.id);
  }
}

/** Take a draft's lock until this tab ends; says whether it could be had. A browser without locks has one tab, we hope. */
function held(id: string, patience_ms: number): Promise<boolean> {
  if (!navigator.locks) return Promise.resolve(true);
  const how = patience_ms > 0 ? { signal: AbortSignal.timeout(patience_ms) } : { ifAvailable: true };
  return new Promise((resolve) => {
    navigator.locks
      .request(`taglet-draft-${id}`, how, (lock) => {
        resolve(lock !== null);
        return lock === null ? null : new Promise(() => undefined);
      })
      .catch(() => resolve(false));
  });
}
