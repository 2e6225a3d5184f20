/** The detector families that the browser decodes: one file and one line each. */
import { decodedBoxes } from "./decoded_boxes.ts";
import type { Decode } from "./family.ts";
import { fcos } from "./fcos.ts";
import { yolov8 } from "./yolov8.ts";
import { yolox } from "./yolox.ts";

export const FAMILIES: Readonly<Record<string, Decode>> = { fcos, yolox, yolov8, decoded_boxes: decodedBoxes };
