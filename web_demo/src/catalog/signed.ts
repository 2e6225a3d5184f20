/** Metadata of The Update Framework: its form, and whether enough keys have signed it (specification 1.0, section 4). */
import { failure, type Failure } from "../problem.ts";
import { sha256, signedJson, subtle, unhex, utf8, type Bytes } from "./bytes.ts";

export type RoleName = "root" | "timestamp" | "snapshot" | "targets";

export interface Signed {
  _type: string;
  spec_version: string;
  version: number;
  expires: string;
}

export interface Root extends Signed {
  keys: Record<string, { keytype: string; scheme: string; keyval: { public: string } }>;
  roles: Record<RoleName, { keyids: string[]; threshold: number }>;
  consistent_snapshot: boolean;
}

export interface Pointer {
  version: number;
  length?: number;
  hashes?: Record<string, string>;
}

export interface Pointing extends Signed {
  meta: Record<string, Pointer>;
}

export interface Targets extends Signed {
  targets: Record<string, { length: number; hashes: Record<string, string> }>;
}

export interface Metadata<S extends Signed> {
  signatures: { keyid: string; sig: string }[];
  signed: S;
}

/** Read metadata of a role; null where it is none. */
export function metadataOf<S extends Signed>(role: RoleName, bytes: Bytes): Metadata<S> | null {
  try {
    const value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)) as Metadata<S>;
    const { signed, signatures } = value;
    const good =
      signed._type === role &&
      signed.spec_version.startsWith("1.") &&
      Number.isSafeInteger(signed.version) &&
      signed.version >= 1 &&
      !Number.isNaN(Date.parse(signed.expires)) &&
      Array.isArray(signatures);
    return good ? value : null;
  } catch {
    return null;
  }
}

/** Whether as many different keys as a root demands for a role have signed a file. */
export async function isSigned(role: RoleName, bytes: Bytes, root: Root): Promise<boolean> {
  const wanted = root.roles?.[role];
  const value = metadataOf(role, bytes);
  if (!value || !Array.isArray(wanted?.keyids) || !(wanted.threshold >= 1)) return false;
  const message = utf8(signedJson(value.signed));
  const good = new Set<string>();
  for (const { keyid, sig } of value.signatures) {
    const key = wanted.keyids.includes(keyid) ? root.keys?.[keyid] : undefined;
    if (key && (await isSignedBy(key, sig, message))) good.add(keyid);
  }
  return good.size >= wanted.threshold;
}

/** Whether keys were replaced that protect against older versions. */
export function replacesKeys(before: Root, after: Root): boolean {
  const keysOf = (root: Root, role: RoleName) => JSON.stringify([...(root.roles[role]?.keyids ?? [])].sort());
  return (["timestamp", "snapshot"] as const).some((role) => keysOf(before, role) !== keysOf(after, role));
}

async function isSignedBy(key: Root["keys"][string], sig: string, message: Bytes): Promise<boolean> {
  const [publicKey, signature] = [unhex(String(key.keyval?.public)), unhex(String(sig))];
  if (key.keytype !== "ed25519" || key.scheme !== "ed25519" || publicKey?.length !== 32 || signature?.length !== 64)
    return false;
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
  return failure(
    "no_ed25519",
    "This browser cannot verify what a server signs (Ed25519), so no catalogue is taken from it: use a newer browser.",
  );
}

/** Whether a file has the length and hash that another names. */
export async function fits(bytes: Bytes, pointer: Pointer): Promise<boolean> {
  const hash = pointer.hashes?.sha256;
  return (pointer.length === undefined || bytes.length === pointer.length) && (!hash || (await sha256(bytes)) === hash);
}
