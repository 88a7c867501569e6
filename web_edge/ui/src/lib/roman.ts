/** What a key makes of chords, and what to play over them: twin of music/roman.py. */

import type { Chord, Key } from "./events";
import { pitchClass, pretty, prettyKey } from "./harmony";

const NUMERALS = ["I", "♭II", "II", "♭III", "III", "IV", "♯IV", "V", "♭VI", "VI", "♭VII", "VII"];
const IN_MINOR: Record<number, string> = { 3: "III", 8: "VI", 10: "VII" };
const MINOR_KINDS = ["min", "min7", "min6", "dim", "dim7", "hdim7"];
const SUFFIXES: Record<string, string> = {
  maj: "",
  min: "",
  dim: "°",
  dim7: "°7",
  hdim7: "ø7",
  aug: "+",
  min7: "7",
  maj6: "6",
  min6: "6",
};
/** More than a line holds. */
const MOST_CHORDS = 8;
const MOST_KEYS = 3;

/** A chord (Harte) as a degree of a key: "ii7", "V7"; "" where either is unknown. */
export function romanNumeral(symbol: string, key: string): string {
  if (symbol === "N" || !symbol || !key) return "";
  const [tonic = "", mode = ""] = key.split(":");
  const [root = "", kind = "maj"] = (symbol.split("/")[0] ?? "").split(":");
  const degree = (pitchClass(root) - pitchClass(tonic) + 12) % 12;
  const numeral = (mode === "minor" ? IN_MINOR[degree] : undefined) ?? NUMERALS[degree] ?? "";
  return (MINOR_KINDS.includes(kind) ? numeral.toLowerCase() : numeral) + (SUFFIXES[kind] ?? kind);
}

/** Scales that fit a key and the chords in it, likeliest first. */
export function scalesFor(key: string, symbols: readonly string[]): string[] {
  const mode = key.split(":")[1];
  const numerals = new Set(symbols.map((symbol) => romanNumeral(symbol, key)));
  if (mode === "major") return [...(numerals.has("♭VII") ? ["mixolydian"] : []), "major", "major pentatonic"];
  if (mode !== "minor") return [];
  return [
    "natural minor",
    ...(numerals.has("IV") ? ["dorian"] : []),
    ...(numerals.has("V") || numerals.has("V7") ? ["harmonic minor"] : []),
    "minor pentatonic",
    "blues",
  ];
}

/** "E minor → E major": the last keys of a piece, in order. */
export function keysLine(keys: readonly Key[]): string {
  const named = keys.map(({ key }) => prettyKey(key)).filter(Boolean);
  return named.filter((name, index) => name !== named[index - 1]).slice(-MOST_KEYS).join(" → ");
}

/** The chords of the key that holds at the end, each with its degree, and scales to play over them; "" for none. */
export function harmonyLine(keys: readonly Key[], chords: readonly Chord[]): string {
  const now = keys.at(-1);
  if (!now?.key) return "";
  const symbols = [...new Set(chords.filter(({ end }) => end > now.start).map(({ symbol }) => symbol))];
  const degrees = symbols
    .map((symbol) => ({ name: pretty(symbol, now.key), degree: romanNumeral(symbol, now.key) }))
    .filter(({ degree }) => degree !== "");
  if (degrees.length === 0) return "";
  const told = degrees.slice(-MOST_CHORDS).map(({ name, degree }) => `${name} (${degree})`);
  const tonic = prettyKey(now.key).split(" ")[0] ?? "";
  const scales = scalesFor(now.key, symbols).join(", ");
  return `${told.join(" ")} · over it: ${tonic} ${scales}`;
}
