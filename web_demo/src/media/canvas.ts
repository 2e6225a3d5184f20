/** From what a browser can draw to bytes. */
import { failure } from "../problem.ts";
import type { Picture, Size } from "./picture.ts";

export type Drawing = (context: OffscreenCanvasRenderingContext2D) => void;

/** A canvas that is drawn on and read again and again, in the processor's memory; transparent parts lie on white. */
export function reader([width, height]: Size): (draw: Drawing) => Picture {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true, alpha: false });
  if (context === null) {
    throw failure("no_canvas", "This browser cannot read pictures here: open the page in a current browser.");
  }
  context.imageSmoothingQuality = "medium"; // means of what a pixel covers, where a picture is drawn smaller
  return (draw) => {
    context.fillStyle = "#ffffff";
    context.fillRect(0, 0, width, height);
    draw(context);
    return { width, height, rgba: context.getImageData(0, 0, width, height).data };
  };
}
