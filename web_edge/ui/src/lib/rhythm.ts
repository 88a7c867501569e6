/** What is decided about bars while the music plays. */

import type { Rhythm } from "./api";
import { tempoOf } from "./tapping";

export const METRES = ["2/4", "3/4", "4/4", "5/4", "6/8", "7/8", "9/8", "12/8"];
export const SLOWEST_BPM = 20;
export const FASTEST_BPM = 400;
export const FOUND: Rhythm = { tempo_bpm: null, time_signature: null, bar_one_s: null, taps_s: [] };
/** As many as a session takes. */
const MOST_TAPS = 256;
/** Two rows of taps whose tempi differ by no more say the same tempo. */
const SAME_TEMPO = 0.08;

/** Whether anything is decided. */
export function isLocked(rhythm: Rhythm): boolean {
  return isTempoLocked(rhythm) || rhythm.time_signature !== null || rhythm.bar_one_s !== null;
}

export function isTempoLocked({ tempo_bpm, taps_s }: Rhythm): boolean {
  return tempo_bpm !== null || taps_s.length > 1;
}

export function isTempo(bpm: number | null): boolean {
  return bpm !== null && bpm >= SLOWEST_BPM && bpm <= FASTEST_BPM;
}

/**
 * Taps that hold from now on. A new row goes on where an earlier one of its tempo left off, so that a player who has
 * drifted away from the bars taps them right again; one of another tempo takes its place.
 */
export function joined(held: readonly number[], row: readonly number[]): readonly number[] {
  const [before, now] = [tempoOf(held.slice(-9)), tempoOf(row)];
  const goesOn = (held.at(-1) ?? Infinity) < (row[0] ?? -Infinity);
  if (before === null || now === null || !goesOn || Math.abs(now / before - 1) > SAME_TEMPO) return row;
  return [...held, ...row].slice(-MOST_TAPS);
}

/** What is decided, for a person. */
export function rhythmLine(rhythm: Rhythm): string {
  const said: string[] = [];
  if (rhythm.tempo_bpm !== null) said.push(`${String(Math.round(rhythm.tempo_bpm * 10) / 10)} beats a minute`);
  else if (rhythm.taps_s.length > 1) {
    const bpm = tempoOf(rhythm.taps_s.slice(-9));
    said.push(`beats as you tapped them${bpm === null ? "" : `, ${String(bpm)} a minute`}`);
  }
  if (rhythm.time_signature !== null) said.push(rhythm.time_signature);
  if (rhythm.bar_one_s !== null) said.push(`bar one at ${rhythm.bar_one_s.toFixed(1)} s`);
  return said.length > 0 ? `Locked: ${said.join(", ")}.` : "Bars follow the music.";
}
