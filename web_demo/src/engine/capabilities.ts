/**
 * What this browser can run, probed and not guessed, and the choice between its ways by a short measurement.
 *
 * WebAssembly is measured first. Where one detection is quick enough on it, the build with WebGPU, which is several times
 * larger, is not even fetched; else the quicker way is taken. A way that fails is left with a word about it.
 */
import type { Capabilities } from "../contract.ts";
import { failure } from "../problem.ts";
import type { Settings } from "./messages.ts";
import { type Model, type Runtime, wasmRuntime, type Way, webgpuRuntime } from "./runtime.ts";

/** More threads than this gain nothing for models of this size; one core is left for decoding and the page. */
const MOST_THREADS = 4;
/** Runs that are timed where there is something to compare with; else the first one, which is needed anyway, is. */
const ROUNDS = 2;

const EMPTY_MODULE = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
/** A module with one function that makes a vector of 16 bytes: valid only where there is SIMD. */
const SIMD_MODULE = Uint8Array.of(
  ...EMPTY_MODULE,
  ...[1, 5, 1, 0x60, 0, 1, 0x7b, 3, 2, 1, 0, 10, 10, 1, 8, 0, 0x41, 0, 0xfd, 15, 0xfd, 98, 11],
);

type Probed = Pick<Capabilities, "webgpu" | "threads" | "simd" | "isolated">;

/** The models on the way that was chosen, and how it was chosen. */
export interface Choice {
  readonly detector: Model;
  readonly embedder: Model;
  readonly capabilities: Capabilities;
}

/** A model file and the shape of its input. */
export interface ModelFile {
  readonly bytes: Uint8Array;
  readonly shape: readonly [number, number, number, number];
}

/** Start loading the WebAssembly runtime; what this browser lacks for it is a problem. */
export async function startRuntime(): Promise<{ probed: Probed; runtime: Runtime }> {
  requireWebAssembly();
  const simd = WebAssembly.validate(SIMD_MODULE);
  if (!simd) {
    const sentence = "This browser is too old for the models (it has no WebAssembly SIMD): open the page in a current one.";
    throw failure("no_simd", sentence);
  }
  const isolated = globalThis.crossOriginIsolated;
  const threads = isolated ? Math.min(MOST_THREADS, Math.max(1, navigator.hardwareConcurrency - 1)) : 1;
  const webgpu = await hasAdapter();
  return { probed: { webgpu, threads, simd, isolated }, runtime: wasmRuntime(threads) };
}

function requireWebAssembly(): void {
  try {
    new WebAssembly.Module(EMPTY_MODULE);
  } catch (error) {
    const is_blocked = error instanceof Error && /content security policy|unsafe-eval/i.test(error.message);
    const sentence = is_blocked
      ? "This page's security policy blocks WebAssembly, which the models need: its operator must allow 'wasm-unsafe-eval'."
      : "This browser cannot run WebAssembly, which the models need: switch it on, or open the page in another browser.";
    throw failure(is_blocked ? "wasm_blocked" : "wasm_missing", sentence);
  }
}

async function hasAdapter(): Promise<boolean> {
  try {
    return ((await navigator.gpu?.requestAdapter()) ?? null) !== null;
  } catch {
    return false;
  }
}

/** Load both models on the quicker way. */
export async function choose(
  { probed, runtime }: { probed: Probed; runtime: Runtime },
  detector: ModelFile,
  embedder: ModelFile,
  { fast_enough_ms, patience_ms }: Pick<Settings, "fast_enough_ms" | "patience_ms">,
): Promise<Choice> {
  const [first, second] = [await load(runtime, detector), await load(runtime, embedder)];
  const measured_ms: Record<string, number> = { wasm: await quickest(first, detector, probed.webgpu ? ROUNDS : 0) };
  const on_wasm = (why: string): Choice => ({
    detector: first,
    embedder: second,
    capabilities: { ...probed, chosen: "wasm", measured_ms, sentence: `${wasmSentence(probed)} ${why}`.trim() },
  });
  if (!probed.webgpu) return on_wasm("There is no WebGPU here.");
  if (measured_ms["wasm"]! <= fast_enough_ms) return on_wasm("WebGPU is here but not needed.");
  const tried = await tryWebgpu(detector, embedder, patience_ms);
  if (typeof tried === "string") return on_wasm(tried);
  measured_ms["webgpu"] = tried.measured_ms;
  if (tried.measured_ms >= measured_ms["wasm"]!) {
    await Promise.all([tried.detector.release(), tried.embedder.release()]);
    return on_wasm("WebGPU was tried and is slower.");
  }
  await Promise.all([first.release(), second.release()]);
  const sentence = "Runs with WebGPU, which was quicker here than WebAssembly.";
  return { ...tried, capabilities: { ...probed, chosen: "webgpu", measured_ms, sentence } };
}

/** Load and time the models on WebGPU; a sentence where that fails or takes too long. */
async function tryWebgpu(
  detector: ModelFile,
  embedder: ModelFile,
  patience_ms: number,
): Promise<{ detector: Model; embedder: Model; measured_ms: number } | string> {
  const trying = (async () => {
    const gpu = await webgpuRuntime();
    const [detects, embeds] = [await load(gpu, detector), await load(gpu, embedder)];
    return { detector: detects, embedder: embeds, measured_ms: await quickest(detects, detector, ROUNDS) };
  })();
  const waited = new Promise<string>((resolve) => {
    setTimeout(() => resolve("WebGPU was tried and did not answer in time."), patience_ms);
  });
  try {
    return await Promise.race([trying, waited]);
  } catch (error) {
    console.warn("WebGPU failed", error);
    return "WebGPU was tried and failed.";
  }
}

function wasmSentence({ threads, isolated }: Probed): string {
  if (threads > 1) return `Runs with WebAssembly on ${threads} threads.`;
  return isolated ? "Runs with WebAssembly on one thread." : "Runs with WebAssembly on one thread: the page is not isolated.";
}

async function load(runtime: Runtime, { bytes, shape }: ModelFile): Promise<Model> {
  try {
    return await runtime.load(bytes, shape);
  } catch (error) {
    if (runtime.way === ("webgpu" satisfies Way)) throw error;
    const why = error instanceof Error ? error.message : String(error);
    const sentence = `The models could not be started (${why}): reload the page, or close other tabs if memory is short.`;
    throw failure("models_failed", sentence, { why });
  }
}

/** Return the least milliseconds of some runs after the first, which prepares; of no more, those of the first. */
async function quickest(model: Model, { shape }: ModelFile, rounds: number): Promise<number> {
  const tensor = new Float32Array(shape.reduce((product, side) => product * side));
  const taken: number[] = [];
  for (let round = 0; round <= rounds; round++) {
    const start = performance.now();
    await model.run(tensor);
    taken.push(performance.now() - start);
  }
  return Math.min(...taken.slice(rounds > 0 ? 1 : 0));
}
