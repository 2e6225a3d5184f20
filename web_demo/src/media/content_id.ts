/** The identity that tags are derived from, cheap for a file of any length (docs/formats/tag-document.md). */

const MIB = 1 << 20;

/**
 * Return the SHA-256, in hex, over the file's length in bytes as ASCII decimal digits, a newline, and then the whole
 * content if it is at most 2 MiB long, else its first 1 MiB followed by its last 1 MiB.
 */
export async function contentId(file: Blob): Promise<string> {
  const ends = file.size <= 2 * MIB ? [file] : [file.slice(0, MIB), file.slice(file.size - MIB)];
  const bytes = await new Blob([`${file.size}\n`, ...ends]).arrayBuffer();
  return sha256(bytes);
}

/** Return the SHA-256 of some bytes in hex. */
export async function sha256(bytes: BufferSource): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
