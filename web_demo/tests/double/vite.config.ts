/** The page over doubles of its rooms, for tests of what it shows: `vite build -c tests/double/vite.config.ts --outDir DIR`. */
import { defineConfig } from "vite";

export default defineConfig({
  root: import.meta.dirname,
  base: "./",
  logLevel: "warn",
  build: { target: "es2023", assetsInlineLimit: 0, modulePreload: { polyfill: false }, emptyOutDir: true },
});
