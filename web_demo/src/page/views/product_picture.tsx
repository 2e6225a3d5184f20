/** A product as a small picture, and other small pictures that live in memory. */
import { useEffect, useState } from "preact/hooks";
import { texts } from "../../texts/index.ts";
import type { ProductRef } from "../rules/post.ts";
import { useSession } from "./session_context.ts";

/** The catalogue's thumbnail; where there is none, an empty frame that says so. */
export function ProductPicture({ product, alt }: { product: ProductRef; alt: string }) {
  const { session, state } = useSession();
  const [address, setAddress] = useState<string | null>(null);
  const here = state.catalogs.length > 0;
  useEffect(() => {
    let wanted = true;
    setAddress(null);
    if (here) void session.thumbnail(product).then((found) => wanted && setAddress(found));
    return () => void (wanted = false);
  }, [product.catalog, product.product_id, here]);
  return (
    <span class="frame">
      {address ? <img src={address} alt={alt} /> : <span class="no-picture">{alt && texts.suggestions.noPicture}</span>}
    </span>
  );
}

/** A picture from memory, such as a crop. */
export function CropPicture({ crop, alt }: { crop: Blob; alt: string }) {
  const [address, setAddress] = useState<string>();
  useEffect(() => {
    const made = URL.createObjectURL(crop);
    setAddress(made);
    return () => URL.revokeObjectURL(made);
  }, [crop]);
  return <span class="frame">{address && <img src={address} alt={alt} />}</span>;
}
