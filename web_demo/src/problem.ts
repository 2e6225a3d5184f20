/**
 * What goes wrong, as a value: a stable name for the program and one sentence for the user (what, where, what to do).
 *
 *     throw failure("not_media", `${file.name} is no picture or video that can be read: choose another file.`);
 */
import type { Problem } from "./contract.ts";

export type Values = Readonly<Record<string, string | number>>;

/** A `Problem` that is thrown. An error of its own, so that a mistake in the program never poses as a user's. */
export class Failure extends Error implements Problem {
  readonly sentence: string;
  readonly values: Values;

  constructor(problem: Problem) {
    super(problem.sentence);
    this.name = problem.name;
    this.sentence = problem.sentence;
    this.values = problem.values;
  }
}

/** Return a failure to throw. */
export function failure(name: string, sentence: string, values: Values = {}): Failure {
  return new Failure({ name, sentence, values });
}

/** Return what is left of a failure when it is sent to another thread or kept: the plain problem. */
export function problemOf(error: unknown): Problem {
  if (error instanceof Failure) return { name: error.name, sentence: error.sentence, values: error.values };
  const said = error instanceof Error ? error.message : String(error);
  return { name: "unexpected", sentence: `Something went wrong that nobody foresaw (${said}): reload the page.`, values: { said } };
}
