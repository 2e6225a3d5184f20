/** The engine without a page, for the tests in `tests/web/` of the project: they call what hangs on `harness`. */
import type { Catalog, Found, Progress, ShardName } from "../../src/contract.ts";
import { createEngine, type Options } from "../../src/engine/index.ts";
import { problemOf } from "../../src/problem.ts";
import { observe } from "./golden.ts";

const engines = new Map<string, ReturnType<typeof createEngine>>();
const controllers = new Map<string, AbortController>();
const progressed = new Map<string, Progress[]>();

/** Fetch a shard as it lies in a folder, without checking it: that is the courier's work. */
async function catalogOf(url: string, demo: boolean): Promise<Catalog> {
  const said = await (await fetch(`${url}shard.json`)).json();
  const columns: Record<string, ArrayBuffer> = {};
  for (const { name, file, bytes } of said.columns) {
    const whole = await (await fetch(`${url}${file}`)).arrayBuffer();
    columns[name] = whole.slice(whole.byteLength - bytes);
  }
  const name: ShardName = { catalog: said.catalog, version: said.version, items: said.products, sha256: said.sha256 };
  return { name, space_id: said.space_id, ndim: said.ndim, demo, columns, matching: null };
}

async function fileOf(url: string): Promise<File> {
  const blob = await (await fetch(url)).blob();
  return new File([blob], url.split("/").at(-1)!);
}

/** Return what a promise gives, or the problem that it fails with. */
async function told<T>(promise: Promise<T>): Promise<{ value: T } | { problem: ReturnType<typeof problemOf> }> {
  try {
    return { value: await promise };
  } catch (error) {
    return { problem: problemOf(error) };
  }
}

const harness = {
  catalogOf,
  fileOf,
  observe,
  async open(name: string, bundle_url: string, shard_urls: string[], options: Partial<Options> = {}) {
    const engine = createEngine(options);
    engines.set(name, engine);
    const catalogs = await Promise.all(shard_urls.map((url) => catalogOf(url, true)));
    return told(engine.open(bundle_url, catalogs));
  },
  tag: (name: string, url: string) => fileOf(url).then((file) => harness.tagFile(name, file)),
  async tagFile(name: string, file: File) {
    const found: Found[] = [];
    const progress: Progress[] = [];
    progressed.set(name, progress);
    const controller = new AbortController();
    controllers.set(name, controller);
    const heard = { progress: (one: Progress) => progress.push(one), found: (one: Found) => found.push(one) };
    const end = await told(engines.get(name)!.tag(file, heard, controller.signal));
    return { ...end, progress, early: found.length };
  },
  tagChosen: (name: string) => {
    return harness.tagFile(name, document.querySelector<HTMLInputElement>("#file")!.files![0]!);
  },
  /** Open an engine whose first workers misbehave: `dead` ones cannot be loaded, `deaf` ones do not hear what to tag. */
  openUnlucky(name: string, bundle_url: string, shard_urls: string[], luck: { dead: number; deaf: number }) {
    const start = () => {
      const real = () => new Worker(new URL("../../src/engine/worker.ts", import.meta.url), { type: "module" });
      const worker = luck.dead-- > 0 ? new Worker("/not-here.js", { type: "module" }) : real();
      const post = worker.postMessage.bind(worker);
      worker.postMessage = (message: { ask: string }) => {
        if (message.ask !== "tag" || luck.deaf-- <= 0) post(message);
      };
      return worker;
    };
    return harness.open(name, bundle_url, shard_urls, { start, silence_ms: 10_000 });
  },
  /** Let the page believe that nobody looks at it, or somebody does. */
  hide(hidden: boolean) {
    Object.defineProperty(document, "hidden", { get: () => hidden, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  },
  cancel: (name: string) => controllers.get(name)!.abort(),
  progress: (name: string) => progressed.get(name) ?? [],
  close: (name: string) => engines.get(name)!.close(),
  engine: (name: string) => engines.get(name)!,
};

declare global {
  interface Window {
    harness: typeof harness;
  }
}
window.harness = harness;
