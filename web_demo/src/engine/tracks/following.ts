/** Tracks of one source, look by look; see `edge/tracks/following.py`. */
import type { Picture, Size } from "../../media/picture.ts";
import { associate } from "./association.ts";
import { qualityOf, type Seen } from "./seen.ts";
import { latest, miss, newTrack, pick, stay, take, type Track, wants } from "./track.ts";

export const LOST_S = 1;
export const LOST_LOOKS = 2;
export const WEAK_SHARE = 0.5;

/** What a look changed. */
export interface News {
  /** Tracks that have not been seen for too long, or that a cut has ended, oldest first. */
  readonly ended: Track[];
  /** Whether a track began, or one was not found that the look before had found. */
  readonly restless: boolean;
}

/** Follows the objects of one source. */
export interface Following {
  /**
   * Take in one look, later than those before it; `seen` none below weak, most confident first; where the video was cut
   * since the look before, every track has ended.
   */
  observe(
    timestamp_s: number,
    resolution_wh: Size,
    seen: readonly Seen[],
    cropOf: (place: number) => Picture,
    is_cut: boolean,
  ): News;
  /** Note that up to this time the picture is as it was at the last look. */
  stay(timestamp_s: number): void;
  /** The tracks that have not ended, oldest first. */
  live(): readonly Track[];
}

/** Start with nothing seen; `confident` is the confidence that starts a track: the detector's threshold. */
export function follow(confident: number): Following {
  let live: Track[] = [];
  let found: Track[] = [];
  return {
    observe(timestamp_s, resolution_wh, seen, cropOf, is_cut) {
      const ended = live.filter((track) => is_cut || isLost(track, timestamp_s));
      live = live.filter((track) => !ended.includes(track));
      const pairs = new Map(associate(live, seen, timestamp_s, confident).map(([t, s]) => [s, live[t]!]));
      const born: Track[] = [];
      seen.forEach((one, place) => {
        const is_confident = one.confidence >= confident;
        let track = pairs.get(place);
        if (track === undefined && is_confident) born.push((track = newTrack()));
        if (track === undefined) return;
        take(track, timestamp_s, one, is_confident);
        const quality = qualityOf(one, resolution_wh);
        if (is_confident && wants(track, timestamp_s, quality)) {
          pick(track, { timestamp_s, xyxy: one.xyxy, quality, crop: cropOf(place) });
        }
      });
      const now = new Set([...pairs.values(), ...born]);
      const missed = found.some((track) => !now.has(track));
      live.filter((track) => !now.has(track)).forEach((track) => miss(track, timestamp_s));
      live = [...live, ...born];
      found = [...now];
      return { ended, restless: born.length > 0 || missed };
    },
    stay: (timestamp_s) => found.forEach((track) => stay(track, timestamp_s)),
    live: () => live,
  };
}

function isLost(track: Track, timestamp_s: number): boolean {
  return timestamp_s - latest(track)[0] > LOST_S && track.missed >= LOST_LOOKS;
}
