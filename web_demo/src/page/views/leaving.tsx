/** What leaves this device: exactly, before anything does. */
import { useId, useState } from "preact/hooks";
import type { DecisionEvent } from "../../contract.ts";
import { texts } from "../../texts/index.ts";
import { sentence } from "../problems.ts";
import { size } from "../rules/format.ts";
import type { State } from "../state.ts";
import { Lock, Send } from "./icons.tsx";
import { useSession } from "./session_context.ts";

export function LeavingCard() {
  const { state } = useSession();
  const heading = useId();
  const { events, bytes } = state.waiting;
  return (
    <section class="card leaving" aria-labelledby={heading}>
      <h2 id={heading}>{texts.leaving.heading}</h2>
      <p class="never quiet">
        <Lock /> {texts.leaving.never}
      </p>
      {events.length === 0 ? <Nothing /> : <Waits count={events.length} bytes={bytes} />}
      {state.enrolled ? <SendNow /> : <Connect />}
      <Outcome />
    </section>
  );
}

function Nothing() {
  const { state } = useSession();
  if (state.sending.sent > 0) return null;
  const text = state.decisions.size > 0 ? texts.leaving.nothing : texts.leaving.nothingYet;
  return <p>{text}</p>;
}

function Waits({ count, bytes }: { count: number; bytes: number }) {
  const { state } = useSession();
  return (
    <>
      <p class="waits">{texts.leaving.waiting(count, size(bytes))}</p>
      <p class="quiet small">{texts.leaving.exact}</p>
      <ul class="events">
        {inOrderOfThePost(state).map((event) => (
          <li key={event.tag_id}>
            <EventDetails event={event} />
          </li>
        ))}
      </ul>
    </>
  );
}

/** A decision that is changed is a new event: it keeps its place here. */
function inOrderOfThePost({ items, waiting }: State): DecisionEvent[] {
  const shown = items.flatMap(({ found }) => found?.shown ?? []).map(({ id }) => id);
  return [...waiting.events].sort((a, b) => shown.indexOf(a.tag_id) - shown.indexOf(b.tag_id));
}

function EventDetails({ event }: { event: DecisionEvent }) {
  const { session } = useSession();
  const title = (product_id: string) => session.product(product_id, event.catalog)?.record.title ?? product_id;
  const { kind, product_id, corrected_to } = event;
  const said =
    kind === "corrected" ? texts.leaving.corrected(title(product_id), title(corrected_to ?? "")) : texts.leaving[kind](title(product_id));
  const bytes = new TextEncoder().encode(JSON.stringify(event)).length;
  return (
    <details>
      <summary>
        <span>
          {said} <span class="quiet small">{texts.leaving.bytes(size(bytes))}</span>
        </span>
      </summary>
      <table>
        <tbody>
          {Object.entries(event).map(([field, value]) => (
            <tr key={field}>
              <th scope="row">
                <code>{field}</code>
                <span class="quiet">{texts.leaving.fields[field as keyof typeof texts.leaving.fields]}</span>
              </th>
              <td>{value === null ? <span class="quiet">{texts.leaving.none}</span> : <code>{String(value)}</code>}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {kind !== "rejected" && session.deciding.sharable(event.tag_id) && <Share event={event} title={title(product_id)} />}
    </details>
  );
}

/** The creator's consent to one vector, for one decision, off unless it is given. */
function Share({ event, title }: { event: DecisionEvent; title: string }) {
  const { session } = useSession();
  const why = useId();
  return (
    <div class="share">
      <label>
        <input
          type="checkbox"
          checked={event.embedding !== null}
          aria-label={texts.leaving.shareAs(title)}
          aria-describedby={why}
          onChange={({ currentTarget }) => void session.deciding.share(event.tag_id, currentTarget.checked)}
        />
        <span>{texts.leaving.share}</span>
      </label>
      <p id={why} class="quiet small">
        {texts.leaving.shareWhy}
      </p>
    </div>
  );
}

function SendNow() {
  const { session, state } = useSession();
  const { events, bytes } = state.waiting;
  if (events.length === 0) return <p class="quiet small">{texts.leaving.connected}</p>;
  return (
    <div class="row">
      <button type="button" class="primary" disabled={state.sending.busy} onClick={() => void session.sending.send()}>
        <Send /> {state.sending.busy ? texts.leaving.sending : texts.leaving.send(events.length, size(bytes))}
      </button>
    </div>
  );
}

function Outcome() {
  const { state } = useSession();
  const { sent, refused, later, problem, busy } = state.sending;
  return (
    <div role="status">
      {!busy && sent > 0 && <p class="good">{texts.leaving.sent(sent)}</p>}
      {!busy && refused > 0 && <p class="bad">{texts.leaving.refused(refused)}</p>}
      {!busy && later && state.waiting.events.length > 0 && <p class="doubt">{texts.leaving.later}</p>}
      {!busy && problem && <p class="bad">{sentence(problem)}</p>}
    </div>
  );
}

function Connect() {
  const { session, state } = useSession();
  const [code, setCode] = useState("");
  const why = useId();
  const { busy, problem } = state.enrolling;
  const submit = (event: Event) => {
    event.preventDefault();
    if (code.trim()) void session.sending.connect(code);
  };
  return (
    <details class="connect" open={state.waiting.events.length > 0 || problem !== null}>
      <summary>{texts.leaving.connect}</summary>
      <form onSubmit={submit}>
        <p id={why} class="quiet small">
          {texts.leaving.connectWhy}
        </p>
        <div class="row">
          <label class="field">
            <span>{texts.leaving.code}</span>
            <input
              type="text"
              autocomplete="one-time-code"
              autocapitalize="off"
              spellcheck={false}
              value={code}
              aria-describedby={why}
              onInput={(event) => setCode(event.currentTarget.value)}
            />
          </label>
          <button type="submit" disabled={busy || code.trim() === ""}>
            {busy ? texts.leaving.connecting : texts.leaving.connectButton}
          </button>
        </div>
        {problem && (
          <p class="bad" role="alert">
            {sentence(problem)}
          </p>
        )}
      </form>
    </details>
  );
}
