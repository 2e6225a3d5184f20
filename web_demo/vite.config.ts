import { defineConfig } from "vite";

/** The runtime without a copy of its glue inside: the glue is a file of its own that threads load too. */
const RUNTIME_APART = "onnxruntime-web-use-extern-wasm";

export default defineConfig({
  base: "./",
  resolve: { conditions: [RUNTIME_APART, "module", "browser", "development|production"] },
  build: { target: "es2023", assetsInlineLimit: 0, modulePreload: { polyfill: false } },
  worker: { format: "es" },
});
