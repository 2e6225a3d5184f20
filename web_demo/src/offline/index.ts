/**
 * The page without a network: registers the service worker and says when everything is here.
 *
 *     const offline = startOffline();
 *     const problem = await offline.ready;   // null: the page opens without a network from now on
 */
import type { Offline, Problem } from "../contract.ts";
import { failure, problemOf } from "../problem.ts";

/** Keep the page on this device from now on. */
export function startOffline(page: URL = new URL("./", document.baseURI)): Offline {
  const hearing = new Set<() => void>();
  const registered = register(page);
  void registered.then((registration) => watch(registration, hearing)).catch(() => undefined);
  return {
    ready: registered
      .then(whole)
      .then(tellWhatWasUsed)
      .then(() => null, problemOf),
    newer(heard) {
      hearing.add(heard);
      void registered.then(({ waiting }) => waiting && heard()).catch(() => undefined);
    },
    renew() {
      navigator.serviceWorker?.addEventListener("controllerchange", () => location.reload(), { once: true });
      void registered.then(({ waiting }) => (waiting ? waiting.postMessage("renew") : location.reload()));
    },
  };
}

async function register(page: URL): Promise<ServiceWorkerRegistration> {
  if (!("serviceWorker" in navigator)) {
    throw failure(
      "no_offline",
      "This browser cannot keep the page (a private window, or no https?): it works as long as there is a network.",
    );
  }
  try {
    return await navigator.serviceWorker.register(new URL("service-worker.js", page), {
      scope: page.pathname,
      updateViaCache: "none",
    });
  } catch {
    const { controller } = navigator.serviceWorker; // without a network now, but kept at an earlier visit
    const kept = controller && (await navigator.serviceWorker.getRegistration(page.pathname));
    if (kept) return kept;
    throw notKept();
  }
}

/** Wait until a version of the page is here whole. */
async function whole(registration: ServiceWorkerRegistration): Promise<ServiceWorkerRegistration> {
  const coming = registration.installing;
  if (!registration.active && coming) {
    await new Promise<void>((done, failed) => {
      coming.addEventListener("statechange", () => {
        if (coming.state === "activated") done();
        if (coming.state === "redundant") failed(notKept());
      });
    });
  }
  return registration;
}

/** What this page loaded before the worker was there and what it keeps on use only: tell it, so that it is kept. */
function tellWhatWasUsed({ active }: ServiceWorkerRegistration): void {
  active?.postMessage({ used: performance.getEntriesByType("resource").map((entry) => entry.name) });
}

function watch(registration: ServiceWorkerRegistration, hearing: ReadonlySet<() => void>): void {
  registration.addEventListener("updatefound", () => {
    const coming = registration.installing;
    coming?.addEventListener("statechange", () => {
      if (coming.state === "installed" && registration.active) for (const heard of hearing) heard();
    });
  });
}

function notKept(): Problem & Error {
  return failure(
    "not_kept",
    "The page could not be kept on this device (no room, or the line broke): it works as long as there is a network, and tries again the next time.",
  );
}
