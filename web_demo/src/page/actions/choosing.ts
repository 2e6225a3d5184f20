/** Which files the post has. */
import type { Item, Store } from "../state.ts";
import type { Keeping } from "./keeping.ts";

export class Choosing {
  constructor(
    private readonly store: Store,
    private readonly keeping: Keeping,
  ) {}

  /** Add files behind those that are there; the first of them comes on the stage. */
  add(files: Iterable<File>): void {
    const items = Array.from(files, newItem);
    if (items.length === 0) return;
    this.store.set({ items: [...this.store.state.items, ...items], selected: items[0]!.key });
    void this.#keepCopies(items);
  }

  /** Give an item its file again, of which no copy was kept; says whether it is the same file. */
  again(key: string, file: File): boolean {
    const item = this.store.state.items.find((item) => item.key === key);
    if (!item || item.name !== file.name || item.bytes !== file.size) return false;
    this.store.item(key, { file, url: URL.createObjectURL(file) });
    return true;
  }

  remove(key: string): void {
    const { items, selected } = this.store.state;
    const place = items.findIndex((item) => item.key === key);
    const left = items.filter((item) => item.key !== key);
    if (items[place]?.url) URL.revokeObjectURL(items[place].url);
    const next = selected === key ? (left[Math.min(place, left.length - 1)]?.key ?? null) : selected;
    this.store.set({ items: left, selected: next });
    void this.keeping.removeItem(key);
  }

  select(key: string): void {
    this.store.set({ selected: key });
  }

  async #keepCopies(items: readonly Item[]): Promise<void> {
    for (const { key, file } of items) if (file) await this.keeping.keepMedia(key, file);
  }
}

function newItem(file: File): Item {
  return {
    key: crypto.randomUUID(),
    name: file.name,
    kind: file.type.startsWith("image/") ? "image" : "video",
    bytes: file.size,
    modified: file.lastModified,
    file,
    url: URL.createObjectURL(file),
    stage: "idle",
    progress: null,
    found: null,
    problem: null,
  };
}
