/** What makes the page installable and strict: manifest, icons, and the policy in index.html. */
import type { Plugin } from "vite";
import { iconPng, iconSvg } from "./icons.ts";
import { POLICY } from "./policy.ts";

const MANIFEST = {
  name: "Taglet: identify similar objects",
  short_name: "Taglet",
  description: "Finds the products of a catalogue in your videos and photos, on this device.",
  id: "./",
  start_url: "./",
  scope: "./",
  display: "standalone",
  background_color: "#14684a",
  theme_color: "#14684a",
  icons: [
    { src: "icons/icon-192.png", sizes: "192x192", type: "image/png" },
    { src: "icons/icon-512.png", sizes: "512x512", type: "image/png" },
    { src: "icons/maskable-512.png", sizes: "512x512", type: "image/png", purpose: "maskable" },
    { src: "icons/icon.svg", sizes: "any", type: "image/svg+xml" },
  ],
};

export function installable(): Plugin {
  return {
    name: "taglet-installable",
    apply: "build",
    transformIndexHtml: {
      order: "post",
      handler: () => [
        { tag: "meta", attrs: { "http-equiv": "Content-Security-Policy", content: POLICY }, injectTo: "head-prepend" },
        { tag: "link", attrs: { rel: "manifest", href: "./manifest.webmanifest" }, injectTo: "head" },
        { tag: "link", attrs: { rel: "icon", href: "./icons/icon.svg", type: "image/svg+xml" }, injectTo: "head" },
        { tag: "link", attrs: { rel: "apple-touch-icon", href: "./icons/icon-192.png" }, injectTo: "head" },
      ],
    },
    generateBundle() {
      const made: Record<string, string | Uint8Array> = {
        "manifest.webmanifest": `${JSON.stringify(MANIFEST, null, 1)}\n`,
        "icons/icon.svg": iconSvg(),
        "icons/icon-192.png": iconPng(192, 0),
        "icons/icon-512.png": iconPng(512, 0),
        "icons/maskable-512.png": iconPng(512, 0.12),
      };
      for (const [fileName, source] of Object.entries(made)) this.emitFile({ type: "asset", fileName, source });
    },
  };
}
