/**
 * One catalogue brought up to date: planned, fetched, applied, checked, kept, and only then pointed to
 * (`edge.sync.updating`). What is here stays until the new one is whole.
 */
import { failure, Failure } from "../problem.ts";
import type { Line } from "../network/line.ts";
import { sha256, type Bytes } from "./bytes.ts";
import { readMatching, type Matching } from "./calibration.ts";
import { emptyColumns, identity, type Columns } from "./columns.ts";
import { Malformed } from "./content.ts";
import { applied } from "./delta.ts";
import { openShardFile, shardFile, type Opened } from "./opened.ts";
import { planUpdate, releaseFor, type Plan } from "./plan.ts";
import type { Generation, Index, PackFile, PublishedFile, Release } from "./published_index.ts";
import { readDelta } from "./travel.ts";
import type { Vault } from "./vault.ts";
import { unpacked } from "./zstd.ts";

const ATTEMPTS = 3;

/** One state of a catalogue that is kept. */
export interface Kept {
  version: number;
  sha256: string;
  space_id: string;
  thumbnails: PackFile | null;
  calibration: PublishedFile | null;
}

/** What the vault points to: the state in use of each catalogue, and the one before. */
export interface Pointers {
  schema: 1;
  /** Random; chooses this device's place in staged roll-outs, and is never sent. */
  device_id: string;
  catalogs: Record<string, { current: Kept; previous: Kept | null }>;
}

export const POINTERS = "active.json";

/** Where the vault keeps a shard. */
export function shardName(sha256: string): string {
  return `shards/${sha256}`;
}

/** Where the vault keeps a published file. */
export function fileName(file: PublishedFile): string {
  return `files/${file.sha256}`;
}

/** Return the thresholds that are kept with a state; null where there are none, or they are damaged. */
export async function keptMatching(vault: Vault, kept: Kept): Promise<Matching | null> {
  const data = kept.calibration ? await vault.get(fileName(kept.calibration)) : null;
  try {
    return data && readMatching(data, kept.sha256, kept.space_id);
  } catch {
    return null;
  }
}

/** Open a state that is kept; null where it is gone or damaged. */
export async function openKept(vault: Vault, kept: Kept): Promise<Opened | null> {
  const file = await vault.get(shardName(kept.sha256));
  try {
    return file && { ...(await openShardFile(file, kept.sha256)), version: kept.version };
  } catch {
    return null;
  }
}

export interface Outcome {
  way: Plan["way"];
  kept: Kept;
}

/** Brings catalogues from one server into one vault. */
export class Updating {
  constructor(
    private readonly vault: Vault,
    private readonly line: Line,
    private readonly pointers: Pointers,
  ) {}

  /**
   * Follow the cheapest way to what this device should hold. Fails with `other_space`, `altered` (other files than were
   * signed, also by the full way), or what the line fails with.
   */
  async run(index: Index, space_id: string): Promise<Outcome> {
    const generation = index.generations.find((one) => one.space_id === space_id);
    if (!generation) throw this.otherSpace(index.catalog);
    const release = await releaseFor(generation, this.pointers.device_id, index.catalog);
    const current = this.pointers.catalogs[index.catalog]?.current;
    const held = current?.space_id === space_id ? await openKept(this.vault, current) : null;
    const way = await this.follow(index.catalog, generation, release, held);
    const { version, sha256, thumbnails, calibration } = release;
    if (calibration) await this.requireCalibration(calibration, sha256, space_id);
    const kept: Kept = { version, sha256, space_id, thumbnails, calibration };
    if (JSON.stringify(kept) !== JSON.stringify(current)) await this.pointTo(index.catalog, kept);
    return { way, kept };
  }

  private async follow(
    catalog: string,
    generation: Generation,
    release: Release,
    held: Opened | null,
  ): Promise<Plan["way"]> {
    let plan = this.plan(generation, release, held, false);
    if (plan.way === "delta") {
      try {
        await this.install(catalog, generation, release, held!.columns, plan);
        return "delta";
      } catch (error) {
        if (!isRefusal(error)) throw error;
        plan = this.plan(generation, release, held, true);
      }
    }
    if (plan.way === "full") await this.install(catalog, generation, release, emptyColumns(), plan);
    return plan.way;
  }

  /** Fetch the thresholds of a release and see that they are for it; the vault keeps them. */
  private async requireCalibration(file: PublishedFile, sha256: string, space_id: string): Promise<void> {
    try {
      readMatching(await this.fetch(file), sha256, space_id);
    } catch (error) {
      throw this.refusal(error);
    }
  }

  private plan(generation: Generation, release: Release, held: Opened | null, withoutDeltas: boolean): Plan {
    try {
      return planUpdate(generation, release, held?.sha256 ?? null, withoutDeltas);
    } catch (error) {
      throw this.refusal(error);
    }
  }

  /** Apply the plan's files one after the other, check what they make, and keep it. */
  private async install(
    catalog: string,
    generation: Generation,
    release: Release,
    base: Columns,
    plan: Plan,
  ): Promise<void> {
    const files = [...plan.deltas, ...plan.parts].map((one) => one.file);
    let columns = base;
    try {
      for (const file of files) columns = await this.step(columns, file, generation);
      const { space_id, ndim } = generation;
      if ((await identity(space_id, ndim, columns)) !== release.sha256)
        throw new Malformed("its files make another catalogue than was signed");
      const shard: Opened = { catalog, version: release.version, space_id, ndim, sha256: release.sha256, columns };
      await this.vault.put(shardName(release.sha256), shardFile(shard));
    } catch (error) {
      throw this.refusal(error);
    }
    for (const file of files) await this.vault.remove(fileName(file));
  }

  private async step(columns: Columns, file: PublishedFile, generation: Generation): Promise<Columns> {
    const delta = readDelta(await unpacked(await this.fetch(file), file.unpacked_bytes));
    if (delta.space_id !== generation.space_id || delta.ndim !== generation.ndim)
      throw new Malformed("a file is of another embedding space");
    const result = applied(columns, delta);
    if (delta.target !== null && (await identity(delta.space_id, delta.ndim, result)) !== delta.target) {
      throw new Malformed("a delta leads to another catalogue than it promises");
    }
    return result;
  }

  /** Return a published file, checked; what came in an earlier attempt is not asked for again. */
  async fetch(file: PublishedFile): Promise<Bytes> {
    const name = fileName(file);
    const kept = await this.vault.get(name);
    if (kept && (await this.isRight(kept, file))) return kept;
    const body = await persistently(() => this.asked(file));
    if (!(await this.isRight(body, file)))
      throw new Malformed(`a file is not what was signed (${file.sha256.slice(0, 12)})`);
    await this.vault.put(name, body);
    return body;
  }

  private async asked(file: PublishedFile): Promise<Bytes> {
    const answer = await this.line.ask(filePath(file), { most: file.bytes });
    if (answer.status !== 200) throw new Malformed(`a file that was signed is not there (status ${answer.status})`);
    return answer.body;
  }

  private async isRight(bytes: Bytes, file: PublishedFile): Promise<boolean> {
    return bytes.length === file.bytes && (await sha256(bytes)) === file.sha256;
  }

  /** Switch to a state that is kept whole, in one step; if it is only in memory, so is the pointer. */
  private async pointTo(catalog: string, kept: Kept): Promise<void> {
    const before = this.pointers.catalogs[catalog]?.current ?? null;
    this.pointers.catalogs[catalog] = {
      current: kept,
      previous: before?.sha256 === kept.sha256 ? (this.pointers.catalogs[catalog]?.previous ?? null) : before,
    };
    await this.vault.putJson(POINTERS, this.pointers, !this.vault.holds(shardName(kept.sha256)));
    await this.sweep();
  }

  /** Remove shards and files that nothing points to. */
  private async sweep(): Promise<void> {
    const named = Object.values(this.pointers.catalogs).flatMap((one) =>
      [one.current, one.previous].filter((kept) => kept !== null),
    );
    const files = named.flatMap((kept) =>
      [kept.calibration, kept.thumbnails?.head ?? null].filter((file) => file !== null),
    );
    const wanted = new Set([...named.map((kept) => shardName(kept.sha256)), ...files.map(fileName)]);
    for (const folder of ["shards/", "files/"]) {
      for (const name of await this.vault.names(folder)) if (!wanted.has(name)) await this.vault.remove(name);
    }
  }

  private refusal(error: unknown): unknown {
    if (!(error instanceof Malformed)) return error;
    const { server } = this.line;
    return failure(
      "altered",
      `${server} sends something else than was signed (${error.message}), so what is here stays.`,
      { server, why: error.message },
    );
  }

  private otherSpace(catalog: string): Failure {
    const { server } = this.line;
    return failure(
      "other_space",
      `${server} has the catalogue ${catalog} for other models than those of this page only: load the page anew, else tell whoever runs the server.`,
      { server, catalog },
    );
  }
}

/** Where a published file lies below the server's address. */
export function filePath(file: PublishedFile): string {
  return `files/${file.sha256.slice(0, 2)}/${file.sha256}`;
}

function isRefusal(error: unknown): boolean {
  return error instanceof Failure && error.name === "altered";
}

/** Try again what a line that breaks may let through the next time, after a pause that doubles, with full jitter. */
async function persistently<T>(once: () => Promise<T>): Promise<T> {
  for (let failures = 1; ; failures++) {
    try {
      return await once();
    } catch (error) {
      if (!(error instanceof Failure) || error.name !== "offline" || failures === ATTEMPTS) throw error;
      await new Promise((done) => setTimeout(done, Math.random() * 500 * 2 ** failures));
    }
  }
}
