import { defineConfig } from "vite";
import { finishedSite } from "./build_steps/finished_site.ts";
import { installable } from "./build_steps/installable.ts";
import { kitFiles } from "./build_steps/kit_files.ts";
import { site } from "./build_steps/site.ts";

/** The runtime without a copy of its glue inside: the glue is a file of its own that threads load too. */
const RUNTIME_APART = "onnxruntime-web-use-extern-wasm";

export default defineConfig({
  ...site(import.meta.dirname),
  resolve: { conditions: [RUNTIME_APART, "module", "browser", "development|production"] },
  plugins: [kitFiles(), installable(), finishedSite()],
});
