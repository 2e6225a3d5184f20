/** Finding a product of the catalogues by words; before the first word, the closest by look. */
import { useState } from "preact/hooks";
import type { Alternative } from "../../contract.ts";
import { texts } from "../../texts/index.ts";
import { price } from "../rules/format.ts";
import type { ProductRef } from "../rules/post.ts";
import { two } from "../rules/wording.ts";
import { Dialog } from "./dialog.tsx";
import { ProductPicture } from "./product_picture.tsx";
import { useSession } from "./session_context.ts";

const SHOWN = 12;

interface SearchProps {
  title: string;
  /** Shown before anything is typed. */
  closest: readonly Alternative[];
  catalog: string;
  chosen: (product: ProductRef) => void;
  closed: () => void;
}

export function ProductSearch({ title, closest, catalog, chosen, closed }: SearchProps) {
  const { session } = useSession();
  const [words, setWords] = useState("");
  const found = words.trim() ? (session.identifying.catalogs?.find(words, SHOWN) ?? []) : [];
  const offered = words.trim() ? found.map(({ catalog, product_id }) => ({ catalog, product_id, similarity: null })) : closest;
  const intoList = (event: KeyboardEvent) => {
    if (event.key !== "ArrowDown") return;
    event.preventDefault();
    (event.currentTarget as Element).closest("dialog")?.querySelector<HTMLElement>(".results button")?.focus();
  };
  return (
    <Dialog title={title} closed={closed}>
      {(close) => (
        <>
          <label class="field">
            <span>{texts.search.label}</span>
            <input
              type="search"
              autocomplete="off"
              placeholder={texts.search.hint}
              value={words}
              onInput={(event) => setWords(event.currentTarget.value)}
              onKeyDown={intoList}
            />
          </label>
          <p class="quiet small" role="status">
            {said(words, found.length, closest.length)}
          </p>
          <ul class="results" onKeyDown={alongList}>
            {offered.map((product) => (
              <Result
                key={product.product_id}
                product={{ catalog, ...product }}
                choose={(ref) => {
                  close();
                  chosen(ref);
                }}
              />
            ))}
          </ul>
        </>
      )}
    </Dialog>
  );
}

interface ResultProps {
  product: ProductRef & { similarity: number | null };
  choose: (product: ProductRef) => void;
}

function Result({ product: { catalog, product_id, similarity }, choose }: ResultProps) {
  const { session } = useSession();
  const known = session.product(product_id, catalog);
  const ref = known?.ref ?? { catalog, product_id };
  const facts = [
    known?.record.brand,
    known?.record.price && price(known.record.price, known.record.currency),
    similarity !== null && two(similarity),
  ];
  return (
    <li>
      <button type="button" class="result" onClick={() => choose(ref)}>
        <ProductPicture product={ref} alt="" />
        <span>
          <strong>{known?.record.title ?? product_id}</strong>
          <span class="quiet small">{facts.filter(Boolean).join(" · ")}</span>
        </span>
      </button>
    </li>
  );
}

function said(words: string, found: number, closest: number): string {
  if (words.trim() === "") return closest > 0 ? texts.search.closest : texts.search.empty;
  return found > 0 ? texts.search.found(found) : texts.search.none(words.trim());
}

/** Arrow keys go along the results. */
function alongList(event: KeyboardEvent): void {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const buttons = [...(event.currentTarget as Element).querySelectorAll<HTMLElement>("button")];
  const here = buttons.indexOf(document.activeElement as HTMLElement);
  buttons[Math.min(buttons.length - 1, Math.max(0, here + step))]?.focus();
}
