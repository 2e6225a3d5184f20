/** Everything that was found, file by file: suggestions to decide on, then the objects that no product is like. */
import { useRef } from "preact/hooks";
import { texts } from "../../texts/index.ts";
import { type Seen, seenIn } from "../rules/seen.ts";
import type { Item, State } from "../state.ts";
import { useSession } from "./session_context.ts";
import { SuggestionCard } from "./suggestion.tsx";
import { UnmatchedObjects } from "./unmatched.tsx";

export function Suggestions() {
  const { state } = useSession();
  const list = useRef<HTMLDivElement>(null);
  const items = state.items.filter(({ found }) => found !== null);
  if (items.length === 0) return state.identify && isBusy(state) ? <p class="hint quiet">{texts.suggestions.waiting}</p> : null;
  const seen = items.flatMap((item) => seenIn(item).map((thing) => ({ item, thing })));
  const tags = seen.filter(({ thing }) => thing.tag);
  return (
    <section class="suggestions" aria-labelledby="suggestions">
      <Heading tags={tags.map(({ thing }) => thing)} />
      {tags.length === 0 && <Nothing busy={isBusy(state)} />}
      <div ref={list} class="suggestion-list">
        {items.map((item) => (
          <OfOneFile key={item.key} item={item} named={items.length > 1} goOn={(id, how) => focusNext(list.current, id, how)} />
        ))}
      </div>
      <UnmatchedObjects seen={seen.filter(({ thing }) => !thing.tag)} />
    </section>
  );
}

function Heading({ tags }: { tags: readonly Seen[] }) {
  const { session, state } = useSession();
  const open = tags.filter(({ tag }) => !state.decisions.has(tag!.tag_id));
  const sure = open.filter(({ tag }) => tag!.status === "match").length;
  return (
    <div class="title">
      <div>
        <h2 id="suggestions">{texts.suggestions.heading}</h2>
        {tags.length > 0 && (
          <p class="quiet small" role="status">
            {texts.suggestions.progress(tags.length - open.length, tags.length)}
          </p>
        )}
      </div>
      {sure > 1 && (
        <button type="button" onClick={() => void session.deciding.acceptSure()}>
          {texts.suggestions.acceptSure(sure)}
        </button>
      )}
    </div>
  );
}

function Nothing({ busy }: { busy: boolean }) {
  if (busy) return <p class="hint quiet">{texts.suggestions.waiting}</p>;
  return (
    <div class="card nothing">
      <h3>{texts.suggestions.none}</h3>
      <p class="quiet">{texts.suggestions.noneWhy}</p>
    </div>
  );
}

interface OfOneFileProps {
  item: Item;
  named: boolean;
  goOn: (id: string, byKey: boolean) => void;
}

function OfOneFile({ item, named, goOn }: OfOneFileProps) {
  const { session } = useSession();
  const tagged = seenIn(item).filter(({ tag }) => tag);
  if (tagged.length === 0) return null;
  return (
    <>
      {named && (
        <h3 class="small-heading">
          <button type="button" class="plain small" onClick={() => session.choosing.select(item.key)}>
            {item.name}
          </button>
        </h3>
      )}
      {tagged.map((thing) => (
        <SuggestionCard key={thing.id} item={item} seen={thing} goOn={goOn} />
      ))}
    </>
  );
}

function isBusy({ items, readiness }: State): boolean {
  return readiness === "loading" || items.some(({ stage }) => stage === "working");
}

/** After a decision, go to the next suggestion that waits for one; by pointer without moving what is seen. */
function focusNext(list: HTMLElement | null, id: string, byKey: boolean): void {
  setTimeout(() => {
    const cards = [...(list?.querySelectorAll<HTMLElement>("[data-tag]") ?? [])];
    const here = cards.findIndex(({ dataset }) => dataset.tag === id);
    const order = [...cards.slice(here + 1), ...cards.slice(0, here)];
    const next = order.find(({ dataset }) => dataset.decided === "false") ?? cards[here];
    next?.querySelector<HTMLElement>("[data-first]")?.focus({ preventScroll: !byKey });
  }, 0);
}
