/**
 * "Identify similar objects": everything that needs catalogues and engine, which are loaded by the first use of the switch.
 *
 * One file at a time, in the order of the post. Cancelling shows at once, whatever the worker is doing.
 */
import type { Alternative, Catalogs, Engine, Found } from "../../contract.ts";
import { texts } from "../../texts/index.ts";
import { asProblem, isAway, sentence } from "../problems.ts";
import type { Rooms } from "../rooms.ts";
import { size } from "../rules/format.ts";
import { withSameCrops } from "../rules/seen.ts";
import type { Matching } from "../rules/wording.ts";
import { type Item, opened, type Store } from "../state.ts";

/** A page on a plain host has no catalogue but that of the demo, which is no news to whoever looks at it. */
const NO_SERVER = "not_published";

export class Identifying {
  #catalogs: Catalogs | null = null;
  #engine: Promise<Engine> | null = null;
  #running: AbortController | null = null;
  #last: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly store: Store,
    private readonly rooms: Rooms,
  ) {}

  /** The catalogues, where they are open already. */
  get catalogs(): Catalogs | null {
    return this.#catalogs;
  }

  switch(on: boolean): void {
    this.store.set({ identify: on });
    if (on) void this.run();
    else this.cancel();
  }

  /** Look through what was not looked through yet. */
  async run(): Promise<void> {
    if (this.#running || !this.store.state.identify) return;
    const running = new AbortController();
    this.#running = running;
    try {
      const engine = await this.#ready();
      await this.#last;
      for (let item = this.#next(); item && !running.signal.aborted; item = this.#next()) {
        await this.#look(engine, item, running.signal);
      }
    } catch (error) {
      if (!running.signal.aborted) this.#failed(error);
    } finally {
      if (this.#running === running) this.#running = null;
    }
  }

  /** Stop now: what was found is kept, what was not begun waits. */
  cancel(): void {
    this.#running?.abort();
    this.#running = null;
    const cancelled = (item: Item): Item => {
      const stops = item.stage === "working" || (item.stage === "idle" && item.file !== null);
      return stops ? { ...item, stage: "cancelled", progress: null } : item;
    };
    this.store.set({ items: this.store.state.items.map(cancelled) });
  }

  /** Leave the file that is looked through, and go on with the next. */
  skip(): void {
    this.#running?.abort();
    this.#running = null;
    void this.run();
  }

  /** Look through one file, or all, once more. */
  async again(key: string | null): Promise<void> {
    const anew = (item: Item): Item =>
      (key === null || item.key === key) && item.file ? { ...item, stage: "idle", problem: null } : item;
    this.store.set({ items: this.store.state.items.map(anew), identify: true });
    await this.run();
  }

  /** Open the catalogues alone: what an earlier visit found can be shown with them. */
  async openCatalogs(): Promise<Catalogs> {
    const catalogs = await this.rooms.catalogs();
    if (this.store.state.catalogs.length === 0) {
      this.store.set({ catalogs: (await catalogs.open()).map(opened), matching: await this.#matching() });
      this.#note(catalogs);
    }
    this.#catalogs = catalogs;
    return catalogs;
  }

  /** Products most like a vector; none while the engine is not there. */
  async similar(vector: Int8Array, count: number): Promise<Alternative[]> {
    return this.#engine ? (await this.#engine).search(vector, count) : [];
  }

  async #look(engine: Engine, { key, file }: Item, cancelled: AbortSignal): Promise<void> {
    this.store.item(key, { stage: "working", problem: null, progress: null });
    const heard = <T>(take: (value: T) => void) => (value: T) => {
      if (!cancelled.aborted) take(value);
    };
    const work = engine.tag(
      file!,
      {
        progress: heard((progress) => this.store.item(key, { progress })),
        found: heard((found) => this.#found(key, found)),
      },
      cancelled,
    );
    this.#last = work.catch(() => undefined);
    try {
      const found = await work;
      if (cancelled.aborted) return;
      this.#found(key, found);
      this.store.item(key, { stage: "done", progress: null });
    } catch (error) {
      if (!cancelled.aborted) this.#itemFailed(key, error);
    }
  }

  #found(key: string, found: Found): void {
    const before = this.store.state.items.find((item) => item.key === key)?.found ?? null;
    this.store.item(key, { found: withSameCrops(before, found) });
  }

  #itemFailed(key: string, error: unknown): void {
    const problem = asProblem(error);
    this.store.item(key, { stage: problem.name === "cancelled" ? "cancelled" : "failed", problem, progress: null });
  }

  #next(): Item | undefined {
    return this.store.state.items.find((item) => item.stage === "idle" && item.file !== null);
  }

  #ready(): Promise<Engine> {
    this.#engine ??= this.#open().catch((error: unknown) => {
      this.#engine = null;
      throw error;
    });
    return this.#engine;
  }

  async #open(): Promise<Engine> {
    this.store.set({ readiness: "loading", loading: null });
    this.store.dismiss("engine");
    const rooms = Promise.all([this.rooms.catalogs(), this.rooms.engine()]);
    const [catalogs, engine] = await rooms;
    const columns = await catalogs.open();
    const capabilities = await engine.open(this.rooms.bundleUrl, columns, (loading) => this.store.set({ loading }));
    this.#catalogs = catalogs;
    this.store.set({
      readiness: "ready",
      loading: null,
      capabilities,
      catalogs: columns.map(opened),
      matching: await this.#matching(),
    });
    this.#note(catalogs);
    void this.#update(catalogs, engine);
    return engine;
  }

  async #update(catalogs: Catalogs, engine: Engine): Promise<void> {
    try {
      const updated = await catalogs.update();
      if (updated.way === "none") return;
      const columns = await catalogs.open();
      await engine.replace(columns);
      this.store.set({ catalogs: columns.map(opened) });
      this.#newer(updated.to_version, updated.bytes_received);
    } catch (error) {
      const problem = asProblem(error);
      if (isAway(problem)) this.store.set({ online: false });
      else if (problem.name !== NO_SERVER) this.store.notice({ key: "catalog", text: sentence(problem), tone: "warn" });
    }
  }

  #newer(version: number, bytes: number): void {
    const looked = this.store.state.items.some((item) => item.found !== null && item.file !== null);
    const run = () => {
      this.store.dismiss("catalog");
      void this.again(null);
    };
    this.store.notice({
      key: "catalog",
      text: texts.notices.newCatalog(version, size(bytes)),
      tone: "calm",
      ...(looked ? { action: { label: texts.notices.lookAgain, run } } : {}),
    });
  }

  /** Thresholds of the models; the service worker has them where the network has not. */
  async #matching(): Promise<Matching> {
    const answer = await fetch(`${this.rooms.bundleUrl}bundle.json`);
    return ((await answer.json()) as { matching: Matching }).matching;
  }

  #note(catalogs: Catalogs): void {
    for (const problem of catalogs.notes()) {
      this.store.notice({ key: problem.name, text: sentence(problem), tone: "warn" });
    }
  }

  #failed(error: unknown): void {
    const problem = asProblem(error);
    this.store.set({ readiness: "failed", loading: null });
    const run = () => {
      this.store.dismiss("engine");
      void this.run();
    };
    const action = { label: texts.identify.retry, run };
    this.store.notice({ key: "engine", text: sentence(problem), tone: "warn", action });
  }
}
