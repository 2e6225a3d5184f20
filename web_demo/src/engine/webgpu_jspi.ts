/** The runtime with WebGPU for browsers in which WebAssembly can wait for promises (16.8 MB). */
import glue from "onnxruntime-web/ort-wasm-simd-threaded.jspi.mjs?url";
import binary from "onnxruntime-web/ort-wasm-simd-threaded.jspi.wasm?url";

export { binary, glue };
export const ort = () => import("onnxruntime-web/jspi");
