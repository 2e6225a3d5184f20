/**
 * What may be believed of a server: The Update Framework 1.0 (theupdateframework.github.io, section 5), with Ed25519 by
 * WebCrypto. root -> timestamp -> snapshot -> targets, each signed by keys that root names, none older than what was
 * seen, none expired. docs/web-offline.md says what this means in a browser, and what is left out.
 *
 *     const trust = await Trust.open(vault, line, Date.now() / 1000);
 *     await trust.refresh();
 *     const data = await trust.target("grocery.json");
 */
import { failure, type Failure } from "../problem.ts";
import { busy, type Line } from "../network/line.ts";
import { sha256, type Bytes } from "./bytes.ts";
import {
  fits,
  isSigned,
  metadataOf,
  replacesKeys,
  type Pointer,
  type Pointing,
  type RoleName,
  type Root,
  type Signed,
  type Targets,
} from "./signed.ts";
import type { Vault } from "./vault.ts";

const DAY_S = 86_400;
const LONGEST: Readonly<Record<RoleName, number>> = {
  root: 64_000,
  timestamp: 8_000,
  snapshot: 64_000,
  targets: 256_000,
};
const MAX_ROTATIONS = 64;

/** What is remembered between two visits; times in seconds since 1970. */
interface State {
  etag: string;
  refreshed_s: number;
  seen_s: number;
  expires_s: number;
}

const NOTHING: State = { etag: "", refreshed_s: 0, seen_s: 0, expires_s: 0 };

export class Trust {
  private targets: Targets | null = null;

  private constructor(
    private readonly vault: Vault,
    private readonly line: Line,
    private readonly state: State,
    /** This device's time, never before the latest that it has seen. */
    private readonly now_s: number,
  ) {}

  /** Open what is kept. */
  static async open(vault: Vault, line: Line, now_s: number): Promise<Trust> {
    const state = { ...NOTHING, ...(await vault.getJson<State>("trust/state.json")) };
    return new Trust(vault, line, state, Math.max(now_s, state.seen_s));
  }

  /** Ask, with one conditional request, whether everything is as it was verified within a day. */
  async isUnchanged(): Promise<boolean> {
    const recent = this.now_s - this.state.refreshed_s < DAY_S && this.now_s < this.state.expires_s;
    if (!this.state.etag || !recent) return false;
    const answer = await this.line.ask("metadata/timestamp.json", {
      most: LONGEST.timestamp,
      headers: { "If-None-Match": this.state.etag },
    });
    if (answer.status !== 304) return false;
    const kept = await this.vault.get("trust/targets.json");
    this.targets = (kept && metadataOf<Targets>("targets", kept)?.signed) ?? null;
    return this.targets !== null;
  }

  /**
   * Fetch and verify what is new. Fails with `not_published` where the server has no catalogues, `unsigned`,
   * `rolled_back`, `expired` or `contradiction` where it is not to be believed, `offline` or `captive` where it
   * cannot be reached.
   *
   * `pinned` is the root that the page was built with, or null: then the server's first answer is believed.
   */
  async refresh(pinned: Bytes | null): Promise<void> {
    const first = await this.line.ask("metadata/timestamp.json", { most: LONGEST.timestamp });
    if (first.status === 429 || first.status >= 500) throw busy(this.line.server, first.status);
    if (first.status !== 200) throw this.notPublished(first.status);
    const root = await this.newestRoot(pinned);
    const timestamp = await this.verified<Pointing>("timestamp", first.body, root, null);
    const snapshotPointer = this.pointer(timestamp, "snapshot.json");
    const keptTimestamp = await this.trustedKept<Pointing>("timestamp", root);
    if (keptTimestamp && this.pointer(keptTimestamp, "snapshot.json").version > snapshotPointer.version)
      throw this.older("snapshot");
    const snapshot = await this.pointed<Pointing>("snapshot", snapshotPointer, root);
    const keptSnapshot = await this.trustedKept<Pointing>("snapshot", root);
    const targetsPointer = this.pointer(snapshot, "targets.json");
    if (keptSnapshot && this.pointer(keptSnapshot, "targets.json").version > targetsPointer.version)
      throw this.older("targets");
    const targets = await this.pointed<Targets>("targets", targetsPointer, root);
    await this.vault.put("trust/timestamp.json", first.body);
    this.targets = targets;
    const expires_s = Math.min(...[root, timestamp, snapshot, targets].map((one) => Date.parse(one.expires) / 1000));
    const state: State = {
      etag: first.headers.get("etag") ?? "",
      refreshed_s: this.now_s,
      seen_s: this.now_s,
      expires_s,
    };
    await this.vault.putJson("trust/state.json", state);
  }

  /** Return the names of the catalogues that are published, as verified last. */
  catalogs(): string[] {
    const names = Object.keys(this.targets?.targets ?? {});
    return names
      .filter((name) => name.endsWith(".json"))
      .map((name) => name.slice(0, -5))
      .sort();
  }

  /** Return a target, checked; from the vault where it is there. */
  async target(name: string, most: number): Promise<Bytes> {
    const said = this.targets?.targets[name];
    const hash = said?.hashes?.sha256;
    if (!said || !hash || !(said.length <= most)) throw this.contradiction(`${name} is not signed`);
    const kept = await this.vault.get(`trust/targets/${name}`);
    if (kept && kept.length === said.length && (await sha256(kept)) === hash) return kept;
    const answer = await this.line.ask(`targets/${hash}.${name}`, { most: said.length });
    if (answer.status !== 200) throw this.contradiction(`${name} is signed but not there`);
    if (answer.body.length !== said.length || (await sha256(answer.body)) !== hash)
      throw this.contradiction(`${name} is not what was signed`);
    await this.vault.put(`trust/targets/${name}`, answer.body);
    return answer.body;
  }

  /** Section 5.3: go from the root that is trusted from version to version, each signed by the one before and by itself. */
  private async newestRoot(pinned: Bytes | null): Promise<Root> {
    const kept = await this.keptRoot(pinned);
    let bytes = kept ?? pinned ?? (await this.fetched("metadata/1.root.json", LONGEST.root));
    let root = this.parsed<Root>("root", bytes);
    await this.requireSigned("root", bytes, root);
    for (let rotation = 0; rotation < MAX_ROTATIONS; rotation++) {
      const answer = await this.line.ask(`metadata/${root.version + 1}.root.json`, { most: LONGEST.root });
      if (answer.status !== 200) break;
      const next = this.parsed<Root>("root", answer.body);
      await this.requireSigned("root", answer.body, root);
      await this.requireSigned("root", answer.body, next);
      if (next.version !== root.version + 1) throw this.older("root");
      if (replacesKeys(root, next)) await this.forgetRollbackState();
      [bytes, root] = [answer.body, next];
    }
    this.requireUnexpired("root", root);
    if (bytes !== kept) await this.vault.put("trust/root.json", bytes);
    return root;
  }

  /** Return the root that is kept, unless the page has come with another one to begin from: then all is begun anew. */
  private async keptRoot(pinned: Bytes | null): Promise<Bytes | null> {
    const begin = pinned && (await sha256(pinned));
    if (begin && (await this.vault.getJson<string>("trust/begun.json")) !== begin) {
      for (const role of ["root", "timestamp", "snapshot", "targets"]) await this.vault.remove(`trust/${role}.json`);
      await this.vault.putJson("trust/begun.json", begin);
    }
    return this.vault.get("trust/root.json");
  }

  /** Section 5.3.11: keys that were replaced may have signed versions that never were; they count no more. */
  private async forgetRollbackState(): Promise<void> {
    for (const role of ["timestamp", "snapshot"]) await this.vault.remove(`trust/${role}.json`);
  }

  private async pointed<S extends Signed>(role: RoleName, pointer: Pointer, root: Root): Promise<S> {
    const kept = await this.vault.get(`trust/${role}.json`);
    const current = kept && (await fits(kept, pointer)) && this.parsed<S>(role, kept).version === pointer.version;
    const bytes = current
      ? kept
      : await this.fetched(`metadata/${pointer.version}.${role}.json`, pointer.length ?? LONGEST[role]);
    if (!(await fits(bytes, pointer))) throw this.contradiction(`${role} is not what was signed`);
    const signed = await this.verified<S>(role, bytes, root, pointer.version);
    if (!current) await this.vault.put(`trust/${role}.json`, bytes);
    return signed;
  }

  private async verified<S extends Signed>(
    role: RoleName,
    bytes: Bytes,
    root: Root,
    version: number | null,
  ): Promise<S> {
    await this.requireSigned(role, bytes, root);
    const signed = this.parsed<S>(role, bytes);
    if (version !== null && signed.version !== version) throw this.contradiction(`${role} is of another version`);
    const kept = await this.trustedKept<S>(role, root);
    if (kept && signed.version < kept.version) throw this.older(role);
    this.requireUnexpired(role, signed);
    return signed;
  }

  /** Return what is kept of a role if the keys of today have signed it; only that can be older or newer than anything. */
  private async trustedKept<S extends Signed>(role: RoleName, root: Root): Promise<S | null> {
    const bytes = await this.vault.get(`trust/${role}.json`);
    try {
      if (!bytes) return null;
      await this.requireSigned(role, bytes, root);
      return this.parsed<S>(role, bytes);
    } catch {
      return null;
    }
  }

  private async fetched(path: string, most: number): Promise<Bytes> {
    const answer = await this.line.ask(path, { most });
    if (answer.status !== 200) throw this.contradiction(`${path} is not there`);
    return answer.body;
  }

  private parsed<S extends Signed>(role: RoleName, bytes: Bytes): S {
    const found = metadataOf<S>(role, bytes);
    if (!found) throw this.contradiction(`its ${role} is no metadata`);
    return found.signed;
  }

  private pointer(signed: Pointing, name: string): Pointer {
    const pointer = signed.meta?.[name];
    if (!pointer || !Number.isSafeInteger(pointer.version)) throw this.contradiction(`nothing is said of ${name}`);
    return pointer;
  }

  /** Require signatures of as many different keys of a role as root demands (section 4.2: threshold). */
  private async requireSigned(role: RoleName, bytes: Bytes, root: Root): Promise<void> {
    this.parsed(role, bytes);
    if (!(await isSigned(role, bytes, root))) {
      throw failure(
        "unsigned",
        `${this.line.server}: a signature of its ${role} is missing or wrong, so nothing new was taken.`,
        { server: this.line.server, role },
      );
    }
  }

  private requireUnexpired(role: RoleName, signed: Signed): void {
    if (this.now_s * 1000 < Date.parse(signed.expires)) return;
    const day = new Date(this.now_s * 1000).toISOString().slice(0, 10);
    throw failure(
      "expired",
      `${this.line.server}: what it signed (${role}) has expired by this device's clock (${day}), so nothing new was taken: check the clock, else tell whoever runs the server.`,
      { server: this.line.server, role, day },
    );
  }

  private older(role: string): Failure {
    return failure(
      "rolled_back",
      `${this.line.server} offers an older ${role} than this device has seen, so nothing was taken.`,
      { server: this.line.server, role },
    );
  }

  private contradiction(why: string): Failure {
    return failure(
      "contradiction",
      `${this.line.server}: what it signed contradicts itself (${why}), so nothing new was taken.`,
      { server: this.line.server, why },
    );
  }

  private notPublished(status: number): Failure {
    return failure("not_published", `${this.line.server} publishes no catalogues (status ${status}).`, {
      server: this.line.server,
      status,
    });
  }
}
