/**
 * The last step of a build, over the files as they lie there: the service worker learns their hashes, static hosts are
 * told the headers, and whatever shrinks by it gets a brotli file beside it, for the server to send.
 */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants } from "node:zlib";
import type { Plugin } from "vite";
import { below } from "./kit_files.ts";
import { HEADERS } from "./policy.ts";

export const WORKER = "service-worker.js";
const PLACEHOLDER = "__TAGLET_FILES__";
const NOT_KEPT = new Set([WORKER, "_headers"]);
/** Runtimes that only some machines use: kept when they are used, not before. */
const KEPT_ON_USE = /(asyncify|jsep|jspi)[^/]*\.wasm$/;
const PACKED = /\.(js|mjs|css|html|json|webmanifest|wasm|onnx|npy|svg)$/;
const WORTH_IT = 0.95;
const compress = promisify(brotliCompress);

/** Files by path with their SHA-256, as the service worker reads them. */
export interface SiteFiles {
  kept: Record<string, string>;
  keptOnUse: Record<string, string>;
}

export function finishedSite(): Plugin {
  let out = "";
  let cache = "";
  return {
    name: "taglet-finished-site",
    apply: "build",
    configResolved(config) {
      out = resolve(config.root, config.build.outDir);
      cache = resolve(import.meta.dirname, "../node_modules/.cache/taglet-brotli");
    },
    async closeBundle() {
      if (!existsSync(join(out, "index.html"))) return; // the build has failed before
      writeFileSync(join(out, "_headers"), headersFile());
      const names = below(out);
      const worker = join(out, WORKER);
      if (existsSync(worker))
        writeFileSync(
          worker,
          readFileSync(worker, "utf8").replace(PLACEHOLDER, () => JSON.stringify(siteFiles(out, names))),
        );
      await Promise.all(names.filter((name) => PACKED.test(name)).map((name) => packBeside(join(out, name), cache)));
    },
  };
}

function siteFiles(out: string, names: readonly string[]): SiteFiles {
  const files: SiteFiles = { kept: {}, keptOnUse: {} };
  for (const name of names.filter((one) => !NOT_KEPT.has(one))) {
    files[KEPT_ON_USE.test(name) ? "keptOnUse" : "kept"][name] = sha256(readFileSync(join(out, name)));
  }
  return files;
}

function headersFile(): string {
  const lines = Object.entries(HEADERS).map(([name, value]) => `  ${name}: ${value}`);
  return ["/*", ...lines, "/assets/*", "  Cache-Control: public, max-age=31536000, immutable", ""].join("\n");
}

/** Write a brotli file beside a file; what was packed once is not packed again. */
async function packBeside(path: string, cache: string): Promise<void> {
  const content = readFileSync(path);
  const known = join(cache, sha256(content));
  if (!existsSync(known)) {
    const params = {
      [constants.BROTLI_PARAM_QUALITY]: 11,
      [constants.BROTLI_PARAM_LGWIN]: 24,
      [constants.BROTLI_PARAM_SIZE_HINT]: content.length,
    };
    mkdirSync(cache, { recursive: true });
    writeFileSync(known, await compress(content, { params }));
  }
  const packed = readFileSync(known);
  if (packed.length < WORTH_IT * content.length) writeFileSync(`${path}.br`, packed);
}

function sha256(content: Buffer): string {
  return createHash("sha256").update(content).digest("hex");
}
