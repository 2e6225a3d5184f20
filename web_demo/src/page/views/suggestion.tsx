/** One suggestion: what was seen beside what the catalogue shows, why, and what a person says of it. */
import { useState } from "preact/hooks";
import { texts } from "../../texts/index.ts";
import { price } from "../rules/format.ts";
import { decidedProduct } from "../rules/post.ts";
import type { Seen } from "../rules/seen.ts";
import { explainTag, two } from "../rules/wording.ts";
import type { Item } from "../state.ts";
import { Alternatives, Ambiguous, correction, type Decide, type Parts, Status } from "./alternatives.tsx";
import { Check, Cross, Search } from "./icons.tsx";
import { CropPicture, ProductPicture } from "./product_picture.tsx";
import { ProductSearch } from "./product_search.tsx";
import { useSession } from "./session_context.ts";

interface CardProps {
  item: Item;
  seen: Seen;
  /** Called when it was decided on; `byKey` where the keyboard did it. */
  goOn: (id: string, byKey: boolean) => void;
}

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

function titleOf(session: ReturnType<typeof useSession>["session"], product_id: string, catalog: string): string {
  return session.product(product_id, catalog)?.record.title ?? product_id;
}
