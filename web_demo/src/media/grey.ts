/** A frame in small and grey, as `small_grey` of `edge/media/showing.py` makes it. */
import type { VideoSample } from "mediabunny";
import { rint } from "../rounding.ts";
import type { Size } from "./picture.ts";

const GREY_SIDE = 64;
/** Values a side that are read for each cell. */
const FINE = 4;

/** Makes small grey pictures of the frames of one stream; keeps its memory between them. */
export function greyReader(): (sample: VideoSample) => Promise<Uint8Array> {
  let planes = new Uint8Array(0);
  let canvas: OffscreenCanvas | null = null;
  return async (sample) => {
    const { visibleRect, format } = sample;
    const size: Size = [visibleRect.width, visibleRect.height];
    if (format !== null && /^(I4|NV12)/.test(format) && !/P1[02]/.test(format)) {
      const needed = sample.allocationSize();
      if (planes.length < needed) planes = new Uint8Array(needed);
      const [luma] = await sample.copyTo(planes);
      return smallGrey(size, (x, y) => planes[luma!.offset + y * luma!.stride + x]!);
    }
    canvas ??= new OffscreenCanvas(GREY_SIDE * FINE, GREY_SIDE * FINE);
    return drawnGrey(sample, canvas, size);
  };
}

/** Return the small picture of a brightness: the longer side 64 cells, each the mean of 16 values. */
export function smallGrey([width, height]: Size, brightness: (x: number, y: number) => number): Uint8Array {
  const [columns, rows] = cells([width, height]);
  const [across, down] = [width / (columns * FINE), height / (rows * FINE)];
  const grey = new Uint8Array(columns * rows);
  for (let cell = 0; cell < grey.length; cell++) {
    const [left, top] = [(cell % columns) * FINE, Math.floor(cell / columns) * FINE];
    let sum = (FINE * FINE) / 2;
    for (let y = top; y < top + FINE; y++) {
      for (let x = left; x < left + FINE; x++) {
        sum += brightness(Math.floor((x + 0.5) * across), Math.floor((y + 0.5) * down));
      }
    }
    grey[cell] = Math.floor(sum / (FINE * FINE));
  }
  return grey;
}

function cells([width, height]: Size): Size {
  const scale = GREY_SIDE / Math.max(width, height);
  return [Math.max(1, rint(width * scale)), Math.max(1, rint(height * scale))];
}

/** Let the browser make a frame small whose brightness cannot be read as it is. */
function drawnGrey(sample: VideoSample, canvas: OffscreenCanvas, size: Size): Uint8Array {
  const [columns, rows] = cells(size);
  const [width, height] = [columns * FINE, rows * FINE];
  const context = canvas.getContext("2d", { willReadFrequently: true, alpha: false })!;
  context.drawImage(sample.toCanvasImageSource(), 0, 0, width, height);
  const { data } = context.getImageData(0, 0, width, height);
  return smallGrey([width, height], (x, y) => {
    const at = (y * width + x) * 4;
    return 0.299 * data[at]! + 0.587 * data[at + 1]! + 0.114 * data[at + 2]!;
  });
}
