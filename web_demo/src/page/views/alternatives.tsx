/** What else it could be: the two look-alikes of an ambiguous suggestion, and the alternatives of any. */
import type { Tag } from "../../contract.ts";
import { texts } from "../../texts/index.ts";
import { price, timeRange } from "../rules/format.ts";
import type { ProductRef } from "../rules/post.ts";
import type { Seen } from "../rules/seen.ts";
import { two } from "../rules/wording.ts";
import type { DecisionKind, Item } from "../state.ts";
import { Cross, Play, Search } from "./icons.tsx";
import { ProductPicture } from "./product_picture.tsx";
import { useSession } from "./session_context.ts";

/** Say what it is; `byKey` where the keyboard did it. */
export type Decide = (kind: DecisionKind, corrected_to: string | null, byKey: boolean) => void;

/** A suggestion and what can be done with it. */
export interface Parts {
  item: Item;
  seen: Seen;
  tag: Tag;
  catalog: string;
  decide: Decide;
  search: () => void;
}

/** Two look-alikes side by side: a person tells which. */
export function Ambiguous({ item, seen, tag, catalog, decide, search }: Parts) {
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

export function Alternatives({ tag, catalog, decide, from }: Parts & { from: number }) {
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

/** How sure it is, and when it was seen: a click shows the moment. */
export function Status({ item, seen, tag: { status } }: { item: Item; seen: Seen; tag: Tag }) {
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
export function correction(tag: Tag, product_id: string): [DecisionKind, string | null] {
  return product_id === tag.product_id ? ["accepted", null] : ["corrected", product_id];
}
