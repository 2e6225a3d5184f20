/** Crops as people see them: small copies, and those as files. */
import { type Picture, type Region, type Size, whole } from "../media/picture.ts";
import { resize } from "./resizing.ts";

const CROP_SIDE = 200;
const QUALITY = 0.8;

/** Return a small copy of a region, at most 200 pixels a side, so that no whole frame is held in memory. */
export function smallCopy(picture: Picture, region: Region): Picture {
  const scale = Math.min(1, CROP_SIDE / Math.max(region.width, region.height));
  const side = (length: number) => Math.max(1, Math.round(length * scale));
  const size: Size = [side(region.width), side(region.height)];
  const rgb = resize(picture, region, size);
  const rgba = new Uint8ClampedArray(size[0] * size[1] * 4).fill(255);
  for (let i = 0; i < size[0] * size[1]; i++) rgba.set(rgb.subarray(i * 3, i * 3 + 3), i * 4);
  return { width: size[0], height: size[1], rgba };
}

const files = new WeakMap<Picture, Promise<Blob>>();

/** Return a picture as a WebP file (PNG where the browser writes no WebP); the same picture is written once. */
export function fileOf(picture: Picture): Promise<Blob> {
  let file = files.get(picture);
  if (file === undefined) {
    file = write(picture);
    files.set(picture, file);
  }
  return file;
}

async function write(picture: Picture): Promise<Blob> {
  const { width, height } = whole(picture);
  const canvas = new OffscreenCanvas(width, height);
  canvas.getContext("2d")!.putImageData(new ImageData(new Uint8ClampedArray(picture.rgba), width, height), 0, 0);
  return canvas.convertToBlob({ type: "image/webp", quality: QUALITY });
}
