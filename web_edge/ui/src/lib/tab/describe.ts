/** A note in words, for tooltips and screen readers. */

import { seconds } from "../clock";
import type { Note } from "../events";
import { pitchName } from "../tunings";
import { PROVISIONAL } from "./provisional";

/** Below this a note is marked as doubtful. */
export const LOW_CONFIDENCE = 0.5;

/** "1:05" */
export function clockTime(timeS: number): string {
  const whole = Math.max(0, Math.floor(timeS));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

export function describeNote(note: Note): string {
  const { position, alternatives } = note;
  const place = position
    ? `string ${position.string}, ${position.fret === 0 ? "open" : `fret ${position.fret}`}`
    : "no place on this neck";
  const sure = `${Math.round(note.confidence * 100)} % sure`;
  const parts = [`${pitchName(note.pitch)} at ${seconds(note.onset).toFixed(2)} s: ${place}, ${sure}`];
  if (note.flags.includes(PROVISIONAL)) parts.push("its place is not decided yet");
  else if (note.state === "tentative") parts.push("may still change");
  if (alternatives.length > 0) {
    const others = alternatives.slice(0, 3).map((other) => `string ${other.string} fret ${other.fret}`);
    parts.push(`or ${others.join(", ")}`);
  }
  return `${parts.join("; ")}.`;
}
