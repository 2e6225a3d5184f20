/**
 * The headers that the page wants from whoever serves it. The service sends them, `dist/_headers` tells static hosts,
 * the policy stands in index.html too, and the service worker adds what makes threads possible.
 */

/**
 * No script, style or worker but the page's own, none in line. `wasm-unsafe-eval` lets WebAssembly be compiled and
 * nothing else. `data:` under connect-src is how zstddec unfolds its WebAssembly; nothing leaves by it.
 */
export const POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "worker-src 'self'",
  "style-src 'self'",
  "img-src 'self' blob:",
  "media-src 'self' blob:",
  "connect-src 'self' data:",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");

export const HEADERS: Readonly<Record<string, string>> = {
  "Content-Security-Policy": `${POLICY}; frame-ancestors 'none'`,
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
};
