/** Keeps the draft while it changes, and brings it back. A browser that keeps nothing is told of once and works on. */
import { Drafts, type KeptItem } from "../drafts.ts";
import { asProblem, sentence } from "../problems.ts";
import type { Item, Store } from "../state.ts";

/** What is found while a clip is looked through is kept this often, at most. */
const EVERY_MS = 700;

export class Keeping {
  #drafts: Drafts | null = null;
  #written = new Map<string, Item>();
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(private readonly store: Store) {}

  /** Bring back the draft of this tab, then keep every change. */
  async start(): Promise<void> {
    try {
      this.#drafts = await Drafts.open();
      await this.#restore(this.#drafts);
      this.store.set({ kept: true });
    } catch {
      const problem = { name: "no_storage", sentence: "", values: {} };
      this.store.notice({ key: problem.name, text: sentence(problem), tone: "warn" });
      return;
    }
    this.store.subscribe(() => this.#soon());
    addEventListener("pagehide", () => void this.#keep());
  }

  async keepMedia(key: string, file: File): Promise<void> {
    await this.#safely(async (drafts) => {
      await this.#keep();
      await drafts.keepMedia(key, file);
    });
  }

  async removeItem(key: string): Promise<void> {
    this.#written.delete(key);
    await this.#safely((drafts) => drafts.removeItem(key));
  }

  async clear(): Promise<void> {
    this.#written.clear();
    await this.#safely((drafts) => drafts.clear());
    this.store.dismiss("storage_full");
  }

  async #restore(drafts: Drafts): Promise<void> {
    const { draft, items, media } = await drafts.read();
    const restored = items.map((kept) => restoredItem(kept, media.get(kept.key) ?? null));
    for (const item of restored) this.#written.set(item.key, item);
    this.store.set({
      items: [...restored, ...this.store.state.items],
      identify: draft?.identify ?? this.store.state.identify,
      caption: draft?.caption ?? "",
      added: draft?.added ?? [],
      leftOut: draft?.leftOut ?? [],
      selected: draft?.selected ?? restored[0]?.key ?? null,
      sending: { ...this.store.state.sending, later: draft?.sendLater ?? false },
    });
  }

  #soon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      void this.#keep();
    }, EVERY_MS);
  }

  async #keep(): Promise<void> {
    const { identify, caption, added, leftOut, selected, items, sending } = this.store.state;
    if (items.length === 0 && caption === "" && !identify && this.#written.size === 0) return;
    await this.#safely(async (drafts) => {
      await drafts.keep({ identify, caption, added, leftOut, selected, sendLater: sending.later });
      for (const [order, item] of items.entries()) await this.#keepItem(drafts, item, order);
    });
  }

  async #keepItem(drafts: Drafts, item: Item, order: number): Promise<void> {
    const before = this.#written.get(item.key);
    if (before?.found === item.found && before?.stage === item.stage) return;
    this.#written.set(item.key, item);
    const { key, name, kind, bytes, modified, stage, found } = item;
    await drafts.keepItem({ key, order, name, kind, bytes, modified, stage, found });
  }

  async #safely(work: (drafts: Drafts) => Promise<void>): Promise<void> {
    if (!this.#drafts) return;
    try {
      await work(this.#drafts);
    } catch (error) {
      const problem = asProblem(error);
      this.store.set({ kept: false });
      this.store.notice({ key: problem.name, text: sentence(problem), tone: "warn" });
    }
  }
}

function restoredItem(kept: KeptItem, file: File | null): Item {
  const { key, name, kind, bytes, modified, found } = kept;
  const stage = kept.stage === "working" ? "interrupted" : kept.stage;
  const url = file && URL.createObjectURL(file);
  return { key, name, kind, bytes, modified, file, url, stage, found, progress: null, problem: null };
}
