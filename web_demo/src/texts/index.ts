/**
 * The texts in the language of this browser. To add a language: a file like `en.ts`, and one line here.
 *
 *     texts.identify.switch
 */
import { de } from "./de.ts";
import { en, type Texts } from "./en.ts";

export type { Texts } from "./en.ts";

const LANGUAGES: Readonly<Record<string, Texts>> = { en, de };

/** Return the first language that somebody reads and this page speaks; English where there is none. */
export function chooseLanguage(preferred: readonly string[]): string {
  const primary = preferred.map((tag) => tag.toLowerCase().split("-")[0] ?? "");
  return primary.find((language) => language in LANGUAGES) ?? "en";
}

export const language = chooseLanguage(globalThis.navigator?.languages ?? []);
export const texts: Texts = LANGUAGES[language] ?? en;
