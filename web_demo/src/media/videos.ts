/**
 * Video files: frames at times, decoded in order with flat memory; see `edge/media/videos.py`.
 *
 * Containers and codecs are mediabunny's and the browser's. Only what the wanted frames need is decoded; the others are
 * counted by their packets. Times run from the file's earliest track, so that sound stays in step.
 */
import {
  BlobSource,
  EncodedPacketSink,
  Input,
  type InputVideoTrack,
  MATROSKA,
  MP4,
  MPEG_TS,
  QTFF,
  VideoSample,
  VideoSampleSink,
  WEBM,
} from "mediabunny";
import { failure } from "../problem.ts";
import { reader } from "./canvas.ts";
import { greyReader } from "./grey.ts";
import { FULL_SIZE_PIXELS } from "./pictures.ts";
import { type Picture, reduction, type Size } from "./picture.ts";
import { sampling } from "./sampling.ts";
import type { Stream } from "./source.ts";
import { unreferencedIn } from "./unreferenced.ts";

/** Containers that are read; naming them leaves the code of the others out of the page. */
const FORMATS = [MP4, QTFF, WEBM, MATROSKA, MPEG_TS];
/** Packets come in the order of decoding; a frame is shown at most so many packets later (H.264 allows 16). */
const REORDERED_AT_MOST = 32;
/** From so many rows on colours that are not stated are BT.709. */
const UNTAGGED_HD_ROWS = 720;

/** Open a video file; one that cannot be read or decoded is a problem, of which the sentence says why. */
export async function openVideo(file: File): Promise<Stream> {
  const input = new Input({ source: new BlobSource(file), formats: FORMATS });
  try {
    const track = await decodableTrack(input, file);
    const [start_s, end_s] = [await input.getFirstTimestamp(), await track.getDurationFromMetadata()];
    const resolution_wh: Size = [await track.getDisplayWidth(), await track.getDisplayHeight()];
    return streamOf(file, input, track, resolution_wh, start_s, end_s);
  } catch (error) {
    input.dispose();
    throw error;
  }
}

async function decodableTrack(input: Input, file: File): Promise<InputVideoTrack> {
  const values = { file: file.name };
  if (!(await input.canRead())) {
    const sentence = `${file.name} is no picture or video that can be read: choose a JPEG, PNG, WebP, MP4 or WebM file.`;
    throw failure("not_media", sentence, values);
  }
  const track = await readable(file, () => input.getPrimaryVideoTrack());
  if (track === null) {
    if ((await input.getTracks()).length === 0) throw damaged(file, "nothing is in it");
    throw failure("no_video_track", `${file.name} holds no video: choose a file with pictures in it.`, values);
  }
  if (!(await readable(file, () => track.canDecode()))) {
    const codec = (await track.getCodec()) ?? String(await track.getInternalCodecId());
    const sentence =
      `${file.name}: this browser cannot decode its video (${codec}): convert it to H.264 (MP4) or VP9 (WebM).`;
    throw failure("codec_unsupported", sentence, { ...values, codec });
  }
  return track;
}

/** Do something with a file that may turn out to be damaged. */
async function readable<T>(file: File, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    throw damaged(file, error instanceof Error ? error.message : String(error));
  }
}

function damaged(file: File, why: string): Error {
  const sentence = `${file.name}: this video is damaged or cut at its start (${why}): copy or export it again.`;
  return failure("video_damaged", sentence, { file: file.name, why });
}

function streamOf(
  file: File,
  input: Input,
  track: InputVideoTrack,
  resolution_wh: Size,
  start_s: number,
  end_s: number | null,
): Stream {
  const factor = reduction(resolution_wh, FULL_SIZE_PIXELS);
  const [width, height] = [Math.ceil(resolution_wh[0] / factor), Math.ceil(resolution_wh[1] / factor)];
  const stream: Stream = {
    kind: "video",
    resolution_wh,
    duration_s: end_s === null ? null : Math.max(0, end_s - start_s),
    frames_decoded: 0,
    error: null,
    async *glances(every_s, hurries) {
      const greyOf = greyReader();
      const pictureOf = pictureReader([width, height], await isUntaggedSd(track));
      const course: Course = { counted: 0, reached_s: start_s, stopped: null };
      let any = false;
      try {
        const wanted = wantedTimes(track, every_s, hurries, course);
        for await (const [sample, is_last] of shownSamples(track, wanted)) {
          any = true;
          stream.frames_decoded = course.counted;
          const timestamp_s = Math.max(0, sample.timestamp - start_s);
          const [grey, longer_side] = [await greyOf(sample), Math.max(width, height)];
          yield { timestamp_s, is_last, grey, longer_side, picture: (least_side) => pictureOf(sample, least_side) };
        }
      } catch (error) {
        course.stopped ??= error;
      }
      if (!any) throw noFrame(file);
      stream.frames_decoded = course.counted;
      stream.error = whyPartial(file, course, start_s, end_s);
    },
    close: () => input.dispose(),
  };
  return stream;
}

/** Yield the samples at some times, each with whether it is the last, and give the decoder their memory back. */
async function* shownSamples(
  track: InputVideoTrack,
  times: AsyncIterable<number>,
): AsyncGenerator<readonly [VideoSample, boolean], void, void> {
  let waiting: VideoSample | null = null;
  try {
    for await (const sample of new VideoSampleSink(track).samplesAtTimestamps(times)) {
      if (sample === null) continue;
      const before: VideoSample | null = waiting;
      waiting = sample;
      if (before === null) continue;
      try {
        yield [before, false];
      } finally {
        before.close();
      }
    }
    if (waiting !== null) yield [waiting, true];
  } finally {
    waiting?.close();
  }
}

/** Makes pictures of the frames of one stream; keeps a canvas for each size that is asked for. */
function pictureReader([width, height]: Size, is_untagged_sd: boolean) {
  const readers = new Map<number, ReturnType<typeof reader>>();
  return async (sample: VideoSample, least_side: number | null): Promise<Picture> => {
    const divisor = least_side === null ? 1 : Math.max(1, Math.floor(Math.max(width, height) / least_side));
    const size: Size = [Math.ceil(width / divisor), Math.ceil(height / divisor)];
    const read = readers.get(divisor) ?? reader(size);
    readers.set(divisor, read);
    const shown = is_untagged_sd ? await tagged(sample) : sample;
    try {
      return read((context) => shown.draw(context, 0, 0, ...size));
    } finally {
      if (shown !== sample) shown.close();
    }
  };
}

/** How reading goes: frames that have passed, how far it came, and what stopped it. */
interface Course {
  counted: number;
  reached_s: number;
  stopped: unknown;
}

/** Return why reading ended early, one sentence; null where it did not. */
function whyPartial(file: File, { reached_s, stopped }: Course, start_s: number, end_s: number | null): string | null {
  if (stopped !== null) {
    const why = stopped instanceof Error ? stopped.message : String(stopped);
    return `${file.name}: reading stopped early (${why}): what came before was used.`;
  }
  const missing_s = (end_s ?? 0) - reached_s;
  if (end_s === null || missing_s <= Math.max(0.5, 0.01 * (end_s - start_s))) return null;
  const [reached, declared] = [reached_s - start_s, end_s - start_s].map((seconds) => seconds.toFixed(1));
  return (
    `${file.name}: ends after ${reached} s of the ${declared} s that it declares, so it is cut or damaged: ` +
    "what could be read was used."
  );
}

/** Tell whether a video says nothing of its colours and is of fewer rows than those that then are BT.709. */
async function isUntaggedSd(track: InputVideoTrack): Promise<boolean> {
  const { matrix } = await track.getColorSpace();
  return matrix == null && (await track.getCodedHeight()) < UNTAGGED_HD_ROWS;
}

/** Take a frame's colours for BT.601 where the browser guessed; players do so, and `edge/media/showing.py`. */
async function tagged(sample: VideoSample): Promise<VideoSample> {
  const { format, codedWidth, codedHeight, timestamp, rotation, flip, displayWidth, displayHeight } = sample;
  if (format === null || sample.colorSpace.matrix !== "bt709") return sample;
  const planes = new Uint8Array(sample.allocationSize());
  const layout = await sample.copyTo(planes);
  const { visibleRect: visible } = sample;
  const [width, height] = [visible.width || codedWidth, visible.height || codedHeight];
  const colorSpace = { ...sample.colorSpace.toJSON(), matrix: "smpte170m" } as const;
  const said = { timestamp, rotation, flip, displayWidth, displayHeight, layout, colorSpace };
  return new VideoSample(planes, { ...said, format, codedWidth: width, codedHeight: height });
}

/** Yield the times of the frames to look at, from the packets alone, and note how that goes. */
async function* wantedTimes(
  track: InputVideoTrack,
  every_s: number,
  hurries: boolean,
  course: Course,
): AsyncGenerator<number, void, void> {
  const wants = sampling(every_s);
  for await (const timestamp_s of shownTimes(track, hurries, course)) {
    course.counted++;
    if (wants(timestamp_s)) yield timestamp_s;
  }
}

/** Yield the times of frames in the order in which they are shown: of all, or where it hurries without the unreferenced. */
async function* shownTimes(track: InputVideoTrack, hurries: boolean, course: Course): AsyncGenerator<number, void, void> {
  const waiting: number[] = [];
  const isLeftOut = hurries ? unreferencedIn(await track.getDecoderConfig()) : null;
  const packets = new EncodedPacketSink(track).packets(undefined, undefined, { metadataOnly: isLeftOut === null });
  let is_first = true;
  try {
    for await (const { timestamp, duration, data } of packets) {
      course.reached_s = Math.max(course.reached_s, timestamp + duration);
      if (!is_first && isLeftOut?.(data)) continue;
      is_first = false;
      let at = waiting.length;
      while (at > 0 && waiting[at - 1]! > timestamp) at--;
      waiting.splice(at, 0, timestamp);
      if (waiting.length > REORDERED_AT_MOST) yield waiting.shift()!;
    }
  } catch (error) {
    course.stopped = error;
  }
  yield* waiting;
}

function noFrame(file: File): Error {
  const sentence = `${file.name}: no frame of this video can be decoded: it is empty, damaged or cut; copy it again.`;
  return failure("no_frames", sentence, { file: file.name });
}
