/** Numbers as people read them: times, prices, sizes. Times are clocked as `edge/output/wording.py` does. */
import { language, texts } from "../../texts/index.ts";

/** Return seconds as minutes and seconds with one decimal, with hours where there are any. */
export function clock(seconds: number): string {
  const tenths = Math.round(seconds * 10);
  const all = Math.floor(tenths / 600);
  const rest = ((tenths % 600) / 10).toFixed(1).padStart(4, "0");
  const hours = Math.floor(all / 60);
  return hours > 0 ? `${hours}:${String(all % 60).padStart(2, "0")}:${rest}` : `${all}:${rest}`;
}

/** Return a range of time, or one time where both ends read the same. */
export function timeRange(start_s: number, end_s: number): string {
  const start = clock(start_s);
  const end = clock(end_s);
  return start === end ? start : `${start} – ${end}`;
}

/** Return how long something still takes, roundly: nobody believes "about 43.2 s". */
export function roughly(seconds: number): string {
  if (seconds < 10) return texts.units.seconds(Math.max(1, Math.round(seconds)));
  if (seconds < 90) return texts.units.seconds(Math.round(seconds / 5) * 5);
  return texts.units.minutes(Math.round(seconds / 60));
}

/** Return a price with its currency as the reader's country writes it; as the catalogue says where it is no number. */
export function price(amount: string, currency: string, locale: string = locales()): string {
  const value = Number(amount);
  if (amount.trim() === "" || !Number.isFinite(value)) return [amount, currency].filter(Boolean).join(" ");
  try {
    return new Intl.NumberFormat(locale, { style: "currency", currency }).format(value);
  } catch {
    return [amount, currency].filter(Boolean).join(" ");
  }
}

/** Return a size: bytes below 1000, then kB and MB of 1000 and 1,000,000. */
export function size(bytes: number, locale: string = locales()): string {
  const number = (value: number, digits: number) => value.toLocaleString(locale, { maximumFractionDigits: digits });
  if (bytes < 1000) return texts.units.bytes(number(bytes, 0));
  if (bytes < 1e6) return texts.units.kilobytes(number(bytes / 1000, bytes < 1e4 ? 1 : 0));
  return texts.units.megabytes(number(bytes / 1e6, 1));
}

/** Return a whole number with the separators of the reader's language. */
export function whole(value: number): string {
  return value.toLocaleString(locales());
}

function locales(): string {
  return globalThis.navigator?.languages?.find((tag) => tag.toLowerCase().startsWith(language)) ?? language;
}
