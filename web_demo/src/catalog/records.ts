/** Products of an opened catalogue as records, by id and by the words of a search. */
import type { FoundProduct, ProductRecord } from "../contract.ts";
import { utf8 } from "./bytes.ts";
import { bytesOf, countsOf, numbers, TEXT_FIELDS, type Columns, type TextField } from "./columns.ts";
import { compareTexts } from "./content.ts";

const STOCK: readonly (boolean | null)[] = [false, true, null];
const decoder = new TextDecoder();

/** Records of one catalogue; texts are decoded when they are asked for. */
export class Records {
  private spoken: string[] | null = null;

  constructor(
    readonly catalog: string,
    private readonly columns: Columns,
  ) {}

  /** Return the row of a product; null where the catalogue does not have it. */
  row(product_id: string): number | null {
    const wanted = utf8(product_id);
    const whole = Uint32Array.of(0, wanted.length);
    const [blob, offsets] = this.texts("product_id");
    let [low, high] = [0, countsOf(this.columns).products];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (compareTexts(blob, offsets, middle, wanted, whole, 0) < 0) low = middle + 1;
      else high = middle;
    }
    const found = low < offsets.length - 1 && compareTexts(blob, offsets, low, wanted, whole, 0) === 0;
    return found ? low : null;
  }

  /** Return what the catalogue says of a product. */
  record(product_id: string): ProductRecord | null {
    const row = this.row(product_id);
    return row === null ? null : this.at(row);
  }

  /** Return the products whose id, title or brand holds all the words, with how well they do, 0 best. */
  find(words: string): { found: FoundProduct; rank: number }[] {
    const wanted = plain(words).split(/\s+/).filter(Boolean);
    if (!wanted.length) return [];
    this.spoken ??= Array.from({ length: countsOf(this.columns).products }, (_, row) => plain(this.heard(row)));
    const hits = [...this.spoken.entries()].filter(([, text]) => wanted.every((word) => text.includes(word)));
    return hits.map(([row, text]) => ({
      found: { catalog: this.catalog, ...this.at(row) },
      rank: rankOf(text, wanted),
    }));
  }

  /** Return the rows of a product's views. */
  views(row: number): [number, number] {
    const offsets = numbers(this.columns, "view_offsets");
    return [offsets[row]!, offsets[row + 1]!];
  }

  private at(row: number): ProductRecord {
    const texts = Object.fromEntries(TEXT_FIELDS.map((field) => [field, this.text(field, row)])) as Record<
      TextField,
      string
    >;
    return { ...texts, in_stock: STOCK[bytesOf(this.columns, "in_stock")[row]!] ?? null };
  }

  private heard(row: number): string {
    return `${this.text("title", row)} ${this.text("brand", row)} ${this.text("product_id", row)}`;
  }

  private text(field: TextField, row: number): string {
    const [blob, offsets] = this.texts(field);
    return decoder.decode(blob.subarray(offsets[row], offsets[row + 1]));
  }

  private texts(field: TextField): [Uint8Array, Uint32Array] {
    return [bytesOf(this.columns, field), numbers(this.columns, `${field}_offsets`)];
  }
}

/** Return a text as it is searched: lower case, accents off. */
export function plain(text: string): string {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toLocaleLowerCase("en");
}

/** Whole words before beginnings of words before anything else, short texts before long ones. */
function rankOf(text: string, wanted: readonly string[]): number {
  const places = wanted.map((word): number => {
    const padded = ` ${text} `;
    if (padded.includes(` ${word} `)) return text.startsWith(word) ? 0 : 1;
    return padded.includes(` ${word}`) ? 2 : 3;
  });
  return places.reduce((sum, place) => sum + place, 0) * 10_000 + text.length;
}
