/**
 * Still pictures, told by content, not by name; see `edge/media/pictures.py`.
 *
 * Memory is bounded: a picture above its format's limit is refused by its header, before anything is decoded, and one
 * above `FULL_SIZE_PIXELS` is decoded at a half, a quarter or an eighth of its sides. Colour profiles are not applied.
 */
import { failure } from "../problem.ts";
import { reader } from "./canvas.ts";
import { declaredSize, type PictureFormat } from "./headers.ts";
import { type Picture, reduction, type Size } from "./picture.ts";
import type { Photo } from "./source.ts";

export const FULL_SIZE_PIXELS = 16_000_000;

const LARGEST_PIXELS: Readonly<Record<PictureFormat, number>> = {
  JPEG: 220_000_000,
  PNG: 120_000_000,
  BMP: 120_000_000,
  GIF: 120_000_000,
  WEBP: 60_000_000,
};

/** Open a picture and decode it. */
export async function openPicture(file: File, format: PictureFormat): Promise<Photo> {
  const stored_wh = await declaredSize(file, format);
  if (stored_wh === null) throw damaged(file, format);
  refuseBomb(file, format, stored_wh);
  const factor = reduction(stored_wh, FULL_SIZE_PIXELS);
  const bitmap = await decoded(file, format, stored_wh, factor);
  const picture = pixels(bitmap);
  const is_turned = (stored_wh[0] > stored_wh[1]) !== (picture.width > picture.height) && stored_wh[0] !== stored_wh[1];
  const resolution_wh: Size =
    factor === 1 ? [picture.width, picture.height] : is_turned ? [stored_wh[1], stored_wh[0]] : stored_wh;
  return { kind: "image", resolution_wh, duration_s: null, frames_decoded: 1, error: null, picture, close() {} };
}

function refuseBomb(file: File, format: PictureFormat, [width, height]: Size): void {
  const limit = LARGEST_PIXELS[format];
  if (width * height === 0) throw damaged(file, format);
  if (width * height > limit) {
    const megapixels = limit / 1_000_000;
    throw failure(
      "picture_too_large",
      `${file.name} has ${width} x ${height} pixels, more than the ${megapixels} megapixels that are read from a ` +
        `${format} picture: save it smaller.`,
      { file: file.name, width, height, megapixels, format },
    );
  }
}

function damaged(file: File, format: PictureFormat): Error {
  const sentence = `${file.name}: this ${format} picture is damaged or cut: copy or export it again.`;
  return failure("picture_damaged", sentence, { file: file.name, format });
}

/** Decode a picture as it is shown, its sides divided by `factor`. */
async function decoded(
  file: File,
  format: PictureFormat,
  [width, height]: Size,
  factor: number,
): Promise<ImageBitmap | VideoFrame> {
  const options: ImageBitmapOptions = { colorSpaceConversion: "none", premultiplyAlpha: "default" };
  try {
    if (factor === 1) return await createImageBitmap(file, options);
    const [small_width, small_height] = [Math.ceil(width / factor), Math.ceil(height / factor)];
    const scaled = format === "JPEG" ? await decodedScaled(file, small_width, small_height) : null;
    if (scaled !== null) return scaled;
    return await createImageBitmap(file, { ...options, resizeWidth: small_width, resizeQuality: "medium" });
  } catch (error) {
    if (error instanceof DOMException || error instanceof TypeError) throw damaged(file, format);
    throw error;
  }
}

/** Let the decoder itself make the picture smaller, which needs no memory for the whole; null where it cannot. */
async function decodedScaled(file: File, width: number, height: number): Promise<VideoFrame | null> {
  if (!("ImageDecoder" in globalThis)) return null;
  const options = { data: file.stream(), type: "image/jpeg", desiredWidth: width, desiredHeight: height };
  const decoder = new ImageDecoder({ ...options, colorSpaceConversion: "none" });
  try {
    return (await decoder.decode()).image;
  } finally {
    decoder.close();
  }
}

function pixels(drawable: ImageBitmap | VideoFrame): Picture {
  const size: Size =
    drawable instanceof ImageBitmap
      ? [drawable.width, drawable.height]
      : [drawable.displayWidth, drawable.displayHeight];
  try {
    return reader(size)((context) => context.drawImage(drawable, 0, 0));
  } finally {
    drawable.close();
  }
}
