/** A note in words, for tooltips and screen readers. */

import { seconds } from "../clock";
import type { Note, Position } from "../events";
import { pitchName } from "../tunings";
import { PROVISIONAL } from "./provisional";

/** The flag of a note that no hand can hold together with the surer ones that begin with it. */
export const UNPLAYABLE = "unplayable";

/** Below this a note is marked as doubtful. */
export const LOW_CONFIDENCE = 0.5;

/** "1:05" */
export function clockTime(timeS: number): string {
  const whole = Math.max(0, Math.floor(timeS));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

/** "string 2, fret 5" */
export function describePlace({ string, fret }: Position): string {
  return `string ${string}, ${fret === 0 ? "open" : `fret ${fret}`}`;
}

const TECHNIQUES: Readonly<Record<string, string>> = {
  slide: "slide",
  hammer_on: "hammer-on",
  pull_off: "pull-off",
  bend: "bend",
  vibrato: "vibrato",
  let_ring: "let ring",
};

/** "Bend of 1 semitone, 80 % sure; vibrato, 60 % sure." Empty where there is none. */
export function describeTechniques({ techniques }: Note): string {
  const parts = techniques.map(({ kind, confidence, semitones }) => {
    const amount = semitones === null ? "" : ` of ${semitones} ${semitones === 1 ? "semitone" : "semitones"}`;
    return `${TECHNIQUES[kind] ?? kind}${amount}, ${Math.round(confidence * 100)} % sure`;
  });
  const text = parts.join("; ");
  return text ? `${text.charAt(0).toUpperCase()}${text.slice(1)}.` : "";
}

function describeAbsence({ flags }: Note): string {
  return flags.includes(UNPLAYABLE) ? "more than one hand can hold" : "no place on this neck";
}

export function describeNote(note: Note): string {
  const { position, alternatives } = note;
  const place = position ? describePlace(position) : describeAbsence(note);
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
