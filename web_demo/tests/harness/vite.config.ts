import { defineConfig } from "vite";
import { site } from "../../build_steps/site.ts";

/** The engine without the page, for tests. */
export default defineConfig(site(import.meta.dirname));
