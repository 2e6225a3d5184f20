/** The worker: opens the kit, does what it is asked one after the other, and hears at once when it should stop or rest. */
import type { Catalog, Loading } from "../contract.ts";
import { failure, problemOf } from "../problem.ts";
import { type Bundle, fetchFile, loadBundle, readProjection } from "./bundle.ts";
import { choose, startRuntime } from "./capabilities.ts";
import { detectorOf } from "./detector.ts";
import { embedderOf } from "./embedder.ts";
import { galleryOf } from "./gallery.ts";
import { gate } from "./gate.ts";
import type { Answers, Asked, Request, Saying, Settings } from "./messages.ts";
import type { Kit } from "./kit.ts";
import { type Listener, tagSource } from "./pipeline.ts";
import { tensorShape } from "./preprocessing.ts";

let kit: Kit | null = null;
let settings: Settings | null = null;
let queue: Promise<void> = Promise.resolve();
const cancelled = new Set<number>();

const resting = gate();

self.addEventListener("message", ({ data }: MessageEvent<Asked>) => {
  if (data.ask === "cancel") {
    cancelled.add(data.id);
    resting.wake();
  } else if (data.ask === "rest") {
    resting.shut(data.hidden);
  } else {
    queue = queue.then(() => answer(data));
  }
});

async function answer(request: Request & { id: number }): Promise<void> {
  const { id } = request;
  const say = (said: Saying) => self.postMessage({ id, ...said });
  try {
    say({ said: "done", value: await done(request, say) });
  } catch (error) {
    const problem = problemOf(error);
    if (problem.name === "unexpected") console.error(error);
    say({ said: "failed", problem });
  } finally {
    cancelled.delete(id);
  }
}

async function done(
  request: Request & { id: number },
  say: (said: Saying) => void,
): Promise<Answers[keyof Answers]> {
  if (request.ask === "open") {
    settings = request.settings;
    const tell = (loading: Loading) => say({ said: "loading", loading });
    const opened = await open(request.bundle_url, request.catalogs, settings, tell);
    kit = opened.kit;
    return opened.capabilities;
  }
  if (kit === null || settings === null) throw failure("not_open", "The models are not loaded yet: wait a moment.");
  switch (request.ask) {
    case "replace":
      kit = { ...kit, ...searched(kit.bundle, request.catalogs) };
      return null;
    case "search":
      return kit.gallery
        .search(request.vector, request.count)
        .map(({ product_id, similarity }) => ({ product_id, similarity }));
    case "tag":
      return tagSource(kit, request.file, settings.every_s, listener(request.id, say));
  }
}

/** Load models while the runtime starts, choose the way, lay the catalogues beside them. */
async function open(
  bundle_url: string,
  catalogs: readonly Catalog[],
  settings: Settings,
  tell: (loading: Loading) => void,
): Promise<{ kit: Kit; capabilities: Answers["open"] }> {
  const starting = startRuntime();
  starting.catch(() => {}); // waited for below; a failure before that is no unhandled one
  const bundle = await loadBundle(bundle_url);
  const { detector, embedder } = bundle;
  const files = [detector.model, embedder.model, ...(embedder.projection ? [embedder.projection] : [])];
  const loading = { received_bytes: 0, total_bytes: files.reduce((sum, file) => sum + file.bytes, 0) };
  const received = (bytes: number) => {
    loading.received_bytes += bytes;
    tell({ ...loading });
  };
  const [detects, embeds, projects] = await Promise.all(files.map((file) => fetchFile(bundle, file, received)));
  const choice = await choose(
    await starting,
    { bytes: detects!, shape: tensorShape(detector.preprocessing) },
    { bytes: embeds!, shape: tensorShape(embedder.preprocessing) },
    settings,
  );
  const projection = projects === undefined ? null : readProjection(projects, embedder.ndim);
  return {
    kit: {
      bundle,
      detector: detectorOf(choice.detector, detector.preprocessing, detector.decoding),
      embedder: embedderOf(choice.embedder, embedder.preprocessing, { ...embedder, projection }),
      ...searched(bundle, catalogs),
    },
    capabilities: choice.capabilities,
  };
}

function searched(bundle: Bundle, catalogs: readonly Catalog[]): Pick<Kit, "gallery" | "matchings"> {
  return {
    gallery: galleryOf(catalogs, bundle.space_id, bundle.embedder.ndim),
    matchings: catalogs.map((catalog) => catalog.matching ?? bundle.matching),
  };
}

function listener(id: number, say: (said: Saying) => void): Listener {
  let last: Parameters<Listener["progress"]>[0] = { done_s: 0, duration_s: null, frames_detected: 0, left_s: null };
  const tell = (paused: boolean) => say({ said: "progress", progress: { ...last, paused } });
  return {
    progress(progress) {
      last = progress;
      tell(false);
    },
    found: (found) => say({ said: "found", found }),
    async rest() {
      while (resting.isShut() && !cancelled.has(id)) {
        tell(true);
        await resting.opened();
      }
      if (cancelled.has(id)) throw failure("cancelled", "Stopped.");
    },
  };
}
