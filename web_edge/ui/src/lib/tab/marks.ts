/** How notes are played, as signs on the tab: which sign goes where. Pure; `draw-marks.ts` draws them. */

import type { Note, Technique } from "../events";

export interface Mark {
  readonly noteId: string;
  readonly kind: string;
  readonly string: number;
  /** Pixels from the system's left edge to the digit's middle. */
  readonly x: number;
  /** The same of the note it leads to, or of the system's end where that stands in the next one; null for none. */
  readonly toX: number | null;
  /** Whether the pitch goes up. */
  readonly isUp: boolean;
  /** What is written at the sign: "H", "P", how far a bend goes. */
  readonly text: string;
}

export interface Place {
  readonly system: number;
  readonly x: number;
  readonly note: Note;
}

const KINDS = new Set(["slide", "hammer_on", "pull_off", "bend", "vibrato", "let_ring"]);
const LETTERS: Readonly<Record<string, string>> = { hammer_on: "H", pull_off: "P" };

/**
 * The signs of one note.
 *
 * @param from where it stands
 * @param places where all notes stand, by id
 * @param endX right edge of the system
 */
export function marksOf(from: Place, places: ReadonlyMap<string, Place>, endX: number): Mark[] {
  const { note, x } = from;
  if (!note.position) return [];
  const { string } = note.position;
  return note.techniques
    .filter(({ kind }) => KINDS.has(kind))
    .map((technique) => {
      const to = places.get(technique.to);
      const toX = to ? (to.system === from.system ? to.x : endX) : null;
      const isUp = to ? to.note.pitch >= note.pitch : (technique.semitones ?? 1) >= 0;
      return { noteId: note.id, kind: technique.kind, string, x, toX, isUp, text: textOf(technique) };
    });
}

function textOf({ kind, semitones }: Technique): string {
  return kind === "bend" ? bendText(semitones ?? 0) : (LETTERS[kind] ?? "");
}

/** A bend as guitarists write it, in whole tones: "¼", "½", "full", "1½", "2". */
export function bendText(semitones: number): string {
  const quarters = Math.max(1, Math.round(Math.abs(semitones) * 2));
  if (quarters === 4) return "full";
  const whole = Math.floor(quarters / 4);
  return `${whole > 0 ? whole : ""}${["", "¼", "½", "¾"][quarters % 4] ?? ""}`;
}

/** Equal keys look the same. */
export function keyOfMark({ noteId, kind, string, x, toX, isUp, text }: Mark): string {
  return `${noteId}:${kind},${string},${x.toFixed(1)},${toX?.toFixed(1) ?? ""},${isUp},${text}`;
}
