/** From note to note with the keyboard. */

import type { Note } from "../events";

/**
 * The note that an arrow key leads to, in the order of time and, within a chord, of pitch.
 *
 * @param notes by onset, then pitch
 * @param from id of the present one; the first note when it is none of them
 */
export function walk(notes: readonly Note[], from: string, key: string): Note | null {
  const at = notes.findIndex(({ id }) => id === from);
  if (at < 0) return notes[0] ?? null;
  switch (key) {
    case "ArrowRight":
    case "ArrowUp":
      return notes[Math.min(at + 1, notes.length - 1)] ?? null;
    case "ArrowLeft":
    case "ArrowDown":
      return notes[Math.max(at - 1, 0)] ?? null;
    case "Home":
      return notes[0] ?? null;
    case "End":
      return notes.at(-1) ?? null;
    default:
      return null;
  }
}
