/**
 * Keeps the page on the device: every file under its SHA-256, each fetched once, verified, and used until another
 * version of the page names other ones. An open page keeps its own version: the next one waits until it is closed.
 *
 * What is not a file of the page (catalogues, events, the operator's page) goes past it.
 */
import type { SiteFiles } from "../../build_steps/finished_site.ts";

declare const self: ServiceWorkerGlobalScope;
/** Put in at the end of the build. */
declare const __TAGLET_FILES__: SiteFiles;

const SITE = __TAGLET_FILES__;
const FILES: Readonly<Record<string, string>> = { ...SITE.kept, ...SITE.keptOnUse };
const SCOPE = new URL(self.registration.scope);
const CACHE = `taglet-page${SCOPE.pathname}`;
const KEPT = "https://kept.invalid/";
const AT_ONCE = 4;
/** Let a page have threads also where its host does not say so (a static one). */
const ISOLATING = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
  "Cross-Origin-Resource-Policy": "same-origin",
};

self.addEventListener("install", (event) => event.waitUntil(keepAll(Object.keys(SITE.kept))));

self.addEventListener("activate", (event) => event.waitUntil(Promise.all([forgetOthers(), self.clients.claim()])));

self.addEventListener("message", (event) => {
  if (event.data === "renew") void self.skipWaiting();
  if (Array.isArray(event.data?.used))
    event.waitUntil(keepAll(event.data.used.map((url: string) => pathOf(url)).filter(isOwn)));
});

self.addEventListener("fetch", (event) => {
  const path = event.request.method === "GET" ? pathOf(event.request.url) : null;
  if (isOwn(path)) event.respondWith(answer(path, event.request));
});

/** Return the path of a file below the page; null where it lies elsewhere. */
function pathOf(address: string): string | null {
  const url = new URL(address);
  if (url.origin !== SCOPE.origin || !url.pathname.startsWith(SCOPE.pathname)) return null;
  return url.pathname.slice(SCOPE.pathname.length) || "index.html";
}

function isOwn(path: string | null): path is string {
  return path !== null && Object.hasOwn(FILES, path);
}

async function answer(path: string, request: Request): Promise<Response> {
  const cache = await caches.open(CACHE);
  const kept = await cache.match(KEPT + FILES[path]);
  if (kept) return kept;
  const range = request.headers.has("range");
  const fetched = range ? null : await fetchVerified(path).catch(() => null);
  if (!fetched) return fetch(request);
  await cache.put(KEPT + FILES[path], fetched.clone()).catch(() => undefined); // no room: it goes on without being kept
  return fetched;
}

/** Keep files that are not here yet, some at a time; fails where one cannot be had as it was built. */
async function keepAll(paths: readonly string[]): Promise<void> {
  const cache = await caches.open(CACHE);
  const left = [...paths];
  const keepNext = async () => {
    for (let path = left.shift(); path !== undefined; path = left.shift()) {
      if (!(await cache.match(KEPT + FILES[path]))) await cache.put(KEPT + FILES[path], await fetchVerified(path));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, keepNext));
}

/** Fetch a file: names with a hash from the browser's cache too, others asked anew; a stale one once more, past every cache. */
async function fetchVerified(path: string): Promise<Response> {
  for (const cache of [path.startsWith("assets/") ? "default" : "no-cache", "reload"] as const) {
    const response = await fetch(new URL(path === "index.html" ? "./" : path, SCOPE), {
      cache,
      credentials: "same-origin",
    });
    if (!response.ok) continue;
    const body = await response.arrayBuffer();
    if ((await sha256(body)) === FILES[path]) return new Response(body, { headers: headersOf(response) });
  }
  throw new Error(`${path} is not what was built`);
}

/** Return headers that fit the unpacked body. */
function headersOf(response: Response): Headers {
  const headers = new Headers(response.headers);
  for (const name of ["content-encoding", "content-length", "vary"]) headers.delete(name);
  for (const [name, value] of Object.entries(ISOLATING)) headers.set(name, value);
  return headers;
}

async function sha256(body: ArrayBuffer): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", body));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function forgetOthers(): Promise<void> {
  const cache = await caches.open(CACHE);
  const wanted = new Set(Object.values(FILES).map((hash) => KEPT + hash));
  for (const request of await cache.keys()) if (!wanted.has(request.url)) await cache.delete(request);
}
