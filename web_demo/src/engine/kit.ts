/** Everything that tagging needs, opened once: models, catalogues, thresholds. */
import type { Bundle, Matching } from "./bundle.ts";
import type { Detector } from "./detector.ts";
import type { Timing } from "./document.ts";
import type { Embedder } from "./embedder.ts";
import type { Gallery } from "./gallery.ts";

/** Products that are named for one object. */
export const CANDIDATES = 5;

export interface Kit {
  readonly bundle: Bundle;
  readonly detector: Detector;
  readonly embedder: Embedder;
  readonly gallery: Gallery;
  /** Thresholds of each catalogue: its own where it was calibrated, else the bundle's. */
  readonly matchings: readonly Matching[];
}

/** Milliseconds of each step so far. */
export type Watch = { -readonly [Step in keyof Timing]: number };

/** Start with no time spent. */
export function newWatch(): Watch {
  return { decode: 0, detect: 0, embed: 0, search: 0, total: 0 };
}

/** Add the time that some work takes to a step. */
export async function lap<T>(watch: Watch, step: keyof Watch, work: Promise<T>): Promise<T> {
  const start = performance.now();
  try {
    return await work;
  } finally {
    watch[step] += performance.now() - start;
  }
}

/** Add the time that an iterator takes for its items to a step. */
export async function* lapped<T>(
  watch: Watch,
  step: keyof Watch,
  items: AsyncGenerator<T, void, void>,
): AsyncGenerator<T, void, void> {
  try {
    for (;;) {
      const next = await lap(watch, step, items.next());
      if (next.done) return;
      yield next.value;
    }
  } finally {
    await items.return();
  }
}
