/** What the pipeline needs of a file: a picture, or glances at a video with times, and how reading went. */
import type { Picture, Size } from "./picture.ts";

interface Opened {
  /** Width and height as it is shown; boxes are given in its pixels. */
  readonly resolution_wh: Size;
  readonly duration_s: number | null;
  /** Frames that were read. */
  frames_decoded: number;
  /** Why reading ended early, one sentence; what was readable has been yielded. */
  error: string | null;
  close(): void;
}

/** A picture as it is shown; a very large one is read at a reduced size. */
export interface Photo extends Opened {
  readonly kind: "image";
  readonly picture: Picture;
}

/** A frame of which little is known before it is asked for, until the next one is. */
export interface Glance {
  /** Seconds from the start of the video, from the stream's own clock. */
  readonly timestamp_s: number;
  /** Whether no other one follows. */
  readonly is_last: boolean;
  /** The whole frame in small, as it is stored: at most 64 cells a side, one byte each. */
  readonly grey: Uint8Array;
  /** Pixels of the longer side of its whole picture. */
  readonly longer_side: number;
  /**
   * The frame as it is shown; a very large one is read at a reduced size. A number says how many pixels suffice for the
   * longer side: a picture of at least twice as many is divided by a whole number.
   */
  picture(least_side: number | null): Promise<Picture>;
}

/** A video; it can be read once. */
export interface Stream extends Opened {
  readonly kind: "video";
  /**
   * The first frame and then the first one at or after each further `every_s` seconds (0: all); where it `hurries`, of
   * the frames that others build on.
   */
  glances(every_s: number, hurries: boolean): AsyncGenerator<Glance, void, void>;
}

export type Source = Photo | Stream;
