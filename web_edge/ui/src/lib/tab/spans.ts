/**
 * Which stretch of time each bar of the tab holds: the tracked bars, and stretches of two seconds where there are none.
 */

import { seconds } from "../clock";
import type { Score } from "../document";
import type { Bar } from "../events";

/** Length of a bar where no beats are known. */
export const BAR_S = 2;
/** Below this the page says that it hears no bars. */
export const UNSURE = 0.5;

export interface Span {
  readonly startS: number;
  readonly endS: number;
  /** The tracked bar; null where there is none. */
  readonly bar: Bar | null;
}

/**
 * @param score what is known so far
 * @param untilS the last span holds this time
 */
export function spansOf(score: Score, untilS: number): Span[] {
  const spans: Span[] = [];
  const first = score.bars[0];
  if (first) {
    const startS = seconds(first.beats[0] ?? 0);
    // A sliver before the first bar belongs to it.
    for (let at = 0; at < startS - 0.25; at += BAR_S) {
      spans.push({ startS: at, endS: Math.min(at + BAR_S, startS), bar: null });
    }
  }
  for (const bar of score.bars) spans.push({ startS: seconds(bar.beats[0] ?? 0), endS: seconds(bar.end), bar });
  for (let at = spans.at(-1)?.endS ?? 0; at <= untilS || spans.length === 0; at += BAR_S) {
    spans.push({ startS: at, endS: at + BAR_S, bar: null });
  }
  return spans;
}

/** Index of the span that holds a time; the first or the last one for times outside. */
export function spanAt(spans: readonly Span[], timeS: number): number {
  let low = 0;
  let high = spans.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((spans[middle]?.startS ?? 0) <= timeS) low = middle;
    else high = middle - 1;
  }
  return low;
}
