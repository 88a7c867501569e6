/**
 * A place for what has none yet: the server decides on string and fret when a note settles, but a digit in parentheses
 * now says more than a pitch. Only for the screen; files and the session's state never hold these.
 */

import { sampleAt } from "../clock";
import type { Score } from "../document";
import type { Note, Position } from "../events";

export const PROVISIONAL = "provisional";

const LAST_FRET = 22;
/** Notes struck this close together need a string each. */
const TOGETHER = sampleAt(0.06);
/** An open string is as good as a fret this far from the hand. */
const OPEN_COST = 1;

/** The notes, in their order; tentative ones without a place get the one nearest to where the hand was last. */
export function placeProvisionally({ notes, tuning, capo }: Pick<Score, "notes" | "tuning" | "capo">): Note[] {
  const placed: Note[] = [];
  let hand = 0;
  for (const note of notes) {
    if (note.position !== null || note.state !== "tentative") {
      placed.push(note);
      hand = note.position?.fret || hand;
      continue;
    }
    const taken = stringsTaken(placed, note.onset);
    const position = nearest(candidates(note.pitch, tuning, capo, taken), hand);
    placed.push(position ? { ...note, position, flags: [...note.flags, PROVISIONAL] } : note);
  }
  return placed;
}

function stringsTaken(placed: readonly Note[], onset: number): Set<number> {
  const taken = new Set<number>();
  for (let i = placed.length - 1; i >= 0; i -= 1) {
    const note = placed[i];
    if (!note || onset - note.onset > TOGETHER) break;
    if (note.position) taken.add(note.position.string);
  }
  return taken;
}

function candidates(pitch: number, tuning: readonly number[], capo: number, taken: ReadonlySet<number>): Position[] {
  return tuning
    .map((open, i) => ({ string: i + 1, fret: pitch - open - capo }))
    .filter(({ string, fret }) => fret >= 0 && fret <= LAST_FRET - capo && !taken.has(string));
}

function nearest(positions: readonly Position[], hand: number): Position | null {
  const cost = ({ fret }: Position): number => (fret === 0 ? OPEN_COST : Math.abs(fret - hand));
  return positions.reduce<Position | null>((best, next) => (best && cost(best) <= cost(next) ? best : next), null);
}
