/** The runtime with WebGPU for all other browsers (26.8 MB). */
import glue from "onnxruntime-web/ort-wasm-simd-threaded.asyncify.mjs?url";
import binary from "onnxruntime-web/ort-wasm-simd-threaded.asyncify.wasm?url";

export { binary, glue };
export const ort = () => import("onnxruntime-web/webgpu");
