/** Invented products of the double, and drawings of them. */
import type { FoundProduct } from "../../src/contract.ts";

const TITLES = [
  ["oat-1l", "Harrow Oat Drink, 1 l", "2.29"],
  ["oat-barista-1l", "Harrow Oat Drink Barista, 1 l", "2.79"],
  ["jam-quince", "Quince Jelly, 340 g", "4.10"],
  ["jam-plum", "Plum Jam, 340 g", "3.90"],
  ["tea-mint", "Fieldmint Tea, 20 bags", "3.20"],
  ["soap-cedar", "Cedar Soap, a name that is so long that it needs more than one line on a phone, 100 g", ""],
] as const;

export const PRODUCTS: FoundProduct[] = TITLES.map(([product_id, title, price]) => ({
  catalog: "demo",
  product_id,
  title,
  price,
  currency: price && "EUR",
  url: `https://shop.example/${product_id}`,
  image_url: "",
  brand: title.split(" ")[0]!,
  category: "pantry",
  region: "",
  in_stock: product_id !== "jam-plum",
}));

/** Draw a packet in a colour that stands for the product. */
export async function drawing(product_id: string): Promise<Blob> {
  const canvas = new OffscreenCanvas(120, 160);
  const pen = canvas.getContext("2d")!;
  const hue = (PRODUCTS.findIndex((product) => product.product_id === product_id) * 67 + 30) % 360;
  pen.fillStyle = `hsl(${hue} 45% 92%)`;
  pen.fillRect(0, 0, 120, 160);
  pen.fillStyle = `hsl(${hue} 45% 45%)`;
  pen.fillRect(30, 20, 60, 125);
  pen.fillStyle = "white";
  pen.fillRect(38, 55, 44, 40);
  return canvas.convertToBlob({ type: "image/png" });
}
