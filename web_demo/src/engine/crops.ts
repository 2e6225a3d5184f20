/** Cut detected objects out of a picture; see `edge/crops.py`. */
import type { Picture, Region } from "../media/picture.ts";
import { type Boxes, clip } from "./geometry.ts";

/**
 * Return one region for each box, at least 1 x 1 pixel, clipped to the picture.
 *
 * Each side of a box is moved outwards by `margin` times the box's width or height, 0..1.
 */
export function cutCrops(picture: Picture, boxes: Boxes, margin = 0): Region[] {
  const wide = new Float32Array(boxes.length);
  const share = Math.fround(margin);
  for (let i = 0; i < boxes.length; i += 4) {
    for (let side = 0; side < 2; side++) {
      const moved = Math.fround(Math.fround(boxes[i + side + 2]! - boxes[i + side]!) * share);
      wide[i + side] = boxes[i + side]! - moved;
      wide[i + side + 2] = boxes[i + side + 2]! + moved;
    }
  }
  const clipped = clip(wide, [picture.width, picture.height]);
  return Array.from({ length: boxes.length / 4 }, (_, i) => {
    const left = Math.min(Math.floor(clipped[i * 4]!), picture.width - 1);
    const top = Math.min(Math.floor(clipped[i * 4 + 1]!), picture.height - 1);
    const right = Math.max(Math.ceil(clipped[i * 4 + 2]!), left + 1);
    const bottom = Math.max(Math.ceil(clipped[i * 4 + 3]!), top + 1);
    return { left, top, width: right - left, height: bottom - top };
  });
}
