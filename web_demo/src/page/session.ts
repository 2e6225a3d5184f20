/**
 * One visit to the page: its state and everything that can be done, told apart by what it is about.
 *
 *     const session = new Session(rooms);
 *     await session.start();
 *     session.choosing.add(files);
 *     session.identifying.switch(true);
 */
import type { ProductRecord } from "../contract.ts";
import { texts } from "../texts/index.ts";
import { Choosing } from "./actions/choosing.ts";
import { Deciding } from "./actions/deciding.ts";
import { Identifying } from "./actions/identifying.ts";
import { Keeping } from "./actions/keeping.ts";
import { Sending } from "./actions/sending.ts";
import { asProblem, sentence } from "./problems.ts";
import type { Rooms } from "./rooms.ts";
import type { ProductRef } from "./rules/post.ts";
import { Store, START } from "./state.ts";

export class Session {
  readonly store = new Store();
  readonly keeping = new Keeping(this.store);
  readonly choosing = new Choosing(this.store, this.keeping);
  readonly identifying: Identifying;
  readonly deciding: Deciding;
  readonly sending: Sending;
  #thumbnails = new Map<string, Promise<string | null>>();

  constructor(private readonly rooms: Rooms) {
    this.identifying = new Identifying(this.store, rooms);
    this.deciding = new Deciding(this.store, rooms);
    this.sending = new Sending(this.store, rooms);
  }

  /** Bring back what was left, draw it, then go on with what was asked for. */
  async start(draw: () => void): Promise<void> {
    await this.keeping.start();
    draw();
    await this.#tell("outbox", () => this.deciding.start());
    const { items, waiting, added } = this.store.state;
    if (added.length + waiting.events.length > 0 || items.some(({ found }) => found)) {
      await this.#tell("catalog", () => this.identifying.openCatalogs());
    }
    this.sending.start();
    await this.#tell("offline", () => this.#watchPage());
    if (this.store.state.items.some(({ stage, file }) => stage === "idle" && file)) void this.identifying.run();
  }

  addFiles(files: Iterable<File>): void {
    this.choosing.add(files);
    void this.identifying.run();
  }

  removeItem(key: string): void {
    const { stage } = this.store.state.items.find((item) => item.key === key) ?? {};
    this.choosing.remove(key);
    if (stage === "working") this.identifying.skip();
  }

  /** Bring a moment of a file on the stage. */
  show(key: string, time_s: number): void {
    const { count } = this.store.state.moment;
    this.store.set({ selected: key, moment: { key, time_s, count: count + 1 } });
  }

  light(id: string | null): void {
    if (this.store.state.lit !== id) this.store.set({ lit: id });
  }

  /** Throw the draft away; decisions stay in the outbox. */
  async startOver(): Promise<void> {
    this.identifying.cancel();
    for (const { url } of this.store.state.items) if (url) URL.revokeObjectURL(url);
    const { items, selected, caption, added, leftOut, identify, moment, lit } = START;
    this.store.set({ items, selected, caption, added, leftOut, identify, moment, lit });
    await this.keeping.clear();
  }

  /** What a catalogue says of a product; the catalogue that the tag names is asked first. */
  product(product_id: string, catalog: string): { ref: ProductRef; record: ProductRecord } | null {
    const names = [catalog, ...this.store.state.catalogs.map(({ name }) => name.catalog)];
    for (const name of names) {
      const record = this.identifying.catalogs?.record(name, product_id);
      if (record) return { ref: { catalog: name, product_id }, record };
    }
    return null;
  }

  /** Address of a product's thumbnail, null where there is none; asked for once. */
  thumbnail({ catalog, product_id }: ProductRef): Promise<string | null> {
    const key = `${catalog}\n${product_id}`;
    const known = this.#thumbnails.get(key);
    if (known) return known;
    const asked = (this.identifying.catalogs?.thumbnail(catalog, product_id) ?? Promise.resolve(null))
      .then((file) => (file ? URL.createObjectURL(file) : null))
      .catch(() => null);
    this.#thumbnails.set(key, asked);
    return asked;
  }

  async #watchPage(): Promise<void> {
    const offline = await this.rooms.offline();
    offline.newer(() => {
      const action = { label: texts.notices.reload, run: () => offline.renew() };
      this.store.notice({ key: "page", text: texts.notices.newPage, tone: "calm", action });
    });
    void offline.ready.then((problem) => {
      if (problem) this.store.notice({ key: problem.name, text: sentence(problem), tone: "warn" });
      else void this.#fetchCatalogs();
    });
  }

  /** Have the server's catalogues here too before the network is gone; what is in the way is said when they are opened. */
  async #fetchCatalogs(): Promise<void> {
    await this.rooms.catalogs().then((catalogs) => catalogs.update()).catch(() => undefined);
  }

  async #tell(key: string, work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.store.notice({ key, text: sentence(asProblem(error)), tone: "warn" });
    }
  }
}
