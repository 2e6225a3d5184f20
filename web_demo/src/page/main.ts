/** The way in: the page over the real rooms. */
import "../styles/page.css";
import { mount } from "./mount.tsx";
import { once } from "./rooms.ts";

const rooms = {
  catalogs: once(async () => (await import("../catalog/index.ts")).createCatalogs()),
  outbox: once(async () => (await import("../outbox/index.ts")).createOutbox()),
  engine: once(async () => (await import("../engine/index.ts")).createEngine()),
  offline: once(async () => (await import("../offline/index.ts")).startOffline()),
  bundleUrl: new URL("bundle/", document.baseURI).href,
};

void mount(rooms, document.querySelector<HTMLElement>("#page")!);
