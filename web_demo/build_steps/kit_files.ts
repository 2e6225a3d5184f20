/** The models and the demo catalogue of the Python package, copied beside the page: they are in the repository once. */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Plugin } from "vite";

const DATA = resolve(import.meta.dirname, "../../edge/data");
/** The second look needs OpenCV, so keypoints stay where they are. */
const UNUSED = /^keypoints/;
const FOLDERS: Readonly<Record<string, string>> = {
  "bundle/": join(DATA, "bundle"),
  "demo/": join(DATA, "demo_shard"),
};

/** Emit the files, and a `root.json` that the operator names in TAGLET_WEB_ROOT: it is then what the page trusts. */
export function kitFiles(root = process.env.TAGLET_WEB_ROOT): Plugin {
  const files = new Map<string, string>();
  for (const [name, folder] of Object.entries(FOLDERS)) {
    for (const file of below(folder)) if (!UNUSED.test(file)) files.set(name + file, join(folder, file));
  }
  if (root) files.set("root.json", resolve(root));
  return {
    name: "taglet-kit-files",
    config: () => ({ define: { __TAGLET_PINNED_ROOT__: JSON.stringify(Boolean(root)) } }),
    generateBundle() {
      for (const [fileName, path] of files) this.emitFile({ type: "asset", fileName, source: readFileSync(path) });
    },
    configureServer(server) {
      server.middlewares.use((request, response, next) => {
        const path = files.get((request.url ?? "").split("?")[0]!.slice(1));
        if (path && existsSync(path)) response.end(readFileSync(path));
        else next();
      });
    },
  };
}

/** Return the files below a folder, relative to it. */
export function below(folder: string): string[] {
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" });
  return names
    .filter((name) => statSync(join(folder, name)).isFile())
    .map((name) => name.replaceAll("\\", "/"))
    .sort();
}
