/** The switch "Identify similar objects", how far the search is, and what runs it. */
import { useId } from "preact/hooks";
import { language, texts } from "../../texts/index.ts";
import { sentence } from "../problems.ts";
import { clock, roughly, size, whole } from "../rules/format.ts";
import type { Item, State } from "../state.ts";
import { useSession } from "./session_context.ts";

export function IdentifyCard() {
  const { session, state } = useSession();
  const what = useId();
  return (
    <section class="card identify" aria-label={texts.identify.switch}>
      <label class="switch">
        <span class="switch-label">{texts.identify.switch}</span>
        <input
          type="checkbox"
          role="switch"
          checked={state.identify}
          aria-describedby={what}
          onChange={(event) => session.identifying.switch(event.currentTarget.checked)}
        />
      </label>
      <p id={what} class="quiet">
        {texts.identify.what}
      </p>
      {state.identify && <Work />}
      <Reports />
      {state.capabilities && state.identify && <How />}
    </section>
  );
}

/** What is being done now. */
function Work() {
  const { session, state } = useSession();
  const working = state.items.find(({ stage }) => stage === "working");
  if (!working && state.readiness !== "loading") return <Rest state={state} />;
  return (
    <div class="work">
      <div class="title">
        <p role="status">{working ? texts.identify.working(working.name) : texts.identify.loading}</p>
        <button type="button" onClick={() => session.identifying.cancel()}>
          {texts.identify.cancel}
        </button>
      </div>
      {working ? <Search item={working} /> : <Loading state={state} />}
    </div>
  );
}

function Rest({ state: { items, readiness } }: { state: State }) {
  if (items.length === 0) return readiness === "ready" ? <p role="status">{texts.identify.ready}</p> : null;
  if (!items.every(({ stage }) => stage === "done")) return null;
  const tags = items.flatMap(({ found }) => found?.document.sources ?? []).flatMap(({ tags }) => tags);
  return <p role="status">{texts.identify.done(tags.length)}</p>;
}

function Loading({ state: { loading } }: { state: State }) {
  const label = loading?.total_bytes
    ? texts.identify.loadingBytes(size(loading.received_bytes), size(loading.total_bytes))
    : texts.identify.loading;
  const value = loading?.total_bytes ? { value: loading.received_bytes, max: loading.total_bytes } : {};
  return (
    <>
      <progress aria-label={texts.identify.loading} {...value} />
      {loading?.total_bytes ? <p class="quiet small">{label}</p> : null}
    </>
  );
}

function Search({ item: { name, kind, progress } }: { item: Item }) {
  if (kind === "image" || !progress) return <progress aria-label={texts.identify.working(name)} />;
  const { done_s, duration_s, left_s, paused } = progress;
  const known = duration_s !== null && duration_s > 0;
  return (
    <>
      <progress aria-label={texts.identify.working(name)} {...(known ? { value: done_s, max: duration_s } : {})} />
      <p class="quiet small title">
        <span>{known ? texts.identify.of(clock(done_s), clock(duration_s)) : clock(done_s)}</span>
        <span>
          {paused ? texts.identify.paused : left_s === null ? texts.identify.counting : texts.identify.left(roughly(left_s))}
        </span>
      </p>
    </>
  );
}

/** What became of files that did not simply go well, one sentence each. */
function Reports() {
  const { state } = useSession();
  const reports = state.items.flatMap((item) => {
    const text = report(item);
    return text ? [{ item, text }] : [];
  });
  if (reports.length === 0) return null;
  return (
    <ul class="reports">
      {reports.map(({ item, text }) => (
        <Report key={item.key} item={item} text={text} />
      ))}
    </ul>
  );
}

function Report({ item, text }: { item: Item; text: string }) {
  const { session, state } = useSession();
  return (
    <li class={item.stage === "failed" ? "bad" : ""}>
      <p role="status">
        {state.items.length > 1 && !text.includes(item.name) && <strong>{item.name}: </strong>}
        {text}
      </p>
      {item.file && item.stage !== "done" && (
        <button type="button" class="small" onClick={() => void session.identifying.again(item.key)}>
          {item.stage === "failed" ? texts.identify.retry : texts.identify.goOn}
        </button>
      )}
    </li>
  );
}

function report({ stage, problem, found }: Item): string | null {
  const source = found?.document.sources[0];
  if (stage === "failed") return problem ? sentence(problem) : texts.identify.failed;
  if (stage === "cancelled") return texts.identify.cancelled;
  if (stage === "interrupted") return texts.identify.interrupted;
  if (stage === "done" && source?.partial) return [texts.identify.partial, source.error].filter(Boolean).join(" ");
  return null;
}

function How() {
  const { state } = useSession();
  const can = state.capabilities!;
  const yes = (there: boolean) => (there ? texts.identify.yes : texts.identify.no);
  const ms = can.measured_ms[can.chosen];
  return (
    <details class="how">
      <summary>{texts.identify.how}</summary>
      {language === "en" && <p>{can.sentence}</p>}
      <dl>
        <dt>{texts.identify.way}</dt>
        <dd>{texts.identify[can.chosen]}</dd>
        {ms !== undefined && <dt>{texts.identify.speed}</dt>}
        {ms !== undefined && <dd>{texts.identify.milliseconds(ms.toFixed(0))}</dd>}
        <dt>{texts.identify.threads}</dt>
        <dd>{whole(can.threads)}</dd>
        <dt>{texts.identify.simd}</dt>
        <dd>{yes(can.simd)}</dd>
        <dt>{texts.identify.gpu}</dt>
        <dd>{yes(can.webgpu)}</dd>
        <dt>{texts.identify.catalogs}</dt>
        {state.catalogs.map(({ name }) => (
          <dd key={name.sha256}>{texts.identify.catalog(name.catalog, name.version, whole(name.items))}</dd>
        ))}
      </dl>
    </details>
  );
}
