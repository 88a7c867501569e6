import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Chord, Key } from "../src/lib/events";
import { harmonyLine, keysLine, romanNumeral, scalesFor } from "../src/lib/roman";

interface Cases {
  numerals: [string, string, string][];
  scales: [string, string[], string[]][];
}

const FILE = join(import.meta.dirname, "../../../tests/music/roman_cases.json");
const cases = JSON.parse(readFileSync(FILE, "utf8")) as Cases;

const keyAt = (start: number, key: string): Key => ({ start, end: start + 10, key, confidence: 1 });
const chordAt = (start: number, symbol: string): Chord => ({ start, end: start + 2, symbol, confidence: 1 });

describe("roman numerals and scales", () => {
  it("are those of the Python twin", () => {
    const found = cases.numerals.map(([symbol, key]) => [symbol, key, romanNumeral(symbol, key)]);
    expect(found).toEqual(cases.numerals);
    for (const [key, symbols, names] of cases.scales) {
      const tonic = key.split(":")[0] ?? "";
      expect(scalesFor(key, symbols).map((name) => `${tonic} ${name.replace(" ", "_")}`)).toEqual(names);
    }
  });

  it("are told of the key that holds, each chord once", () => {
    const symbols = ["E:min", "B:7", "E:min", "N"];
    const chords = [chordAt(0, "C:maj"), ...symbols.map((symbol, index) => chordAt(12 + 2 * index, symbol))];
    expect(harmonyLine([keyAt(0, "C:major"), keyAt(10, "E:minor")], chords)).toBe(
      "Em (i) B7 (V7) · over it: E natural minor, harmonic minor, minor pentatonic, blues",
    );
    expect(harmonyLine([], chords)).toBe("");
    expect(harmonyLine([keyAt(0, "")], chords)).toBe("");
  });

  it("say where a piece modulates", () => {
    const keys = ["E:minor", "", "E:minor", "E:major"].map((key, index) => keyAt(10 * index, key));
    expect(keysLine(keys)).toBe("E minor → E major");
    expect(keysLine([])).toBe("");
  });
});
