/** What went wrong, in the language of the page. */
import type { Problem } from "../contract.ts";
import { problemOf } from "../problem.ts";
import { texts } from "../texts/index.ts";

/** Names of problems that mean: not now, for want of a connection. */
const AWAY = new Set(["offline", "captive", "busy"]);

/** Return the sentence for a problem: in this language where it is known here, else its own. */
export function sentence(problem: Problem): string {
  return texts.problems[problem.name]?.(problem.values) ?? problem.sentence;
}

/** Return the problem behind anything that was thrown; a full storage has a name of its own. */
export function asProblem(error: unknown): Problem {
  if (isQuota(error)) return { name: "storage_full", sentence: texts.notices.storageFull, values: {} };
  return problemOf(error);
}

/** Return whether the problem is only that the server cannot be reached. */
export function isAway(problem: Problem): boolean {
  return AWAY.has(problem.name);
}

function isQuota(error: unknown): boolean {
  return error instanceof DOMException && error.name === "QuotaExceededError";
}
