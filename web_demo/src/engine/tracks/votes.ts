/** What a track is: one to three of its crops are asked, and the answers are one vote; see `edge/tracks/votes.py`. */
import type { Matching } from "../bundle.ts";
import { type Candidate, productOf } from "../gallery.ts";

export const SURE = 2;
export const NEARLY = 0.05;

/** Products of one crop, best first. */
export type Answer = readonly Candidate[];
export type Status = "match" | "ambiguous" | "unmatched";

/** Return whether a track needs no further crop: two answers that say the same clearly. */
export function isSettled(answers: readonly Answer[], matchings: readonly Matching[]): boolean {
  if (answers.length < 2) return false;
  const together = fused(answers);
  if (together.length === 0) return true;
  const matched = answers.map((answer) => isMatch(answer, matchings));
  if (!matched.includes(true)) return true;
  const is_same = new Set(answers.map((answer) => answer[0] && productOf(answer[0]))).size === 1;
  return matched.every(Boolean) && is_same && isClear(together, matchings);
}

/**
 * Return one ranking from the rankings of several crops: a product's similarity is the mean of its two best ones; in a
 * ranking that does not hold it, it counts as much as the last product there.
 */
export function fused(answers: readonly Answer[]): Candidate[] {
  const rankings = answers.filter((answer) => answer.length > 0);
  const named = new Map<string, Candidate>();
  for (const one of rankings.flat()) if (!named.has(productOf(one))) named.set(productOf(one), one);
  const similarity = (product: string) => {
    const found = rankings.map((answer) => {
      return (answer.find((one) => productOf(one) === product) ?? answer.at(-1)!).similarity;
    });
    const best = found.sort((a, b) => b - a).slice(0, 2);
    return best.reduce((sum, value) => sum + value, 0) / best.length;
  };
  const together = [...named].map(([product, one]) => ({ ...one, similarity: similarity(product) }));
  return together.sort((a, b) => b.similarity - a.similarity);
}

/** Return whether the first product is similar enough. */
export function isMatch([first]: Answer, matchings: readonly Matching[]): boolean {
  return first !== undefined && first.similarity >= matchings[first.shard]!.similarity_threshold;
}

/** Return the lead of the first product over the second; 1 where there is no second. */
export function marginOf([first, second]: Answer): number {
  return first !== undefined && second !== undefined ? first.similarity - second.similarity : 1;
}

/** Return what is said of an object with these candidates. */
export function statusOf(candidates: Answer, matchings: readonly Matching[]): Status {
  if (!isMatch(candidates, matchings)) return "unmatched";
  return marginOf(candidates) >= matchings[candidates[0]!.shard]!.margin_threshold ? "match" : "ambiguous";
}

/** Return whether an unmatched object would be a match if the threshold were `NEARLY` lower. */
export function isNearly(candidates: Answer, matchings: readonly Matching[]): boolean {
  const first = candidates[0];
  if (first === undefined || isMatch(candidates, matchings)) return false;
  const { similarity_threshold, margin_threshold } = matchings[first.shard]!;
  return first.similarity >= similarity_threshold - NEARLY && marginOf(candidates) >= margin_threshold;
}

/** Return whether the first product leads by `SURE` times what is needed. */
export function isClear(candidates: Answer, matchings: readonly Matching[]): boolean {
  const first = candidates[0];
  return first !== undefined && marginOf(candidates) >= SURE * matchings[first.shard]!.margin_threshold;
}
