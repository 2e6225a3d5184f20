import { join } from "node:path";
import { defineConfig, mergeConfig } from "vite";
import { site } from "../../build_steps/site.ts";

/** The engine without the page, for tests, and beside it the embedder alone. */
export default mergeConfig(
  site(import.meta.dirname),
  defineConfig({ build: { rollupOptions: { input: { embedding: join(import.meta.dirname, "embedding.html") } } } }),
);
