/**
 * Where a catalogue is kept on this device: the Cache API, each entry whole or not there.
 *
 * What there is no room for is held in memory until the page is closed, and `problem` says so: the page works on.
 */
import { failure, type Failure } from "../problem.ts";
import type { Bytes } from "./bytes.ts";

const NAME = "taglet-catalogs";
const ORIGIN = "https://kept.invalid/";

export class Vault {
  /** Why not everything is kept; null where it is. */
  problem: Failure | null = null;
  private readonly held = new Map<string, Bytes>();

  private constructor(private readonly cache: Cache | null) {}

  /** Open the vault of the page at an address; in memory where the browser keeps nothing. */
  static async open(base: URL): Promise<Vault> {
    try {
      return new Vault(await caches.open(NAME + base.pathname));
    } catch {
      const vault = new Vault(null);
      vault.problem = failure(
        "no_storage",
        "This browser keeps nothing for this page (a private window?): the catalogue is fetched anew each time.",
      );
      return vault;
    }
  }

  /** Return an entry; null where there is none that can be read. */
  async get(name: string): Promise<Bytes | null> {
    const held = this.held.get(name);
    if (held) return held;
    try {
      const found = await this.cache?.match(ORIGIN + name);
      return found ? new Uint8Array(await found.arrayBuffer()) : null;
    } catch {
      return null;
    }
  }

  /** Keep an entry; false where it is only held in memory. */
  async put(name: string, bytes: Bytes): Promise<boolean> {
    if (!this.cache) return this.hold(name, bytes);
    try {
      await this.cache.put(ORIGIN + name, new Response(bytes));
      this.held.delete(name);
      return true;
    } catch {
      this.problem = failure(
        "storage_full",
        "There is no room on this device for the catalogue: it works until this page is closed. Free some space to keep it.",
      );
      return this.hold(name, bytes);
    }
  }

  /** Hold an entry in memory, in the place of the one that is kept. */
  hold(name: string, bytes: Bytes): false {
    this.held.set(name, bytes);
    return false;
  }

  /** Whether an entry is in memory only. */
  holds(name: string): boolean {
    return this.held.has(name);
  }

  /** Remove an entry. */
  async remove(name: string): Promise<void> {
    this.held.delete(name);
    await this.cache?.delete(ORIGIN + name).catch(() => false);
  }

  /** Return the names of all entries that begin so. */
  async names(prefix: string): Promise<string[]> {
    const kept = (await this.cache?.keys().catch(() => [])) ?? [];
    const names = [...kept.map((request) => request.url.slice(ORIGIN.length)), ...this.held.keys()];
    return [...new Set(names)].filter((name) => name.startsWith(prefix));
  }

  /** Return an entry as a JSON value; null where there is none. */
  async getJson<T>(name: string): Promise<T | null> {
    const bytes = await this.get(name);
    try {
      return bytes ? (JSON.parse(new TextDecoder().decode(bytes)) as T) : null;
    } catch {
      return null;
    }
  }

  async putJson(name: string, value: unknown, kept = true): Promise<boolean> {
    const bytes = new TextEncoder().encode(JSON.stringify(value));
    return kept ? this.put(name, bytes) : this.hold(name, bytes);
  }
}
