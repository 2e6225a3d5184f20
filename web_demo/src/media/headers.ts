/**
 * What a picture file says of itself before anything is decoded: its format by its first bytes, and its width and height
 * as stored. So a bomb is refused, and a picture of 100 megapixels is decoded at a smaller size.
 *
 * Sources: ITU-T T.81 B.2.2 (JPEG), PNG 11.2.1, GIF89a 18, BITMAPINFOHEADER, RFC 9649 (WebP).
 */
import type { Size } from "./picture.ts";

export type PictureFormat = "JPEG" | "PNG" | "BMP" | "GIF" | "WEBP";

/** As many bytes as a header may need: a JPEG's size stands behind its metadata. */
const LONGEST_HEADER = 1 << 20;

/** Return the format of a picture by its first 32 bytes, null if it is none that is read. */
export function pictureFormat(head: Uint8Array): PictureFormat | null {
  const starts = (...bytes: number[]) => bytes.every((byte, i) => head[i] === byte);
  if (starts(0xff, 0xd8, 0xff)) return "JPEG";
  if (starts(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)) return "PNG";
  if (starts(0x42, 0x4d)) return "BMP";
  if (starts(0x47, 0x49, 0x46, 0x38)) return "GIF";
  return starts(0x52, 0x49, 0x46, 0x46) && ascii(head, 8, 4) === "WEBP" ? "WEBP" : null;
}

/** Return the name of a picture format that people have but that is not read here, null if it is none of them. */
export function unreadPictureFormat(head: Uint8Array): string | null {
  const brand = ascii(head, 4, 4) === "ftyp" ? ascii(head, 8, 4) : "";
  if (["heic", "heix", "mif1", "msf1", "avif", "avis"].includes(brand)) return "HEIC or AVIF";
  if (["II*\0", "MM\0*"].includes(ascii(head, 0, 4))) return "TIFF";
  return ascii(head, 0, 32).trimStart().startsWith("<svg") ? "SVG" : null;
}

/** Return the width and height that a picture file declares, as stored (not turned); null where it is cut or damaged. */
export async function declaredSize(file: Blob, format: PictureFormat): Promise<Size | null> {
  const bytes = new Uint8Array(await file.slice(0, LONGEST_HEADER).arrayBuffer());
  const view = new DataView(bytes.buffer);
  try {
    return READERS[format](view, bytes);
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

const READERS: Readonly<Record<PictureFormat, (view: DataView, bytes: Uint8Array) => Size | null>> = {
  PNG: (view) => [view.getUint32(16), view.getUint32(20)],
  GIF: (view) => [view.getUint16(6, true), view.getUint16(8, true)],
  BMP: (view) => [Math.abs(view.getInt32(18, true)), Math.abs(view.getInt32(22, true))],
  WEBP: webp,
  JPEG: jpeg,
};

function webp(view: DataView, bytes: Uint8Array): Size | null {
  const whole24 = (at: number) => view.getUint16(at, true) + (view.getUint8(at + 2) << 16);
  switch (ascii(bytes, 12, 4)) {
    case "VP8X":
      return [whole24(24) + 1, whole24(27) + 1];
    case "VP8L": {
      const packed = view.getUint32(21, true);
      return [(packed & 0x3fff) + 1, ((packed >> 14) & 0x3fff) + 1];
    }
    case "VP8 ":
      return [view.getUint16(26, true) & 0x3fff, view.getUint16(28, true) & 0x3fff];
    default:
      return null;
  }
}

/** Go from marker to marker until a frame header (SOF0 to SOF15, but DHT, JPG and DAC). */
function jpeg(view: DataView): Size | null {
  let at = 2;
  for (;;) {
    while (view.getUint8(at) === 0xff && view.getUint8(at + 1) === 0xff) at++;
    if (view.getUint8(at) !== 0xff) return null;
    const marker = view.getUint8(at + 1);
    const is_frame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (is_frame) return [view.getUint16(at + 7), view.getUint16(at + 5)];
    at += 2 + view.getUint16(at + 2);
  }
}

function ascii(bytes: Uint8Array, at: number, length: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + length));
}
