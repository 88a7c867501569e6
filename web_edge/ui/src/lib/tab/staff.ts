/**
 * Where notes stand on a staff. Pure; drawing is `draw-staff`'s.
 *
 * A guitar is written an octave above its sound, under a treble clef; a bass under a bass clef. Heads stand without
 * stems for as long as a tab is being written: it knows when a note begins, and note values only once it is over
 * (`sheet.ts`).
 */

import { spelled } from "../harmony";
import type { PlacedNote } from "./layout";
import type { SheetHead } from "./sheet";

/** Half the distance of two lines is a step; the bottom line is step 0, the top one 8. */
export const TOP_LINE = 8;
const LETTERS = ["C", "D", "E", "F", "G", "A", "B"];
const OCTAVE = 12;
const STEPS_IN_OCTAVE = 7;
/** Heads whose middles are closer than this are drawn at one moment. */
const SAME_MOMENT = 8;
const HEAD_WIDTH = 11;
/** An instrument whose highest string is below this is written under a bass clef. */
const BASS_BELOW = 50;

export type Clef = "treble" | "bass";

/** Letters counted from C0, of the bottom line: E4 and G2. */
const BOTTOM: Readonly<Record<Clef, number>> = { treble: 4 * STEPS_IN_OCTAVE + 2, bass: 2 * STEPS_IN_OCTAVE + 4 };

export interface Head {
  readonly placed: PlacedNote;
  readonly x: number;
  readonly step: number;
  /** "♯", "♭" or "". */
  readonly accidental: string;
}

/** Of a head that the server has spelt. */
export function stepOf({ step, octave }: Pick<SheetHead, "step" | "octave">, clef: Clef): number {
  return (octave + 1) * STEPS_IN_OCTAVE + LETTERS.indexOf(step) - BOTTOM[clef];
}

export function clefFor(tuning: readonly number[]): Clef {
  return Math.max(...tuning) < BASS_BELOW ? "bass" : "treble";
}

/** @param key in Harte syntax, which decides between sharps and flats; "" for none */
export function headOf(placed: PlacedNote, clef: Clef, key: string): Head {
  const written = placed.note.pitch + OCTAVE;
  const name = spelled(written, key);
  const octave = Math.floor(written / OCTAVE) - 1;
  const step = octave * STEPS_IN_OCTAVE + LETTERS.indexOf(name.charAt(0)) - BOTTOM[clef];
  return { placed, x: placed.x, step, accidental: name.slice(1) };
}

/** The heads of a bar; of two that touch, the upper one stands a head further to the right. */
export function headsOf(notes: readonly PlacedNote[], clef: Clef, key: string): Head[] {
  const heads = notes.map((placed) => headOf(placed, clef, key)).sort((a, b) => a.x - b.x || a.step - b.step);
  const put: Head[] = [];
  for (const head of heads) {
    const touches = put.some(({ x, placed, step }) => {
      return Math.abs(placed.x - head.x) < SAME_MOMENT && x === placed.x && Math.abs(step - head.step) <= 1;
    });
    put.push(touches ? { ...head, x: head.x + HEAD_WIDTH } : head);
  }
  return put;
}

/** Steps of the short lines that a head above or below the staff needs. */
export function ledgersOf(step: number): number[] {
  const lines: number[] = [];
  for (let line = -2; line >= step; line -= 2) lines.push(line);
  for (let line = TOP_LINE + 2; line <= step; line += 2) lines.push(line);
  return lines;
}
