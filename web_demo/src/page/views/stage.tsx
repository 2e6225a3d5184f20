/** The picture or video with boxes that follow what was seen, its moments, and the other files of the post. */
import { useEffect, useRef, useState } from "preact/hooks";
import { texts } from "../../texts/index.ts";
import { boxesAt, type Seen, seenIn } from "../rules/seen.ts";
import type { Item } from "../state.ts";
import { FileButton, Picker } from "./chooser.tsx";
import { Cross, Film, Picture } from "./icons.tsx";
import { useSession } from "./session_context.ts";
import { Timeline } from "./timeline.tsx";

export function StageCard() {
  const { state } = useSession();
  const item = state.items.find(({ key }) => key === state.selected) ?? state.items[0]!;
  const [time, setTime] = useState(0);
  return (
    <section class="stage" aria-label={item.name}>
      <Screen key={item.key} item={item} time={time} heard={setTime} />
      <Timeline item={item} time={time} />
      <Strip />
    </section>
  );
}

interface ScreenProps {
  item: Item;
  time: number;
  heard: (time_s: number) => void;
}

function Screen({ item, time, heard }: ScreenProps) {
  const source = item.found?.document.sources[0];
  const [width, height] = source?.resolution_wh ?? [0, 0];
  const [measured, setMeasured] = useState(16 / 9);
  const [broken, setBroken] = useState(false);
  useEffect(() => heard(0), [item.key]);
  if (item.url === null) return <ChooseAgain item={item} />;
  if (broken) return <Unplayable item={item} />;
  const ratio = width && height ? width / height : measured;
  const media = { item, measured: setMeasured, broken: () => setBroken(true), heard };
  return (
    <div class="screen" style={{ "--ratio": String(ratio) }}>
      {item.kind === "video" ? <Video {...media} /> : <Photo {...media} />}
      <Boxes things={seenIn(item)} time={time} size={[width, height]} />
    </div>
  );
}

interface MediaProps {
  item: Item;
  measured: (ratio: number) => void;
  broken: () => void;
  heard: (time_s: number) => void;
}

/** Shows the first moment that was found, unless somebody has already gone elsewhere. */
function Video({ item, measured, broken, heard }: MediaProps) {
  const { state } = useSession();
  const video = useRef<HTMLVideoElement>(null);
  const { moment } = state;
  useEffect(() => followFrames(video.current!, heard), [item.key]);
  useEffect(() => {
    if (moment.key === item.key && video.current) video.current.currentTime = moment.time_s;
  }, [moment.count, item.key]);
  const first = seenIn(item).find(({ tag }) => tag);
  useEffect(() => {
    const { current } = video;
    if (first && current?.paused && current.currentTime === 0) current.currentTime = first.best_s;
  }, [first?.id]);
  const loaded = () => measured(video.current!.videoWidth / Math.max(1, video.current!.videoHeight));
  return (
    <video
      ref={video}
      src={item.url!}
      controls
      playsInline
      preload="metadata"
      aria-label={item.name}
      onLoadedMetadata={loaded}
      onError={broken}
    />
  );
}

/** Tell the time of every frame that is shown; returns how to stop. */
function followFrames(video: HTMLVideoElement, heard: (time_s: number) => void): () => void {
  let frame = 0;
  const tell = () => heard(video.currentTime);
  const next = (_: number, { mediaTime }: VideoFrameCallbackMetadata) => {
    heard(mediaTime);
    frame = video.requestVideoFrameCallback(next);
  };
  frame = video.requestVideoFrameCallback(next);
  video.addEventListener("seeked", tell);
  return () => {
    video.cancelVideoFrameCallback(frame);
    video.removeEventListener("seeked", tell);
  };
}

function Photo({ item, measured, broken }: MediaProps) {
  const loaded = ({ currentTarget: { naturalWidth, naturalHeight } }: { currentTarget: HTMLImageElement }) =>
    measured(naturalWidth / Math.max(1, naturalHeight));
  return <img src={item.url!} alt={item.name} onLoad={loaded} onError={broken} />;
}

interface BoxesProps {
  things: readonly Seen[];
  time: number;
  size: readonly [number, number];
}

/** Drawn over the picture; hidden from screen readers, which have the suggestions in words. */
function Boxes({ things, time, size: [width, height] }: BoxesProps) {
  const { session, state } = useSession();
  const share = (value: number, of: number) => `${Math.min(100, Math.max(0, (100 * value) / of))}%`;
  return (
    <div class="boxes" aria-hidden="true">
      {boxesAt(things, time).map(({ seen: { id, tag }, box: [x0, y0, x1, y1] }) => {
        const decision = tag && state.decisions.get(tag.tag_id);
        if (decision?.kind === "rejected") return null;
        const title = decision?.corrected_to ? session.product(decision.corrected_to, "")?.record.title : tag?.title;
        const look = [tag?.status ?? "unmatched", decision ? "decided" : "", state.lit === id ? "lit" : ""].join(" ");
        const place = {
          left: share(x0, width),
          top: share(y0, height),
          right: share(width - x1, width),
          bottom: share(height - y1, height),
        };
        return (
          <div key={id} class={`box ${look}`} style={place}>
            {tag && <span>{title}</span>}
          </div>
        );
      })}
    </div>
  );
}

function ChooseAgain({ item }: { item: Item }) {
  const { session } = useSession();
  const [wrong, setWrong] = useState(false);
  const take = ([file]: File[]) => setWrong(file !== undefined && !session.choosing.again(item.key, file));
  return (
    <div class="screen empty">
      <p role={wrong ? "alert" : undefined}>{wrong ? texts.choose.another(item.name) : texts.choose.againWhy(item.name)}</p>
      <Picker label={texts.choose.again(item.name)} take={take} />
    </div>
  );
}

function Unplayable({ item }: { item: Item }) {
  return (
    <div class="screen empty">
      <Film />
      <p>{texts.choose.unplayable(item.name)}</p>
    </div>
  );
}

/** All files of the post, and a button for more. */
function Strip() {
  const { session, state } = useSession();
  return (
    <ul class="strip" aria-label={texts.choose.strip}>
      {state.items.map((item) => (
        <li key={item.key} class={item.stage}>
          <button
            type="button"
            class="strip-item"
            aria-pressed={item.key === state.selected}
            onClick={() => session.choosing.select(item.key)}
          >
            {item.kind === "image" && item.url ? <img src={item.url} alt="" /> : item.kind === "image" ? <Picture /> : <Film />}
            <span>{item.name}</span>
          </button>
          <button
            type="button"
            class="round"
            aria-label={texts.choose.remove(item.name)}
            onClick={() => session.removeItem(item.key)}
          >
            <Cross />
          </button>
        </li>
      ))}
      <li class="more">
        <FileButton label={texts.choose.more} />
      </li>
    </ul>
  );
}
