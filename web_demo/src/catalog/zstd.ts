/** One zstd frame, opened without ever making room for more than was promised (RFC 8878, section 3.1.1). */
import { ZSTDDecoder } from "zstddec";
import { Malformed } from "./content.ts";
import type { Bytes } from "./bytes.ts";

const MAGIC = 0xfd2fb528;
const MAX_WINDOW_BYTES = 2 ** 23;
/** More than this is no catalogue for a browser's tab. */
export const MAX_CONTENT_BYTES = 2 ** 29;

const decoder = new ZSTDDecoder();

/** Whether bytes begin as a zstd frame does. */
export function isFrame(data: Bytes): boolean {
  return data.length > 8 && new DataView(data.buffer, data.byteOffset).getUint32(0, true) === MAGIC;
}

/**
 * Return the content of a frame.
 *
 * Throws `Malformed` where it is no such frame, states another length than `length`, wants a dictionary or a larger
 * window than 8 MiB, or holds something else than it states.
 */
export async function unpacked(data: Bytes, length: number): Promise<Bytes> {
  if (!isFrame(data)) throw new Malformed("it is no zstd frame");
  const stated = frameOf(data);
  if (stated.content !== length || stated.window > MAX_WINDOW_BYTES || length > MAX_CONTENT_BYTES) {
    throw new Malformed(`its frame states ${stated.content} bytes where ${length} were promised`);
  }
  if (length === 0) return new Uint8Array(0);
  await decoder.init();
  const content = decoder.decode(data, length) as Bytes;
  if (content.length !== length) throw new Malformed("its zstd frame is damaged");
  return content;
}

/** Return the length of the content as a frame states it, bytes; null where it does not. */
export function statedLength(data: Bytes): number | null {
  return frameOf(data).content;
}

function frameOf(data: Bytes): { content: number | null; window: number } {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const flags = view.getUint8(4);
  const single = (flags & 0x20) !== 0;
  if ((flags & 0x03) !== 0) throw new Malformed("its frame wants a dictionary");
  const at = single ? 5 : 6;
  const sizes = [single ? 1 : 0, 2, 4, 8];
  const size = sizes[flags >> 6]!;
  if (at + size > data.length) throw new Malformed("its frame is cut short");
  let content: number | null = null;
  if (size === 1) content = view.getUint8(at);
  if (size === 2) content = view.getUint16(at, true) + 256;
  if (size === 4) content = view.getUint32(at, true);
  if (size === 8) content = Number(view.getBigUint64(at, true));
  return { content, window: single ? (content ?? Infinity) : windowOf(view.getUint8(5)) };
}

function windowOf(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >> 3));
  return base + (base / 8) * (descriptor & 7);
}
