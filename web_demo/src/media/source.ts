/** What the pipeline needs of any source of pictures: frames with times, and how reading went. */
import type { Picture, Size } from "./picture.ts";

/** One picture of a source, as it is shown; a very large one is read at a reduced size. */
export interface Frame {
  /** Seconds from the start of the source, from the stream's own clock. */
  readonly timestamp_s: number;
  readonly picture: Picture;
}

/** A picture or a video that has been opened. `frames` can be read once; the rest is told while it is read. */
export interface Source {
  readonly kind: "image" | "video";
  /** Width and height as it is shown; boxes are given in its pixels. */
  readonly resolution_wh: Size;
  readonly duration_s: number | null;
  frames_decoded: number;
  /** Why reading ended early, one sentence; what was readable has been yielded. */
  error: string | null;
  /** The first frame and then the first one at or after each further `every_s` seconds (0: all). */
  frames(every_s: number): AsyncGenerator<Frame, void, void>;
  close(): void;
}
