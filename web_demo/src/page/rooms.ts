/**
 * The other rooms, each entered when it is needed and not before: nothing of the engine is loaded while the switch is off.
 *
 *     const engine = await rooms.engine();
 */
import type { Catalogs, Engine, Offline, Outbox } from "../contract.ts";

export interface Rooms {
  catalogs(): Promise<Catalogs>;
  outbox(): Promise<Outbox>;
  engine(): Promise<Engine>;
  offline(): Promise<Offline>;
  /** Folder of `bundle.json`, with a slash at its end. */
  bundleUrl: string;
}

/** Return rooms that are made at the first call and shared by all later ones; one that failed is tried anew. */
export function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | null = null;
  return () => {
    made ??= make().catch((error: unknown) => {
      made = null;
      throw error;
    });
    return made;
  };
}
