/** How a site of this project is built: its page, the service worker at its root, everything else under hashed names. */
import { join } from "node:path";
import type { UserConfig } from "vite";

const WORKER = join(import.meta.dirname, "../src/offline/service_worker.ts");

/** The runtime without a copy of its glue inside: the glue is a file of its own that threads load too. */
const RUNTIME_APART = "onnxruntime-web-use-extern-wasm";

/** Return the options for the page in a folder. */
export function site(root: string): UserConfig {
  return {
    root,
    base: "./",
    logLevel: "warn",
    resolve: { conditions: [RUNTIME_APART, "module", "browser", "development|production"] },
    worker: { format: "es" },
    build: {
      target: "es2023",
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      reportCompressedSize: false,
      chunkSizeWarningLimit: 2_000,
      emptyOutDir: true,
      rollupOptions: {
        checks: { pluginTimings: false },
        input: { index: join(root, "index.html"), "service-worker": WORKER },
        output: {
          entryFileNames: (chunk) =>
            chunk.name === "service-worker" ? "service-worker.js" : "assets/[name]-[hash].js",
        },
      },
    },
  };
}
