/** The draft of the post: a caption, the products, and ways to take it along. */
import { useId, useState } from "preact/hooks";
import { texts } from "../../texts/index.ts";
import { price } from "../rules/format.ts";
import { joined } from "../rules/joining.ts";
import { type PostProduct, postProducts, postText } from "../rules/post.ts";
import type { State } from "../state.ts";
import { Copy, Cross, Download, Outward, Plus } from "./icons.tsx";
import { ProductPicture } from "./product_picture.tsx";
import { ProductSearch } from "./product_search.tsx";
import { useSession } from "./session_context.ts";

export function PostCard() {
  const { session, state } = useSession();
  const heading = useId();
  const products = postProducts(documents(state), state.decisions, state.added, state.leftOut);
  return (
    <section class="card post" aria-labelledby={heading}>
      <div class="title">
        <h2 id={heading}>{texts.post.heading}</h2>
        {state.kept && (state.items.length > 0 || state.caption) && <span class="quiet small">{texts.post.kept}</span>}
      </div>
      <label class="field">
        <span>{texts.post.caption}</span>
        <textarea
          rows={3}
          placeholder={texts.post.captionHint}
          value={state.caption}
          onInput={(event) => session.store.set({ caption: event.currentTarget.value })}
        />
      </label>
      <h3 class="small-heading">{texts.post.products}</h3>
      {products.length === 0 ? <p class="hint quiet">{texts.post.none}</p> : <Products products={products} />}
      <Take products={products} />
    </section>
  );
}

function Products({ products }: { products: readonly PostProduct[] }) {
  const { session } = useSession();
  return (
    <ul class="products">
      {products.map((product) => {
        const record = session.product(product.product_id, product.catalog)?.record;
        const title = record?.title ?? product.product_id;
        return (
          <li key={`${product.catalog} ${product.product_id}`}>
            <ProductPicture product={product} alt="" />
            <span>
              <strong>{title}</strong>
              <span class="quiet small">
                {[record?.price && price(record.price, record.currency), product.by === "hand" && texts.post.byHand]
                  .filter(Boolean)
                  .join(" · ")}
              </span>
            </span>
            {isWebAddress(record?.url) && (
              <a class="round" href={record!.url} target="_blank" rel="noopener noreferrer" aria-label={texts.post.open(title)}>
                <Outward />
              </a>
            )}
            <button
              type="button"
              class="round"
              aria-label={texts.post.remove(title)}
              onClick={() => session.deciding.removeProduct(product)}
            >
              <Cross />
            </button>
          </li>
        );
      })}
    </ul>
  );
}

function Take({ products }: { products: readonly PostProduct[] }) {
  const { session, state } = useSession();
  const [adding, setAdding] = useState(false);
  const [said, setSaid] = useState("");
  const records = products.flatMap(({ product_id, catalog }) => session.product(product_id, catalog)?.record ?? []);
  const copy = async () => {
    const copied = navigator.clipboard?.writeText(postText(state.caption, records)) ?? Promise.reject(new Error("none"));
    setSaid(await copied.then(() => texts.post.copied, () => texts.post.copyFailed));
  };
  const found = documents(state).length > 0;
  return (
    <>
      <div class="row">
        {state.catalogs.length > 0 && (
          <button type="button" onClick={() => setAdding(true)}>
            <Plus /> {texts.post.add}
          </button>
        )}
        {(products.length > 0 || state.caption) && (
          <button type="button" onClick={() => void copy()}>
            <Copy /> {texts.post.copy}
          </button>
        )}
        {found && (
          <button type="button" title={texts.post.exportWhy} onClick={() => download(state)}>
            <Download /> {texts.post.export}
          </button>
        )}
      </div>
      <p class="quiet small" role="status">
        {said}
      </p>
      {adding && (
        <ProductSearch
          title={texts.search.add}
          closest={[]}
          catalog=""
          chosen={(product) => session.deciding.addProduct(product)}
          closed={() => setAdding(false)}
        />
      )}
    </>
  );
}

function documents(state: State) {
  return state.items.flatMap(({ found }) => (found ? [found.document] : []));
}

function download(state: State): void {
  const text = JSON.stringify(joined(documents(state)), null, 2) + "\n";
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  link.download = "tags.json";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** Catalogues come from elsewhere: only plain web addresses become links. */
function isWebAddress(url: string | undefined): boolean {
  return url !== undefined && /^https?:\/\//i.test(url);
}
