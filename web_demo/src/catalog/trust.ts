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
import { sha256, signedJson, subtle, unhex, utf8, type Bytes } from "./bytes.ts";
import type { Vault } from "./vault.ts";

const DAY_S = 86_400;
const LONGEST = { root: 64_000, timestamp: 8_000, snapshot: 64_000, targets: 256_000 } as const;
const MAX_ROTATIONS = 64;
type RoleName = keyof typeof LONGEST;

interface Signed {
  _type: string;
  spec_version: string;
  version: number;
  expires: string;
}

interface Root extends Signed {
  keys: Record<string, { keytype: string; scheme: string; keyval: { public: string } }>;
  roles: Record<RoleName, { keyids: string[]; threshold: number }>;
  consistent_snapshot: boolean;
}

interface Pointer {
  version: number;
  length?: number;
  hashes?: Record<string, string>;
}

interface Pointing extends Signed {
  meta: Record<string, Pointer>;
}

interface Targets extends Signed {
  targets: Record<string, { length: number; hashes: Record<string, string> }>;
}

interface Metadata<S extends Signed> {
  signatures: { keyid: string; sig: string }[];
  signed: S;
}

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
    const answer = await this.line.ask("metadata/timestamp.json", { most: LONGEST.timestamp, headers: { "If-None-Match": this.state.etag } });
    if (answer.status !== 304) return false;
    const kept = await this.kept<Targets>("targets");
    this.targets = kept?.signed ?? null;
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
    if (keptTimestamp && this.pointer(keptTimestamp, "snapshot.json").version > snapshotPointer.version) throw this.older("snapshot");
    const snapshot = await this.pointed<Pointing>("snapshot", snapshotPointer, root);
    const keptSnapshot = await this.trustedKept<Pointing>("snapshot", root);
    const targetsPointer = this.pointer(snapshot, "targets.json");
    if (keptSnapshot && this.pointer(keptSnapshot, "targets.json").version > targetsPointer.version) throw this.older("targets");
    const targets = await this.pointed<Targets>("targets", targetsPointer, root);
    await this.vault.put("trust/timestamp.json", first.body);
    this.targets = targets;
    const expires_s = Math.min(...[root, timestamp, snapshot, targets].map((one) => Date.parse(one.expires) / 1000));
    const state: State = { etag: first.headers.get("etag") ?? "", refreshed_s: this.now_s, seen_s: this.now_s, expires_s };
    await this.vault.putJson("trust/state.json", state);
  }

  /** Return the names of the catalogues that are published, as verified last. */
  catalogs(): string[] {
    const names = Object.keys(this.targets?.targets ?? {});
    return names.filter((name) => name.endsWith(".json")).map((name) => name.slice(0, -5)).sort();
  }

  /** Return a target, checked; from the vault where it is there. */
  async target(name: string, most: number): Promise<Bytes> {
    const said = this.targets?.targets[name];
    const hash = said?.hashes.sha256;
    if (!said || !hash || !(said.length <= most)) throw this.contradiction(`${name} is not signed`);
    const kept = await this.vault.get(`trust/targets/${name}`);
    if (kept && kept.length === said.length && (await sha256(kept)) === hash) return kept;
    const answer = await this.line.ask(`targets/${hash}.${name}`, { most: said.length });
    if (answer.status !== 200) throw this.contradiction(`${name} is signed but not there`);
    if (answer.body.length !== said.length || (await sha256(answer.body)) !== hash) throw this.contradiction(`${name} is not what was signed`);
    await this.vault.put(`trust/targets/${name}`, answer.body);
    return answer.body;
  }

  /** Section 5.3: go from the root that is trusted from version to version, each signed by the one before and by itself. */
  private async newestRoot(pinned: Bytes | null): Promise<Root> {
    const kept = await this.vault.get("trust/root.json");
    let bytes = kept ?? pinned ?? (await this.fetched("metadata/1.root.json", LONGEST.root));
    let root = this.parsed<Root>("root", bytes).signed;
    await this.requireSigned("root", bytes, root);
    for (let rotation = 0; rotation < MAX_ROTATIONS; rotation++) {
      const answer = await this.line.ask(`metadata/${root.version + 1}.root.json`, { most: LONGEST.root });
      if (answer.status !== 200) break;
      const next = this.parsed<Root>("root", answer.body).signed;
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

  /** Section 5.3.11: keys that were replaced may have signed versions that never were; they count no more. */
  private async forgetRollbackState(): Promise<void> {
    for (const role of ["timestamp", "snapshot"]) await this.vault.remove(`trust/${role}.json`);
  }

  private async pointed<S extends Signed>(role: RoleName, pointer: Pointer, root: Root): Promise<S> {
    const kept = await this.vault.get(`trust/${role}.json`);
    const current = kept && (await fits(kept, pointer)) && this.parsed<S>(role, kept).signed.version === pointer.version;
    const bytes = current ? kept : await this.fetched(`metadata/${pointer.version}.${role}.json`, pointer.length ?? LONGEST[role]);
    if (!(await fits(bytes, pointer))) throw this.contradiction(`${role} is not what was signed`);
    const signed = await this.verified<S>(role, bytes, root, pointer.version);
    if (!current) await this.vault.put(`trust/${role}.json`, bytes);
    return signed;
  }

  private async verified<S extends Signed>(role: RoleName, bytes: Bytes, root: Root, version: number | null): Promise<S> {
    await this.requireSigned(role, bytes, root);
    const { signed } = this.parsed<S>(role, bytes);
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
      return this.parsed<S>(role, bytes).signed;
    } catch {
      return null;
    }
  }

  private async kept<S extends Signed>(role: RoleName): Promise<Metadata<S> | null> {
    const bytes = await this.vault.get(`trust/${role}.json`);
    try {
      return bytes && this.parsed<S>(role, bytes);
    } catch {
      return null;
    }
  }

  private async fetched(path: string, most: number): Promise<Bytes> {
    const answer = await this.line.ask(path, { most });
    if (answer.status !== 200) throw this.contradiction(`${path} is not there`);
    return answer.body;
  }

  private parsed<S extends Signed>(role: RoleName, bytes: Bytes): Metadata<S> {
    try {
      const value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)) as Metadata<S>;
      const { signed, signatures } = value;
      const good =
        signed._type === role && signed.spec_version.startsWith("1.") && Number.isSafeInteger(signed.version) && signed.version >= 1 &&
        !Number.isNaN(Date.parse(signed.expires)) && Array.isArray(signatures);
      if (good) return value;
    } catch {
      // said below
    }
    throw this.contradiction(`its ${role} is no metadata`);
  }

  private pointer(signed: Pointing, name: string): Pointer {
    const pointer = signed.meta[name];
    if (!pointer || !Number.isSafeInteger(pointer.version)) throw this.contradiction(`nothing is said of ${name}`);
    return pointer;
  }

  /** Require signatures of as many different keys of a role as root demands (section 4.2: threshold). */
  private async requireSigned(role: RoleName, bytes: Bytes, root: Root): Promise<void> {
    const { signed, signatures } = this.parsed<Signed>(role, bytes);
    const wanted = root.roles?.[role];
    const message = utf8(signedJson(signed));
    const good = new Set<string>();
    for (const { keyid, sig } of signatures) {
      const key = wanted?.keyids.includes(keyid) ? root.keys[keyid] : undefined;
      if (key && (await isSignedBy(key, sig, message))) good.add(keyid);
    }
    if (!wanted || !(wanted.threshold >= 1) || good.size < wanted.threshold) {
      throw failure("unsigned", `${this.line.server}: a signature of its ${role} is missing or wrong, so nothing new was taken.`, { server: this.line.server, role });
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
    return failure("rolled_back", `${this.line.server} offers an older ${role} than this device has seen, so nothing was taken.`, { server: this.line.server, role });
  }

  private contradiction(why: string): Failure {
    return failure("contradiction", `${this.line.server}: what it signed contradicts itself (${why}), so nothing new was taken.`, { server: this.line.server, why });
  }

  private notPublished(status: number): Failure {
    return failure("not_published", `${this.line.server} publishes no catalogues (status ${status}).`, { server: this.line.server, status });
  }
}

function replacesKeys(before: Root, after: Root): boolean {
  const keysOf = (root: Root, role: RoleName) => JSON.stringify([...(root.roles[role]?.keyids ?? [])].sort());
  return (["timestamp", "snapshot"] as const).some((role) => keysOf(before, role) !== keysOf(after, role));
}

async function isSignedBy(key: Root["keys"][string], sig: string, message: Bytes): Promise<boolean> {
  const [publicKey, signature] = [unhex(key.keyval?.public ?? ""), unhex(sig)];
  if (key.keytype !== "ed25519" || key.scheme !== "ed25519" || publicKey?.length !== 32 || signature?.length !== 64) return false;
  let imported: CryptoKey;
  try {
    imported = await subtle().importKey("raw", publicKey, "Ed25519", false, ["verify"]);
  } catch (error) {
    if (error instanceof DOMException && error.name === "NotSupportedError") throw tooOld();
    return false;
  }
  return subtle().verify("Ed25519", imported, signature, message);
}

function tooOld(): Failure {
  return failure("no_ed25519", "This browser cannot verify what a server signs (Ed25519), so no catalogue is taken from it: use a newer browser.");
}

async function fits(bytes: Bytes, pointer: Pointer): Promise<boolean> {
  const hash = pointer.hashes?.sha256;
  return (pointer.length === undefined || bytes.length === pointer.length) && (!hash || (await sha256(bytes)) === hash);
}
