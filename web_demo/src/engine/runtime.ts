/**
 * ONNX Runtime Web: which of its builds is loaded, and models as functions from a tensor to named outputs.
 *
 * The WebAssembly build (14.2 MB, 2.3 MB on the wire) is the one that everybody needs. The build with WebGPU is loaded
 * only where the browser gives an adapter. Either's glue and binary are files of the page; nothing comes from elsewhere.
 */
import type { InferenceSession, Tensor } from "onnxruntime-web";
import * as wasm_build from "onnxruntime-web/wasm";
import wasm_glue from "onnxruntime-web/ort-wasm-simd-threaded.mjs?url";
import wasm_binary from "onnxruntime-web/ort-wasm-simd-threaded.wasm?url";
import { failure } from "../problem.ts";
import type { Output } from "./families/family.ts";

export type Way = "wasm" | "webgpu";

/** What is used of the runtime's module, the same in both builds. */
interface Ort {
  readonly InferenceSession: { create(model: Uint8Array, options: InferenceSession.SessionOptions): Promise<InferenceSession> };
  readonly Tensor: new (type: "float32" | "uint8", data: Float32Array | Uint8Array, dims: readonly number[]) => Tensor;
  readonly env: { wasm: { numThreads?: number; wasmPaths?: unknown }; logLevel?: string };
}

/** The runtime, ready to load models one way. */
export interface Runtime {
  readonly way: Way;
  load(model: Uint8Array, shape: readonly number[]): Promise<Model>;
}

/** A loaded model; one run at a time. */
export interface Model {
  run(tensor: Float32Array): Promise<Record<string, Output>>;
  release(): Promise<void>;
}

/** Load the WebAssembly build with so many threads. */
export function wasmRuntime(threads: number): Runtime {
  const ort = wasm_build as unknown as Ort;
  ort.env.wasm.numThreads = threads;
  ort.env.wasm.wasmPaths = { mjs: absolute(wasm_glue), wasm: absolute(wasm_binary) };
  return runtimeOf(ort, "wasm");
}

/** Load the smaller build with WebGPU that this browser can run. */
export async function webgpuRuntime(): Promise<Runtime> {
  const build = "Suspending" in WebAssembly ? await import("./webgpu_jspi.ts") : await import("./webgpu_asyncify.ts");
  const ort = (await build.ort()) as unknown as Ort;
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.wasmPaths = { mjs: absolute(build.glue), wasm: absolute(build.binary) };
  return runtimeOf(ort, "webgpu");
}

function absolute(url: string): string {
  return new URL(url, import.meta.url).href;
}

function runtimeOf(ort: Ort, way: Way): Runtime {
  ort.env.logLevel = "error";
  return {
    way,
    async load(model, shape) {
      const session = await ort.InferenceSession.create(model, { executionProviders: [way] });
      return modelOf(ort, session, shape);
    },
  };
}

function modelOf(ort: Ort, session: InferenceSession, shape: readonly number[]): Model {
  const input = session.inputNames[0]!;
  const type = inputType(session);
  return {
    async run(tensor) {
      const fed = new ort.Tensor(type, type === "uint8" ? Uint8Array.from(tensor, clamped) : tensor, shape);
      const outputs = await session.run({ [input]: fed });
      const found: Record<string, Output> = {};
      for (const [name, { data, dims }] of Object.entries(outputs)) {
        found[name] = { data: data instanceof Float32Array ? data : Float32Array.from(data as ArrayLike<number>), dims };
      }
      return found;
    },
    release: () => session.release(),
  };
}

function inputType(session: InferenceSession): "float32" | "uint8" {
  const first = session.inputMetadata[0];
  const type = first?.isTensor ? first.type : "float32";
  if (type === "float32" || type === "uint8") return type;
  const sentence = `The models on this page want ${type} pixels, which browsers do not feed yet: publish float models.`;
  throw failure("model_input", sentence, { type });
}

function clamped(value: number): number {
  return Math.min(255, Math.max(0, Math.round(value)));
}
