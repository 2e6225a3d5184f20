/** Crops as people see them: small copies, and those as files. */
import { type Picture, type Region, type Size, whole } from "../media/picture.ts";
import { resize } from "./resizing.ts";

const CROP_SIDE = 200;
const QUALITY = 0.8;

/** Return a small copy of a region, at most 200 pixels a side, so that no whole frame is held in memory. */
export function smallCopy(picture: Picture, region: Region): Picture {
  const scale = Math.min(1, CROP_SIDE / Math.max(region.width, region.height));
  const side = (length: number) => Math.max(1, Math.round(length * scale));
  return resized(picture, region, [side(region.width), side(region.height)]);
}

/** Return a copy of a region at another size. */
export function resized(picture: Picture, region: Region, [width, height]: Size): Picture {
  const rgb = resize(picture, region, [width, height]);
  const rgba = new Uint8ClampedArray(width * height * 4).fill(255);
  for (let i = 0; i < width * height; i++) {
    rgba[i * 4] = rgb[i * 3]!;
    rgba[i * 4 + 1] = rgb[i * 3 + 1]!;
    rgba[i * 4 + 2] = rgb[i * 3 + 2]!;
  }
  return { width, height, rgba };
}

const files = new WeakMap<Picture, Promise<Blob>>();

/** Return a small copy of a picture as a WebP file (PNG where the browser writes no WebP); the same picture is written once. */
export function fileOf(picture: Picture): Promise<Blob> {
  let file = files.get(picture);
  if (file === undefined) {
    file = write(picture);
    files.set(picture, file);
  }
  return file;
}

async function write(picture: Picture): Promise<Blob> {
  const { width, height, rgba } = smallCopy(picture, whole(picture));
  const canvas = new OffscreenCanvas(width, height);
  canvas.getContext("2d")!.putImageData(new ImageData(new Uint8ClampedArray(rgba), width, height), 0, 0);
  return canvas.convertToBlob({ type: "image/webp", quality: QUALITY });
}
