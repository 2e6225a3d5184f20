/** Hashes, hex digits and the one JSON text of a value, as docs/formats/ means them. */
import { failure } from "../problem.ts";

export type Bytes = Uint8Array<ArrayBuffer>;

const encoder = new TextEncoder();

/** Return the UTF-8 of a text. */
export function utf8(text: string): Bytes {
  return encoder.encode(text);
}

/** Return bytes as lower-case hexadecimal digits. */
export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Return the bytes that hexadecimal digits stand for; null where they are none. */
export function unhex(digits: string): Bytes | null {
  if (!/^([0-9a-f]{2})*$/.test(digits)) return null;
  return Uint8Array.from({ length: digits.length / 2 }, (_, i) => parseInt(digits.slice(2 * i, 2 * i + 2), 16));
}

/** Return the SHA-256 of bytes in hex. */
export async function sha256(bytes: Bytes): Promise<string> {
  return hex(new Uint8Array(await subtle().digest("SHA-256", bytes)));
}

/** Return WebCrypto, which browsers have on https and on this machine's own address only. */
export function subtle(): SubtleCrypto {
  const here = globalThis.crypto?.subtle;
  if (!here)
    throw failure("insecure_page", "This page was not opened by https, so nothing can be verified: open it by https.");
  return here;
}

/** Return the one JSON text of a value that is hashed: sorted keys, no spaces (`edge.files.canonical_json`). */
export function canonicalJson(value: unknown): string {
  return written(value, JSON.stringify);
}

/** Return the JSON text that The Update Framework signs (OLPC): of a text only `"` and `\` are escaped. */
export function signedJson(value: unknown): string {
  return written(value, (text) => `"${text.replace(/["\\]/g, "\\$&")}"`);
}

function written(value: unknown, quoted: (text: string) => string): string {
  if (typeof value === "string") return quoted(value);
  if (Array.isArray(value)) return `[${value.map((part) => written(part, quoted)).join(",")}]`;
  if (value !== null && typeof value === "object") {
    const parts = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${parts.map(([name, part]) => `${quoted(name)}:${written(part, quoted)}`).join(",")}}`;
  }
  if (value === null || typeof value === "boolean" || Number.isSafeInteger(value)) return String(value);
  throw new TypeError(`${String(value)} has no canonical text`);
}
