/** Taps of a foot: times in seconds, and the tempo they say. */

/** Longer than this, and a new row of taps begins: 20 beats a minute are 3 s apart. */
const PAUSE_S = 3;
const SLOWEST_BPM = 20;
const FASTEST_BPM = 400;

/** The row with one more tap; a tap that comes after a pause, or before the last one, begins a new row. */
export function tapped(taps: readonly number[], timeS: number): number[] {
  const last = taps.at(-1);
  return last === undefined || timeS <= last || timeS - last > PAUSE_S ? [timeS] : [...taps, timeS];
}

/** Beats a minute of at least three taps, by the median wait between them; null for fewer, or for what is no tempo. */
export function tempoOf(taps: readonly number[]): number | null {
  if (taps.length < 3) return null;
  const waits = taps.slice(1).map((tap, index) => tap - (taps[index] ?? 0));
  waits.sort((a, b) => a - b);
  const middle = waits.length >> 1;
  const upper = waits[middle] ?? 0;
  const median = waits.length % 2 ? upper : (upper + (waits[middle - 1] ?? 0)) / 2;
  const tempo = 60 / median;
  return tempo >= SLOWEST_BPM && tempo <= FASTEST_BPM ? Math.round(tempo * 10) / 10 : null;
}
