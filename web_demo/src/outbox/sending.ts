/**
 * Sending by itself: at once, after every decision, when the network is back, and again after a failure, later and later.
 *
 *     const stop = keepSending(outbox, (problem) => show(problem));
 */
import type { Outbox, Problem } from "../contract.ts";
import { problemOf } from "../problem.ts";

const FIRST_PAUSE_S = 5;
const LONGEST_PAUSE_S = 900;
/** These do not pass by waiting: somebody must do something first. */
const LASTING = new Set(["not_enrolled", "token_unknown"]);

/** Keep sending until the returned function is called; `heard` is told null when all is sent, else what is in the way. */
export function keepSending(outbox: Outbox, heard: (problem: Problem | null) => void = () => undefined): () => void {
  let failures = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let busy = false;
  let stopped = false;

  const later = (seconds: number) => {
    clearTimeout(timer);
    if (!stopped) timer = setTimeout(() => void send(), seconds * 1000);
  };

  const send = async () => {
    if (busy || stopped) return;
    busy = true;
    try {
      if (!(await outbox.enrolled()) || !(await outbox.waiting()).events.length) return;
      const { sent } = await outbox.push();
      failures = 0;
      heard(null);
      if ((await outbox.waiting()).events.length) later(sent ? 0 : FIRST_PAUSE_S); // more came meanwhile, or another tab sends
    } catch (error) {
      const problem = problemOf(error);
      heard(problem);
      const wait_s = Number(problem.values.wait_s ?? 0);
      if (!LASTING.has(problem.name))
        later(wait_s + Math.random() * Math.min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** failures++));
    } finally {
      busy = false;
    }
  };

  const soon = () => later(0.2);
  const stopHearing = outbox.changed(() => failures === 0 && soon());
  const woken = () => {
    failures = 0;
    soon();
  };
  addEventListener("online", woken);
  document.addEventListener("visibilitychange", woken);
  soon();
  return () => {
    stopped = true;
    clearTimeout(timer);
    stopHearing();
    removeEventListener("online", woken);
    document.removeEventListener("visibilitychange", woken);
  };
}
