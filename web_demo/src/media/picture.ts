/** Pixels, and places in them. */

/** A picture as it is shown: `rgba` holds height rows of width pixels, 4 bytes each, of which the fourth is not read. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly rgba: Uint8ClampedArray;
}

/** A rectangle of whole pixels inside a picture, at least 1 x 1. */
export interface Region {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

export type Size = readonly [number, number];

/** Return the region that is the whole picture. */
export function whole(picture: Picture): Region {
  return { left: 0, top: 0, width: picture.width, height: picture.height };
}

/** Return the smallest power of two that divides both sides so that the picture has at most so many pixels. */
export function reduction([width, height]: Size, at_most_pixels: number): number {
  let factor = 1;
  while (Math.ceil(width / factor) * Math.ceil(height / factor) > at_most_pixels) factor *= 2;
  return factor;
}
