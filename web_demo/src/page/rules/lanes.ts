/** Marks on a timeline, laid in as few lanes as can be without one covering another. */

export interface Span {
  start_s: number;
  end_s: number;
}

export interface Mark<S> {
  span: S;
  /** Lane, from 0. */
  lane: number;
  /** Left edge and width as shares of the timeline, 0 to 1. */
  left: number;
  width: number;
}

/**
 * Lay spans in lanes, first come, first served.
 *
 * @param spans in the order of their start
 * @param duration_s length of the timeline; spans beyond it lengthen it
 * @param narrowest smallest width of a mark, as a share: what a finger can hit
 */
export function lanes<S extends Span>(spans: readonly S[], duration_s: number, narrowest: number): Mark<S>[] {
  const length = Math.max(duration_s, ...spans.map((span) => span.end_s), 1e-3);
  const ends: number[] = [];
  return spans.map((span) => {
    const width = Math.min(1, Math.max((span.end_s - span.start_s) / length, narrowest));
    const left = Math.min(span.start_s / length, 1 - width);
    const free = ends.findIndex((end) => end <= left + 1e-9);
    const lane = free < 0 ? ends.length : free;
    ends[lane] = left + width;
    return { span, lane, left, width };
  });
}
