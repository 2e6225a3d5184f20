/**
 * When to look: slowly where nothing moves, faster where something does, and not at all at what shows nothing new; see
 * `edge/tracks/pace.py` and docs/formats/tracks.md, section 1.
 */

export const GLANCE_S = 0.1;
export const QUICK_S = 0.2;
export const BRISK_S = 0.3;
export const CALM_S = 0.5;
export const STILL_S = 4;
export const STEP = 12;
export const CHANGED = 0.002;
export const MOVING = 0.01;
export const CUT = 0.2;
export const CUT_RISE = 8;
const CLOCK_TOLERANCE_S = 1e-6;

/** A frame in small and grey, as it is stored; of the same size each time. */
export type Grey = Uint8Array;
export type Decision = "look" | "still" | "wait";

/**
 * Return the share of cells, 0..1, by which two small pictures differ; 1 where they have not the same size.
 *
 * What all of the picture has in common, the median of the differences (of two middle ones the upper), is taken out: a
 * camera that sets its exposure shows nothing new.
 */
export function changed(a: Grey, b: Grey): number {
  if (a.length !== b.length) return 1;
  const steps = Int16Array.from(a, (value, i) => value - b[i]!);
  const common = steps.toSorted()[steps.length >> 1]!;
  let count = 0;
  for (const step of steps) if (Math.abs(step - common) >= STEP) count++;
  return count / steps.length;
}

/**
 * Return what to do at a glance, so many seconds after the last look: "look"; "still", nothing is new since; "wait", it
 * is not yet time. `fresh` and `moving` are the shares of cells that have changed since the last look and the last
 * glance; `restless` says that an object came or was missed at the last look, or that the video was cut since.
 */
export function decide(since_s: number, fresh: number, moving: number, restless: boolean): Decision {
  const still = fresh < CHANGED;
  const due_s = still ? STILL_S : restless ? QUICK_S : moving >= MOVING ? BRISK_S : CALM_S;
  if (since_s + CLOCK_TOLERANCE_S >= due_s) return "look";
  return still ? "still" : "wait";
}

/**
 * Takes in glance after glance; says which share of the cells differs from the one before, and whether that is a cut:
 * much differs, and suddenly. The second glance is none: nothing says how much differs here anyway.
 */
function newMoves(): (grey: Grey) => { moving: number; is_cut: boolean } {
  let before: Grey | null = null;
  let share_before = 1;
  return (grey) => {
    const moving = before === null ? 0 : changed(grey, before);
    const is_cut = moving >= CUT && moving >= CUT_RISE * share_before;
    if (before !== null) share_before = moving;
    before = grey;
    return { moving, is_cut };
  };
}

/** Decides for each glance in turn. */
export interface Pace {
  /** Seconds between glances. */
  readonly glance_s: number;
  /** Whether frames that nothing builds on may be left out: there are more than enough. */
  readonly hurries: boolean;
  decide(timestamp_s: number, grey: Grey): Decision;
  /** Whether the video was cut since the last look that was learned of. */
  isCut(): boolean;
  /** Take in what the look found: whether an object came or was missed. */
  learn(restless: boolean): void;
}

/** Return the pace that was asked for: null looks where something changes, else at every frame of a grid. */
export function paceFor(every_s: number | null): Pace {
  return every_s === null ? adaptive() : steady(every_s);
}

function steady(every_s: number): Pace {
  const moves = newMoves();
  let is_cut = false;
  return {
    glance_s: every_s,
    hurries: false,
    decide(_, grey) {
      is_cut = every_s <= CALM_S && moves(grey).is_cut;
      return "look";
    },
    isCut: () => is_cut,
    learn() {},
  };
}

function adaptive(): Pace {
  const moves = newMoves();
  let looked: { at_s: number; grey: Grey } | null = null;
  let is_restless = false;
  let is_cut = false;
  return {
    glance_s: GLANCE_S,
    hurries: true,
    decide(timestamp_s, grey) {
      const now = moves(grey);
      let decision: Decision = "look";
      if (looked !== null) {
        const fresh = changed(grey, looked.grey);
        is_cut = (now.is_cut || is_cut) && fresh >= CHANGED;
        decision = decide(timestamp_s - looked.at_s, fresh, now.moving, is_restless || is_cut);
      }
      if (decision === "look") looked = { at_s: timestamp_s, grey };
      return decision;
    },
    isCut: () => is_cut,
    learn(restless) {
      is_restless = restless;
      is_cut = false;
    },
  };
}
