/** What a player asks of the neck, and how this screen shows it. The names are the server's. */

import { STANDARD, TUNINGS } from "./tunings";

export const DIFFICULTIES = [
  { name: "beginner", label: "Beginner" },
  { name: "intermediate", label: "Intermediate" },
  { name: "advanced", label: "Advanced" },
] as const;

export const STYLES = [
  { name: "any", label: "Anywhere" },
  { name: "open_position", label: "Open position" },
  { name: "one_position", label: "One position" },
  { name: "along_a_string", label: "Along a string" },
] as const;

export const STRETCHES = [1, 2, 3, 4, 5] as const;
export const MIN_FRETS = 12;
export const MAX_FRETS = 36;

/** What the server is asked for. */
export interface Player {
  /** A tuning's name, or MIDI pitches with commas between, string 1 first. */
  tuning: string;
  capo: number;
  fret_count: number;
  difficulty: string;
  style: string;
  max_stretch: number;
  lowest_fret: number;
  highest_fret: number;
}

/** For the screen alone. */
export interface View {
  /** The neck is drawn as a left-handed player sees it: the nut on the right. */
  leftHanded: boolean;
  /** The tab's lines from low to high, as one looks down on the own guitar. */
  lowOnTop: boolean;
}

export const DEFAULT_PLAYER: Player = {
  tuning: STANDARD.name,
  capo: 0,
  fret_count: 22,
  difficulty: "intermediate",
  style: "any",
  max_stretch: 5,
  lowest_fret: 1,
  highest_fret: MAX_FRETS,
};

/** Open strings of a tuning as it is named or written; null where it is neither. */
export function pitchesOf(tuning: string): readonly number[] | null {
  const known = TUNINGS.find(({ name }) => name === tuning);
  if (known) return known.pitches;
  const pitches = tuning.split(",").map((part) => (part.trim() === "" ? NaN : Number(part)));
  const isTuning = pitches.length >= 4 && pitches.length <= 8;
  return isTuning && pitches.every((p) => Number.isInteger(p) && p >= 12 && p <= 100) ? pitches : null;
}

/** The name of a tuning where it has one, its pitches where it has none. */
export function tuningName(pitches: readonly number[]): string {
  const text = pitches.join();
  return TUNINGS.find((tuning) => tuning.pitches.join() === text)?.name ?? text;
}

/** A tuning in words. */
export function tuningLabel(pitches: readonly number[]): string {
  const text = pitches.join();
  return TUNINGS.find((tuning) => tuning.pitches.join() === text)?.label ?? `Tuning ${text}`;
}

/** What of a choice is for the server. */
export function wishesOf(choice: Player): Player {
  const names = Object.keys(DEFAULT_PLAYER) as (keyof Player)[];
  return Object.fromEntries(names.map((name) => [name, choice[name]])) as unknown as Player;
}

const KEY = "genesis.player";

/** What was chosen on this machine before; what is missing or spoilt takes its default. */
export function remembered(storage: Pick<Storage, "getItem">): Player & View {
  const choice = { ...DEFAULT_PLAYER, leftHanded: false, lowOnTop: false };
  try {
    const kept: unknown = JSON.parse(storage.getItem(KEY) ?? "{}");
    if (typeof kept !== "object" || kept === null) return choice;
    const has = kept as Record<string, unknown>;
    const same = Object.entries(choice).filter(([name, value]) => typeof has[name] === typeof value);
    return { ...choice, ...Object.fromEntries(same.map(([name]) => [name, has[name]])) };
  } catch {
    return choice;
  }
}

/** Whether something was chosen on this machine before. */
export function hasChosen(storage: Pick<Storage, "getItem">): boolean {
  return storage.getItem(KEY) !== null;
}

export function remember(storage: Pick<Storage, "setItem">, choice: Player & View): void {
  try {
    storage.setItem(KEY, JSON.stringify(choice));
  } catch {
    // Private windows may keep nothing; the choice holds for as long as the page is open.
  }
}
