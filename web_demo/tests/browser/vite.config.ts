import { defineConfig } from "vite";
import { finishedSite } from "../../build_steps/finished_site.ts";
import { installable } from "../../build_steps/installable.ts";
import { kitFiles } from "../../build_steps/kit_files.ts";
import { site } from "../../build_steps/site.ts";

export default defineConfig({
  ...site(import.meta.dirname),
  plugins: [kitFiles(), installable(), finishedSite()],
});
