/** Objects that no product is like closely enough: an answer, which a person may know better. */
import { useEffect, useState } from "preact/hooks";
import type { Alternative } from "../../contract.ts";
import { texts } from "../../texts/index.ts";
import { timeRange } from "../rules/format.ts";
import type { Seen } from "../rules/seen.ts";
import { explainUnmatched } from "../rules/wording.ts";
import type { Item } from "../state.ts";
import { Play } from "./icons.tsx";
import { CropPicture } from "./product_picture.tsx";
import { ProductSearch } from "./product_search.tsx";
import { useSession } from "./session_context.ts";

interface SeenInItem {
  item: Item;
  thing: Seen;
}

export function UnmatchedObjects({ seen }: { seen: readonly SeenInItem[] }) {
  if (seen.length === 0) return null;
  return (
    <div class="unmatched-objects">
      <h3>{texts.unmatched.heading(seen.length)}</h3>
      <p class="quiet small">{texts.unmatched.what}</p>
      <ul>
        {seen.map(({ item, thing }) => (
          <UnmatchedObject key={`${item.key} ${thing.id}`} item={item} thing={thing} />
        ))}
      </ul>
    </div>
  );
}

function UnmatchedObject({ item, thing }: SeenInItem) {
  const { session, state } = useSession();
  const [naming, setNaming] = useState(false);
  const nearest = useNearest(thing);
  const catalog = state.catalogs[0]?.name.catalog ?? "";
  const first = nearest[0];
  const title = first && session.product(first.product_id, catalog)?.record.title;
  const when = timeRange(thing.start_s, thing.end_s);
  return (
    <li
      class={state.lit === thing.id ? "lit" : ""}
      onPointerEnter={() => session.light(thing.id)}
      onPointerLeave={() => session.light(null)}
    >
      {thing.shown && <CropPicture crop={thing.shown.crop} alt={texts.unmatched.crop} />}
      <p class="quiet small">
        {first && title
          ? explainUnmatched({ title, similarity: first.similarity }, state.catalogs[0]?.matching ?? state.matching, texts)
          : texts.why.nothing}
      </p>
      <div class="row">
        <button type="button" class="small" onClick={() => setNaming(true)}>
          {texts.unmatched.name}
        </button>
        {item.kind === "video" && (
          <button
            type="button"
            class="plain small"
            aria-label={texts.suggestions.showMoment(when)}
            onClick={() => session.show(item.key, thing.best_s)}
          >
            <Play /> {when}
          </button>
        )}
      </div>
      {naming && (
        <ProductSearch
          title={texts.search.correct}
          closest={nearest}
          catalog={catalog}
          chosen={(product) => session.deciding.addProduct(product)}
          closed={() => setNaming(false)}
        />
      )}
    </li>
  );
}

/** The nearest products, asked for once the engine is there. */
function useNearest({ shown }: Seen): readonly Alternative[] {
  const { session, state } = useSession();
  const [nearest, setNearest] = useState<readonly Alternative[]>([]);
  const ready = state.readiness === "ready";
  const vector = shown?.vector ?? null;
  useEffect(() => {
    let wanted = true;
    const take = (found: readonly Alternative[]) => wanted && setNearest(found);
    if (ready && vector) session.identifying.similar(vector, 5).then(take, () => undefined);
    return () => void (wanted = false);
  }, [vector, ready, state.catalogs]);
  return nearest;
}
