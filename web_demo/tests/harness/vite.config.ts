import { fileURLToPath } from "node:url";
import { defineConfig, mergeConfig } from "vite";
import page from "../../vite.config.ts";

/** The engine without the page, for tests: built into `build/harness`. */
export default mergeConfig(
  page,
  defineConfig({
    root: fileURLToPath(new URL(".", import.meta.url)),
    build: {
      rolldownOptions: { input: ["index.html", "embedding.html"].map((name) => `${import.meta.dirname}/${name}`) },
      outDir: fileURLToPath(new URL("../../build/harness", import.meta.url)),
      emptyOutDir: true,
    },
  }),
);
