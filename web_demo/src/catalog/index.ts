/**
 * Catalogues on this device: opened, verified, kept, brought up to date.
 *
 *     const catalogs = createCatalogs();
 *     const opened = await catalogs.open();
 *     engine.open(bundle_url, opened);
 */
import type { Catalog, Catalogs, FoundProduct, Problem, ProductRecord, Updated } from "../contract.ts";
import { Line } from "../network/line.ts";
import { failure, Failure, problemOf } from "../problem.ts";
import { hex, type Bytes } from "./bytes.ts";
import type { Matching } from "./calibration.ts";
import { keysOf, rawBytes, type Values } from "./columns.ts";
import { Malformed } from "./content.ts";
import { fetchShard, ownFile, type Opened } from "./opened.ts";
import { entryOf, fetchEntry, fetchFolderPack, readPackHead, type Pack } from "./packs.ts";
import { MAX_INDEX_BYTES, readIndex, type Index, type PackFile } from "./published_index.ts";
import { Records } from "./records.ts";
import { Trust } from "./trust.ts";
import { filePath, keptMatching, openKept, POINTERS, Updating, type Pointers } from "./updating.ts";
import { Vault } from "./vault.ts";

/** Whether the operator's root.json lies beside the page; the build says. */
declare const __TAGLET_PINNED_ROOT__: boolean | undefined;

const LOCK = "taglet-catalogs";
const DEMO = "demo/";

export interface Where {
  /** Folder of the page, with a slash at its end. */
  page?: URL;
  /** Embedding space of the bundle; else it is read from `bundle/bundle.json` beside the page. */
  space_id?: string;
  /** Whether a root.json of the operator lies beside the page; else as it was built. */
  pinned?: boolean;
  now_s?: () => number;
}

interface InUse {
  opened: Opened;
  records: Records;
  demo: boolean;
  thumbnails: PackFile | null;
  matching: Matching | null;
  pack: Promise<Pack | null> | null;
}

/** Make the catalogues of this page. */
export function createCatalogs(where: Where = {}): Catalogs {
  return new OwnCatalogs(where);
}

class OwnCatalogs implements Catalogs {
  private readonly line: Line;
  private readonly now_s: () => number;
  private vault: Promise<Vault> | null = null;
  private space: Promise<string> | null = null;
  private inUse: InUse[] = [];
  private found: Problem[] = [];

  constructor(private readonly where: Where) {
    this.line = new Line(where.page ?? new URL("./", document.baseURI));
    this.now_s = where.now_s ?? (() => Date.now() / 1000);
  }

  async open(): Promise<Catalog[]> {
    this.found = [];
    let opened = await this.openKept();
    if (!opened.length) {
      await this.update().catch((error) => this.note(error));
      opened = await this.openKept();
    }
    this.inUse = opened.length ? opened : [await this.openDemo()];
    const { problem } = await this.kept();
    if (problem) this.found.push(problemOf(problem));
    return this.inUse.map(catalogOf);
  }

  async update(): Promise<Updated> {
    return exclusively(async () => {
      const vault = await this.kept();
      const before = this.line.received;
      const pointers = await pointersOf(vault);
      const trust = await Trust.open(vault, this.line, this.now_s());
      const versionBefore = firstVersion(pointers);
      if (!(await trust.isUnchanged())) await trust.refresh(await this.pinned());
      const updating = new Updating(vault, this.line, pointers);
      const ways: Updated["way"][] = [];
      const problems: unknown[] = [];
      for (const name of trust.catalogs()) {
        try {
          const index = await this.index(trust, name);
          ways.push((await updating.run(index, await this.spaceId())).way);
        } catch (error) {
          problems.push(error); // the others are still brought up to date
        }
      }
      if (problems.length) throw problems[0];
      if (!ways.length)
        throw failure("not_published", `${this.line.server} publishes no catalogues yet.`, {
          server: this.line.server,
        });
      return {
        way: (["full", "delta"] as const).find((way) => ways.includes(way)) ?? "none",
        from_version: versionBefore,
        to_version: firstVersion(pointers),
        bytes_received: this.line.received - before,
      };
    });
  }

  record(catalog: string, product_id: string): ProductRecord | null {
    return this.of(catalog)?.records.record(product_id) ?? null;
  }

  find(words: string, count: number): FoundProduct[] {
    const hits = this.inUse.flatMap((one) => one.records.find(words));
    return hits
      .sort((a, b) => a.rank - b.rank)
      .slice(0, count)
      .map((hit) => hit.found);
  }

  async thumbnail(catalog: string, product_id: string): Promise<Blob | null> {
    const one = this.of(catalog);
    const row = one?.records.row(product_id) ?? null;
    if (!one || row === null) return null;
    try {
      const pack = await (one.pack ??= this.packOf(one));
      const bytes = pack && (await this.picture(pack, one, row));
      return bytes && new Blob([bytes], { type: "image/webp" });
    } catch {
      one.pack = null; // without a network now; asked again the next time
      return null;
    }
  }

  notes(): readonly Problem[] {
    return this.found;
  }

  private of(catalog: string): InUse | undefined {
    return this.inUse.find((one) => one.opened.catalog === catalog);
  }

  private note(error: unknown): void {
    const problem = problemOf(error);
    if (problem.name !== "not_published") this.found.push(problem);
  }

  private kept(): Promise<Vault> {
    return (this.vault ??= Vault.open(this.line.address));
  }

  /** Return the embedding space of the models of this page. */
  private spaceId(): Promise<string> {
    return (this.space ??= this.where.space_id ? Promise.resolve(this.where.space_id) : this.readSpace());
  }

  private async readSpace(): Promise<string> {
    const text = await ownFile(this.line, "bundle/bundle.json", 2 ** 20);
    return String((JSON.parse(new TextDecoder().decode(text)) as { space_id: unknown }).space_id);
  }

  private async pinned(): Promise<Bytes | null> {
    const pinned = this.where.pinned ?? (typeof __TAGLET_PINNED_ROOT__ !== "undefined" && __TAGLET_PINNED_ROOT__);
    return pinned ? ownFile(this.line, "root.json", 64_000) : null;
  }

  private async index(trust: Trust, name: string): Promise<Index> {
    const data = await trust.target(`${name}.json`, MAX_INDEX_BYTES);
    try {
      const index = await readIndex(data);
      if (index.catalog !== name) throw new Malformed(`it is that of ${index.catalog}`);
      return index;
    } catch (error) {
      if (!(error instanceof Malformed)) throw error;
      throw failure(
        "altered",
        `${this.line.server}: the index of ${name} cannot be used (${error.message}), so what is here stays.`,
        {
          server: this.line.server,
          why: error.message,
        },
      );
    }
  }

  /** Open what the vault points to: the state in use, or the one before where that is damaged. */
  private async openKept(): Promise<InUse[]> {
    const vault = await this.kept();
    const pointers = await pointersOf(vault);
    const space_id = await this.spaceId().catch(() => null);
    const found: InUse[] = [];
    for (const { current, previous } of Object.values(pointers.catalogs)) {
      for (const kept of [current, previous]) {
        const opened = kept && (space_id === null || kept.space_id === space_id) ? await openKept(vault, kept) : null;
        if (!opened) continue;
        found.push(inUse(opened, false, kept!.thumbnails, await keptMatching(vault, kept!)));
        break;
      }
    }
    return found;
  }

  private async openDemo(): Promise<InUse> {
    try {
      return inUse(await fetchShard(this.line, DEMO), true, null, null);
    } catch (error) {
      if (error instanceof Failure) throw error;
      throw failure(
        "no_catalogue",
        `There is no catalogue here, and that of the demo cannot be opened (${String(error)}): load the page anew.`,
      );
    }
  }

  private async packOf(one: InUse): Promise<Pack | null> {
    if (one.demo) return fetchFolderPack(this.line, `${DEMO}thumbnails/`);
    if (!one.thumbnails) return null;
    const { head, entries } = one.thumbnails;
    const data = await new Updating(await this.kept(), this.line, emptyPointers()).fetch(head);
    return readPackHead(data, filePath(entries), entries.bytes);
  }

  private async picture(pack: Pack, one: InUse, row: number): Promise<Bytes | null> {
    const vault = await this.kept();
    const [first, end] = one.records.views(row);
    for (const key of keysOf(one.opened.columns).subarray(first, end)) {
      const entry = entryOf(pack, key);
      if (!entry) continue;
      const name = `thumbnails/${entry.sha256}`;
      const kept = await vault.get(name);
      if (kept) return kept;
      const fetched = await fetchEntry(this.line, pack, entry);
      if (fetched) await vault.put(name, fetched);
      return fetched;
    }
    return null;
  }
}

function inUse(opened: Opened, demo: boolean, thumbnails: PackFile | null, matching: Matching | null): InUse {
  return { opened, demo, thumbnails, matching, records: new Records(opened.catalog, opened.columns), pack: null };
}

function catalogOf({ opened, demo, matching }: InUse): Catalog {
  const { catalog, version, sha256, space_id, ndim, columns } = opened;
  const copies = Object.entries(columns).map(([name, values]): [string, ArrayBuffer] => [
    name,
    rawBytes(values as Values).slice().buffer,
  ]);
  const items = (columns.in_stock as Uint8Array).length;
  return {
    name: { catalog, version, items, sha256 },
    space_id,
    ndim,
    demo,
    columns: Object.fromEntries(copies),
    matching,
  };
}

async function pointersOf(vault: Vault): Promise<Pointers> {
  const found = await vault.getJson<Pointers>(POINTERS);
  return found?.schema === 1 ? found : emptyPointers();
}

function emptyPointers(): Pointers {
  return { schema: 1, device_id: hex(crypto.getRandomValues(new Uint8Array(16))), catalogs: {} };
}

function firstVersion(pointers: Pointers): number {
  return Object.values(pointers.catalogs)[0]?.current.version ?? 0;
}

/** Let one tab at a time change what is kept. */
async function exclusively<T>(work: () => Promise<T>): Promise<T> {
  return navigator.locks ? navigator.locks.request(LOCK, work) : work();
}
