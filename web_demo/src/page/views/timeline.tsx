/** The moments of a video, in lanes; a click shows one. */
import { useEffect, useRef, useState } from "preact/hooks";
import { texts } from "../../texts/index.ts";
import { clock, timeRange } from "../rules/format.ts";
import { lanes, type Mark } from "../rules/lanes.ts";
import { type Seen, seenIn } from "../rules/seen.ts";
import type { Item } from "../state.ts";
import { useSession } from "./session_context.ts";

/** Smallest width of a mark, in CSS pixels (WCAG 2.2, 2.5.8 asks for 24). */
const NARROWEST_PX = 28;

export function Timeline({ item, time }: { item: Item; time: number }) {
  const [line, width] = useWidth();
  const source = item.found?.document.sources[0];
  const things = seenIn(item);
  if (item.kind !== "video" || !source) return null;
  const duration = source.duration_s ?? Math.max(0, ...things.map(({ end_s }) => end_s));
  const marks = lanes(things, duration, NARROWEST_PX / Math.max(width, NARROWEST_PX));
  const height = 1 + Math.max(0, ...marks.map(({ lane }) => lane));
  return (
    <div class="timeline">
      <div class="title">
        <h2 class="small-heading">{texts.timeline.heading}</h2>
        <span class="quiet small" aria-hidden="true">
          {clock(time)} / {clock(duration)}
        </span>
      </div>
      <ul ref={line} style={{ "--lanes": String(height) }}>
        {marks.map((mark) => (
          <Moment key={mark.span.id} item={item} mark={mark} />
        ))}
        <li class="playhead" aria-hidden="true" style={{ left: `${Math.min(100, (100 * time) / Math.max(duration, 1e-3))}%` }} />
      </ul>
    </div>
  );
}

function Moment({ item, mark: { span, lane, left, width } }: { item: Item; mark: Mark<Seen> }) {
  const { session, state } = useSession();
  const title = span.tag?.title ?? texts.timeline.unknown;
  const decision = span.tag && state.decisions.get(span.tag.tag_id);
  const look = [span.tag?.status ?? "unmatched", decision?.kind ?? "", state.lit === span.id ? "lit" : ""].join(" ");
  return (
    <li style={{ left: `${100 * left}%`, width: `${100 * width}%`, "--lane": String(lane) }}>
      <button
        type="button"
        class={`moment ${look}`}
        title={title}
        aria-label={texts.timeline.moment(title, timeRange(span.start_s, span.end_s))}
        onClick={() => session.show(item.key, span.best_s)}
        onPointerEnter={() => session.light(span.id)}
        onPointerLeave={() => session.light(null)}
        onFocus={() => session.light(span.id)}
        onBlur={() => session.light(null)}
      >
        <span>{title}</span>
      </button>
    </li>
  );
}

/** The width of an element in CSS pixels, followed. */
function useWidth(): [(element: HTMLUListElement | null) => void, number] {
  const [width, setWidth] = useState(400);
  const observer = useRef<ResizeObserver | null>(null);
  useEffect(() => () => observer.current?.disconnect(), []);
  const [attach] = useState(() => (element: HTMLUListElement | null) => {
    observer.current?.disconnect();
    if (!element) return;
    observer.current = new ResizeObserver(([entry]) => entry && setWidth(entry.contentRect.width));
    observer.current.observe(element);
  });
  return [attach, width];
}
