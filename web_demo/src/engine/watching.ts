/** Watch a video: follow what its looks find, and ask of each track that ends what it is; see `edge/watching.py`. */
import { type Picture, type Region, type Size, whole } from "../media/picture.ts";
import type { Glance } from "../media/source.ts";
import { resized } from "./crop_pictures.ts";
import { cutCrops } from "./crops.ts";
import { quantize } from "./gallery.ts";
import { row, scaled } from "./geometry.ts";
import { CANDIDATES, type Kit, lap, type Watch } from "./kit.ts";
import { rint } from "../rounding.ts";
import { follow, WEAK_SHARE } from "./tracks/following.ts";
import { name, type Named, namedBy, type Told } from "./tracks/naming.ts";
import { measure, type Seen } from "./tracks/seen.ts";
import type { Pick, Track } from "./tracks/track.ts";

/** A picture is looked at, and a crop kept, at no less than twice the input of the model if it can be had. */
const SPARE = 2;

/** Looks at the frames of one video. */
export interface Eye {
  /** Look at a frame, `is_cut` where the video was cut since the last one; says whether an object came, or was missed. */
  look(glance: Glance, is_cut: boolean): Promise<boolean>;
  /** Note that up to this time the picture is as it was at the last look. */
  stay(timestamp_s: number): void;
  /** What is known so far; of a track that goes on, by the crops that were asked, or the best one. */
  soFar(): Promise<Named[]>;
  /** What was found: the video has ended. */
  close(): Promise<Named[]>;
}

/** Start with nothing seen; boxes are given in pixels of a video of this size as it is shown. */
export function eyeOf(kit: Kit, resolution_wh: Size, watch: Watch): Eye {
  const confident = kit.bundle.detector.decoding.score_threshold;
  const following = follow(confident);
  const told = new WeakMap<Pick, Told>();
  const named: Named[] = [];

  async function ask(pick: Pick): Promise<Told> {
    const known = told.get(pick);
    if (known !== undefined) return known;
    const [embedding] = await lap(watch, "embed", kit.embedder.embed(pick.crop, [whole(pick.crop)]));
    const start = performance.now();
    const vector = quantize(embedding!);
    const answer = { candidates: kit.gallery.search(vector, CANDIDATES), vector };
    watch.search += performance.now() - start;
    told.set(pick, answer);
    return answer;
  }

  async function nameAll(tracks: readonly Track[]): Promise<void> {
    for (const track of tracks) named.push(await name(track, ask, kit.matchings));
  }

  async function look({ timestamp_s, longer_side, picture }: Glance, is_cut: boolean): Promise<boolean> {
    const small = await lap(watch, "decode", picture(SPARE * Math.max(...kit.bundle.detector.preprocessing.size_wh)));
    const found = await lap(watch, "detect", kit.detector.detect(small, WEAK_SHARE * confident));
    const is_whole = Math.max(small.width, small.height) >= longer_side || found.confidence.length === 0;
    const all = is_whole ? small : await lap(watch, "decode", picture(null));
    const start = performance.now();
    const xyxy = scaled(found.xyxy, all.width / small.width);
    const crops = cutCrops(all, xyxy, kit.bundle.embedder.crop_margin);
    const boxes = scaled(xyxy, resolution_wh[0] / all.width);
    const seen = crops.map((crop, i): Seen => {
      const one = { xyxy: row(boxes, i), confidence: found.confidence[i]! };
      return one.confidence < confident ? { ...one, sharpness: 0, patch: null } : { ...one, ...measure(all, crop) };
    });
    const keep = (place: number) => kept(kit, all, crops[place]!);
    const { ended, restless } = following.observe(timestamp_s, resolution_wh, seen, keep, is_cut);
    watch.detect += performance.now() - start;
    await nameAll(ended);
    return restless;
  }

  return {
    look,
    stay: (timestamp_s) => following.stay(timestamp_s),
    async soFar() {
      const going: Named[] = [];
      for (const track of following.live().filter(({ picks }) => picks.length > 0)) {
        const asked = track.picks.filter((pick) => told.has(pick));
        if (asked.length === 0) asked.push(track.picks.reduce((best, one) => (one.quality > best.quality ? one : best)));
        const answers: (Told & { pick: Pick })[] = [];
        for (const pick of asked) answers.push({ pick, ...(await ask(pick)) });
        going.push(namedBy(track, answers, kit.matchings));
      }
      return [...named, ...going];
    },
    async close() {
      await nameAll(following.live());
      return named;
    },
  };
}

/** Return a copy of a crop that does not hold the whole frame in memory. */
function kept(kit: Kit, picture: Picture, region: Region): Picture {
  const side = SPARE * Math.max(...kit.bundle.embedder.preprocessing.size_wh);
  const scale = Math.min(1, side / Math.max(region.height, region.width));
  return resized(picture, region, [Math.max(1, rint(region.width * scale)), Math.max(1, rint(region.height * scale))]);
}
