/**
 * Frames that no other frame builds on, told from the packet: a hurried reader leaves them out, as `edge/media/videos.py`
 * has FFmpeg leave them out. Only H.264 tells it in its packets' first bytes.
 *
 * Source: ITU-T H.264, 7.3.1 (nal_ref_idc), Annex B (start codes); ISO/IEC 14496-15, 5.3.3 (lengths before each unit).
 */

const SLICE_TYPES = [1, 5];

/** Tells whether a packet's frame may be left out. */
export type Unreferenced = (packet: Uint8Array) => boolean;

/** Return the test for a stream, null where its packets do not tell. */
export function unreferencedIn(config: VideoDecoderConfig | null): Unreferenced | null {
  if (!config?.codec.startsWith("avc")) return null;
  if (config.description === undefined) return (packet) => isUnreferenced(startCodeUnits(packet));
  const described = config.description;
  const bytes = ArrayBuffer.isView(described)
    ? new Uint8Array(described.buffer, described.byteOffset, described.byteLength)
    : new Uint8Array(described);
  const length_size = ((bytes[4] ?? 3) & 3) + 1;
  return (packet) => isUnreferenced(lengthUnits(packet, length_size));
}

/** Return whether the first slice among units, given by their header bytes, is of a frame without references. */
function isUnreferenced(headers: Iterable<number>): boolean {
  for (const header of headers) {
    if (SLICE_TYPES.includes(header & 0x1f)) return ((header >> 5) & 3) === 0;
  }
  return false;
}

function* lengthUnits(packet: Uint8Array, length_size: number): Iterable<number> {
  for (let at = 0; at + length_size < packet.length; ) {
    let length = 0;
    for (let i = 0; i < length_size; i++) length = length * 256 + packet[at + i]!;
    yield packet[at + length_size]!;
    at += length_size + length;
  }
}

function* startCodeUnits(packet: Uint8Array): Iterable<number> {
  for (let at = 0; at + 3 < packet.length; at++) {
    if (packet[at] === 0 && packet[at + 1] === 0 && packet[at + 2] === 1) yield packet[at + 3]!;
  }
}
