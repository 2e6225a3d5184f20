/** Which frames of a stream are looked at, by their times alone; see `edge/media/sampling.py`. */

const CLOCK_TOLERANCE_S = 1e-6;

/**
 * Say for each frame in turn whether it is wanted: the first, then the first at or after each further step of
 * `every_s` seconds (0: every frame). The steps lie on a grid from the first frame.
 *
 *     const wants = sampling(0.5);
 *     [0, 0.3, 0.6, 0.9, 3.0, 3.1].map(wants);    // true, false, true, false, true, false
 */
export function sampling(every_s: number): (timestamp_s: number) => boolean {
  let first_s: number | null = null;
  let due_s = 0;
  return (timestamp_s) => {
    if (first_s === null) first_s = due_s = timestamp_s;
    if (timestamp_s < due_s - CLOCK_TOLERANCE_S) return false;
    if (every_s > 0) {
      const steps = Math.floor((timestamp_s - first_s + CLOCK_TOLERANCE_S) / every_s) + 1;
      due_s = first_s + steps * every_s;
    }
    return true;
  };
}
