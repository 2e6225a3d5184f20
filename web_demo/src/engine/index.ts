/**
 * The engine as the page sees it: one module worker, watched. A worker that says nothing for too long or dies fails what
 * it was asked with one problem; another is started and opened with what the last was opened with.
 *
 *     const engine = createEngine();
 *     await engine.open("/bundle/", catalogs);
 *     const found = await engine.tag(file, { progress() {}, found() {} }, controller.signal);
 */
import type { Capabilities, Catalog, Engine, Found, Loading, Problem, Progress } from "../contract.ts";
import { Failure, failure } from "../problem.ts";
import type { Answers, Asked, Control, Request, Said, Settings } from "./messages.ts";

/** WebAssembly that takes at most so long for a detection is not compared with WebGPU. */
const FAST_ENOUGH_MS = 50;
const PATIENCE_MS = 8_000;
/** A worker that says nothing for so long while it works is taken for hung: no frame takes as long. */
const SILENCE_MS = 30_000;

/** What may be set; only tests do. */
export interface Options extends Settings {
  silence_ms: number;
  /** Starts a worker. */
  start(): Worker;
}

interface Heard {
  progress?(progress: Progress): void;
  found?(found: Found): void;
  loading?(loading: Loading): void;
}

interface Pending {
  resolve(value: Answers[keyof Answers]): void;
  reject(problem: Failure): void;
  heard: Heard;
}

/** Start an engine; its worker is started by `open`. */
export function createEngine(options: Partial<Options> = {}): Engine {
  const { silence_ms = SILENCE_MS, start = startWorker, every_s = null } = options;
  const { fast_enough_ms = FAST_ENOUGH_MS, patience_ms = PATIENCE_MS } = options;
  const pending = new Map<number, Pending>();
  const settings: Settings = { fast_enough_ms, patience_ms, every_s };
  let opened_with: { bundle_url: string; catalogs: readonly Catalog[] } | null = null;
  let worker: Worker | null = null;
  let next_id = 0;
  let silence: ReturnType<typeof setTimeout> | undefined;
  let is_paused = false;

  function listen(): Worker {
    const started = start();
    started.addEventListener("message", ({ data }: MessageEvent<Said>) => hear(data));
    started.addEventListener("error", (event) => {
      event.preventDefault();
      fail("worker_died", `The part of the page that looks at pictures broke down (${event.message}) and was started again: try again.`);
    });
    started.postMessage({ ask: "rest", hidden: document.hidden } satisfies Control);
    return started;
  }

  function hear(said: Said): void {
    const asked = pending.get(said.id);
    is_paused = said.said === "progress" && said.progress.paused;
    if (asked !== undefined) {
      if (said.said === "progress") asked.heard.progress?.(said.progress);
      else if (said.said === "found") asked.heard.found?.(said.found);
      else if (said.said === "loading") asked.heard.loading?.(said.loading);
      else {
        pending.delete(said.id);
        if (said.said === "done") asked.resolve(said.value);
        else asked.reject(new Failure(said.problem));
      }
    }
    watch();
  }

  /** Wait anew for the worker to say something, while it has something to do. */
  function watch(): void {
    clearTimeout(silence);
    if (pending.size === 0 || is_paused) return;
    silence = setTimeout(() => {
      fail("worker_hung", "The part of the page that looks at pictures hung and was started again: try again.");
    }, silence_ms);
  }

  /** Fail everything that waits, and start again with what was opened last. */
  function fail(name: string, sentence: string): void {
    worker?.terminate();
    worker = null;
    clearTimeout(silence);
    const waiting = [...pending.values()];
    pending.clear();
    waiting.forEach(({ reject }) => reject(failure(name, sentence)));
  }

  function ask<Ask extends Request["ask"]>(
    request: Request & { ask: Ask },
    heard: Heard = {},
    cancelled?: AbortSignal,
  ): Promise<Answers[Ask]> {
    if (worker === null) {
      worker = listen();
      if (request.ask !== "open" && opened_with !== null) reopen();
    }
    const id = next_id++;
    const to = worker;
    return new Promise<Answers[keyof Answers]>((resolve, reject) => {
      const stop = () => {
        to.postMessage({ ask: "cancel", id } satisfies Control);
        pending.delete(id);
        watch();
        reject(failure("cancelled", "Stopped."));
      };
      if (cancelled?.aborted) return reject(failure("cancelled", "Stopped."));
      cancelled?.addEventListener("abort", stop, { once: true });
      const forget = () => cancelled?.removeEventListener("abort", stop);
      pending.set(id, {
        heard,
        resolve: (value) => (forget(), resolve(value)),
        reject: (problem) => (forget(), reject(problem)),
      });
      to.postMessage({ ...request, id } satisfies Asked);
      watch();
    }) as Promise<Answers[Ask]>;
  }

  function reopen(): void {
    ask({ ask: "open", ...opened_with!, settings }).catch(() => {}); // what is asked next fails with the same problem
  }

  const visible = () => {
    if (!document.hidden) is_paused = false;
    worker?.postMessage({ ask: "rest", hidden: document.hidden } satisfies Control);
    watch();
  };
  document.addEventListener("visibilitychange", visible);

  return {
    open(bundle_url, catalogs, loading): Promise<Capabilities> {
      opened_with = { bundle_url: new URL(bundle_url, document.baseURI).href, catalogs: catalogs.map(searchedOf) };
      return ask({ ask: "open", ...opened_with, settings }, loading ? { loading } : {});
    },
    async replace(catalogs) {
      const searched = catalogs.map(searchedOf);
      if (opened_with !== null) opened_with = { ...opened_with, catalogs: searched };
      await ask({ ask: "replace", catalogs: searched });
    },
    tag: (file, heard, cancelled) => ask({ ask: "tag", file }, heard, cancelled),
    search: (vector, count) => ask({ ask: "search", vector, count }),
    close() {
      document.removeEventListener("visibilitychange", visible);
      fail("closed", "The page was closed.");
    },
  };
}

function startWorker(): Worker {
  return new Worker(new URL("./worker.ts", import.meta.url), { type: "module", name: "engine" });
}

const SEARCHED = ["vectors", "view_offsets", "product_id", "product_id_offsets", "title", "title_offsets"];

/** Return a catalogue with only the columns that are searched, so that no more is copied into the worker. */
function searchedOf(catalog: Catalog): Catalog {
  return { ...catalog, columns: Object.fromEntries(SEARCHED.map((name) => [name, catalog.columns[name]!])) };
}

export type { Engine, Problem };
