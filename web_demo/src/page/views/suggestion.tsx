/** One suggestion: what was seen beside what the catalogue shows, why, and what a person says of it. */
import { useState } from "preact/hooks";
import type { Tag } from "../../contract.ts";
import { texts } from "../../texts/index.ts";
import { price, timeRange } from "../rules/format.ts";
import { decidedProduct, type ProductRef } from "../rules/post.ts";
import type { Seen } from "../rules/seen.ts";
import { explainTag, two } from "../rules/wording.ts";
import type { DecisionKind, Item } from "../state.ts";
import { Check, Cross, Play, Search } from "./icons.tsx";
import { CropPicture, ProductPicture } from "./product_picture.tsx";
import { ProductSearch } from "./product_search.tsx";
import { useSession } from "./session_context.ts";

interface CardProps {
  item: Item;
  seen: Seen;
  /** Called when it was decided on; `byKey` where the keyboard did it. */
  goOn: (id: string, byKey: boolean) => void;
}

type Decide = (kind: DecisionKind, corrected_to: string | null, byKey: boolean) => void;

export function SuggestionCard({ item, seen, goOn }: CardProps) {
  const { session, state } = useSession();
  const [changing, setChanging] = useState(false);
  const [searching, setSearching] = useState(false);
  const tag = seen.tag!;
  const catalog = item.found!.document.shards[tag.shard]?.catalog ?? "";
  const decision = state.decisions.get(tag.tag_id);
  const open = !decision || changing;
  const decide: Decide = (kind, corrected_to, byKey) => {
    setChanging(false);
    void session.deciding.decide(kind, tag, corrected_to);
    goOn(seen.id, byKey);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (!open || event.ctrlKey || event.metaKey || event.altKey || (event.target as Element).closest("input, dialog")) return;
    const key = event.key.toLowerCase();
    if (key === "a" && tag.status === "match") decide("accepted", null, true);
    else if (key === "r") decide("rejected", null, true);
    else if (key === "c") setSearching(true);
    else return;
    event.preventDefault();
  };
  const parts = { item, seen, tag, catalog, decide, search: () => setSearching(true) };
  return (
    <article
      class={`card suggestion ${tag.status} ${decision?.kind ?? ""} ${state.lit === seen.id ? "lit" : ""}`}
      data-tag={seen.id}
      data-decided={String(!open)}
      aria-label={tag.title}
      onKeyDown={onKeyDown}
      onPointerEnter={() => session.light(seen.id)}
      onPointerLeave={() => session.light(null)}
    >
      {open ? <Open {...parts} /> : <Decided {...parts} change={() => setChanging(true)} />}
      {searching && (
        <ProductSearch
          title={texts.search.correct}
          closest={tag.alternatives}
          catalog={catalog}
          chosen={({ product_id }) => decide(...correction(tag, product_id), true)}
          closed={() => setSearching(false)}
        />
      )}
    </article>
  );
}

interface Parts {
  item: Item;
  seen: Seen;
  tag: Tag;
  catalog: string;
  decide: Decide;
  search: () => void;
}

function Open(parts: Parts) {
  const { seen, tag, catalog } = parts;
  const { session, state } = useSession();
  const matching = state.catalogs[tag.shard]?.matching ?? state.matching;
  const second = tag.alternatives[0];
  const secondTitle = second ? titleOf(session, second.product_id, catalog) : null;
  return (
    <>
      <div class="suggestion-body">
        <figure>
          {seen.shown && <CropPicture crop={seen.shown.crop} alt={texts.suggestions.cropOf(tag.title)} />}
          <figcaption>{texts.suggestions.crop}</figcaption>
        </figure>
        {tag.status === "ambiguous" && second ? <Ambiguous {...parts} /> : <Match {...parts} />}
      </div>
      <p class="why">{explainTag(tag, secondTitle, matching, texts)}</p>
      {!(tag.status === "ambiguous" && second) && <Buttons {...parts} />}
      <Alternatives {...parts} from={tag.status === "ambiguous" ? 1 : 0} />
    </>
  );
}

function Match({ item, seen, tag, catalog }: Parts) {
  const { session, state } = useSession();
  const record = session.product(tag.product_id, catalog)?.record;
  const matching = state.catalogs[tag.shard]?.matching ?? state.matching;
  return (
    <>
      <figure>
        <ProductPicture product={{ catalog, product_id: tag.product_id }} alt={texts.suggestions.pictureOf(tag.title)} />
        <figcaption>{texts.suggestions.picture}</figcaption>
      </figure>
      <div class="facts">
        <Status item={item} seen={seen} tag={tag} />
        <h3>{tag.title}</h3>
        {record?.price && (
          <p class="price">
            {price(record.price, record.currency)}
            {record.in_stock === false && <span class="quiet"> · {texts.suggestions.outOfStock}</span>}
          </p>
        )}
        {record && <p class="quiet small">{[record.brand, record.category].filter(Boolean).join(" · ")}</p>}
        <Similarity similarity={tag.similarity} threshold={matching.similarity_threshold} />
      </div>
    </>
  );
}

/** Two look-alikes side by side: a person tells which. */
function Ambiguous({ item, seen, tag, catalog, decide, search }: Parts) {
  const second = tag.alternatives[0]!;
  const choices = [{ product_id: tag.product_id, similarity: tag.similarity }, second];
  return (
    <div class="facts wide">
      <Status item={item} seen={seen} tag={tag} />
      <h3>{texts.suggestions.which}</h3>
      <div class="choices" role="group" aria-label={texts.suggestions.which}>
        {choices.map((choice, n) => (
          <Choice
            key={choice.product_id}
            first={n === 0}
            product={{ catalog, product_id: choice.product_id }}
            similarity={choice.similarity}
            choose={(byKey) => decide(...correction(tag, choice.product_id), byKey)}
          />
        ))}
      </div>
      <div class="row">
        <button type="button" onClick={(event) => decide("rejected", null, event.detail === 0)}>
          <Cross /> {texts.suggestions.neither}
        </button>
        <button type="button" onClick={search}>
          <Search /> {texts.suggestions.correct}
        </button>
      </div>
    </div>
  );
}

interface ChoiceProps {
  product: ProductRef;
  similarity: number;
  first: boolean;
  choose: (byKey: boolean) => void;
}

function Choice({ product, similarity, first, choose }: ChoiceProps) {
  const { session } = useSession();
  const record = session.product(product.product_id, product.catalog)?.record;
  const title = record?.title ?? product.product_id;
  return (
    <button
      type="button"
      class="choice"
      data-first={first || undefined}
      onClick={(event) => choose(event.detail === 0)}
    >
      <ProductPicture product={product} alt="" />
      <strong>{title}</strong>
      <span class="quiet small">
        {[record?.price && price(record.price, record.currency), two(similarity)].filter(Boolean).join(" · ")}
      </span>
    </button>
  );
}

function Buttons({ decide, search }: Parts) {
  return (
    <div class="row">
      <button type="button" class="primary" data-first onClick={(event) => decide("accepted", null, event.detail === 0)}>
        <Check /> {texts.suggestions.accept}
      </button>
      <button type="button" onClick={(event) => decide("rejected", null, event.detail === 0)}>
        <Cross /> {texts.suggestions.reject}
      </button>
      <button type="button" onClick={search}>
        <Search /> {texts.suggestions.correct}
      </button>
    </div>
  );
}

/** Similarity as a number and a bar from 0 to 1 with the threshold marked. */
function Similarity({ similarity, threshold }: { similarity: number; threshold: number }) {
  const percent = (value: number) => `${100 * Math.min(1, Math.max(0, value))}%`;
  return (
    <p class="similarity" title={texts.suggestions.needed(two(threshold))}>
      <span class="quiet small">{texts.suggestions.similarity}</span> <strong>{two(similarity)}</strong>
      <span class="track" aria-hidden="true">
        <span class="fill" style={{ width: percent(similarity) }} />
        <span class="needed" style={{ left: percent(threshold) }} />
      </span>
    </p>
  );
}

function Alternatives({ tag, catalog, decide, from }: Parts & { from: number }) {
  const { session } = useSession();
  const others = tag.alternatives.slice(from);
  if (others.length === 0) return null;
  return (
    <details class="alternatives">
      <summary>{texts.suggestions.alternatives(others.length)}</summary>
      <ul>
        {others.map(({ product_id, similarity }) => {
          const product = session.product(product_id, catalog);
          const title = product?.record.title ?? product_id;
          return (
            <li key={product_id}>
              <ProductPicture product={product?.ref ?? { catalog, product_id }} alt="" />
              <span>
                {title}
                <span class="quiet small"> {two(similarity)}</span>
              </span>
              <button
                type="button"
                class="small"
                aria-label={`${texts.suggestions.choose}: ${title}`}
                onClick={(event) => decide("corrected", product_id, event.detail === 0)}
              >
                {texts.suggestions.choose}
              </button>
            </li>
          );
        })}
      </ul>
    </details>
  );
}

/** What was decided, on one line, with a way back. */
function Decided({ seen, tag, catalog, change }: Parts & { change: () => void }) {
  const { session, state } = useSession();
  const decision = state.decisions.get(tag.tag_id)!;
  const product_id = decidedProduct(tag.product_id, decision);
  const title = product_id === null ? tag.title : titleOf(session, product_id, catalog);
  const said = product_id === null ? texts.suggestions.rejected : texts.suggestions.accepted;
  return (
    <div class="decided">
      {seen.shown && <CropPicture crop={seen.shown.crop} alt="" />}
      <div>
        <h3>{title}</h3>
        <p class={product_id === null ? "quiet small" : "good small"}>
          {product_id === null ? <Cross /> : <Check />} {said}
        </p>
      </div>
      <button type="button" class="plain" data-first aria-label={`${texts.suggestions.change}: ${title}`} onClick={change}>
        {texts.suggestions.change}
      </button>
    </div>
  );
}

/** How sure it is, and when it was seen: a click shows the moment. */
function Status({ item, seen, tag: { status } }: { item: Item; seen: Seen; tag: Tag }) {
  const { session } = useSession();
  const when = timeRange(seen.start_s, seen.end_s);
  return (
    <div class="status">
      <span class={`pill ${status}`}>{texts.suggestions[status]}</span>
      {item.kind === "video" && (
        <button
          type="button"
          class="plain small"
          aria-label={texts.suggestions.showMoment(when)}
          onClick={() => session.show(item.key, seen.best_s)}
        >
          <Play /> {when}
        </button>
      )}
    </div>
  );
}

/** Choosing the suggested product itself is no correction. */
function correction(tag: Tag, product_id: string): [DecisionKind, string | null] {
  return product_id === tag.product_id ? ["accepted", null] : ["corrected", product_id];
}

function titleOf(session: ReturnType<typeof useSession>["session"], product_id: string, catalog: string): string {
  return session.product(product_id, catalog)?.record.title ?? product_id;
}
