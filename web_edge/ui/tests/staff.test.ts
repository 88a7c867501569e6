import { describe, expect, it } from "vitest";
import type { Note } from "../src/lib/events";
import type { PlacedNote } from "../src/lib/tab/layout";
import { clefFor, headOf, headsOf, ledgersOf } from "../src/lib/tab/staff";
import { TUNINGS } from "../src/lib/tunings";

function at(pitch: number, x = 0): PlacedNote {
  return { note: { pitch } as Note, x };
}

describe("a staff", () => {
  it("puts the open strings of a guitar where guitarists read them", () => {
    // E4 sounds as the upper string and is written E5, on the top space; the lowest E lies under three short lines.
    const steps = [64, 59, 55, 50, 45, 40].map((pitch) => headOf(at(pitch), "treble", "").step);
    expect(steps).toEqual([7, 4, 2, -1, -4, -7]);
    expect(ledgersOf(-7)).toEqual([-2, -4, -6]);
    expect(ledgersOf(0)).toEqual([]);
    expect(ledgersOf(-1)).toEqual([]);
    expect(ledgersOf(11)).toEqual([10]);
  });

  it("writes a bass under a bass clef", () => {
    const clefs = Object.fromEntries(TUNINGS.map(({ name, pitches }) => [name, clefFor(pitches)]));
    expect(clefs).toMatchObject({ standard: "treble", eight_string: "treble", ukulele: "treble", bass: "bass" });
    // The four open strings of a bass, G to E.
    expect([43, 38, 33, 28].map((pitch) => headOf(at(pitch), "bass", "").step)).toEqual([7, 4, 1, -2]);
  });

  it("spells by the key", () => {
    const signs = (key: string): string[] => [61, 63, 66].map((pitch) => headOf(at(pitch), "treble", key).accidental);
    expect(signs("")).toEqual(["♯", "♯", "♯"]);
    expect(signs("Ab:major")).toEqual(["♭", "♭", "♭"]);
    expect(headOf(at(61), "treble", "").step).toBe(headOf(at(60), "treble", "").step);
    expect(headOf(at(61), "treble", "Ab:major").step).toBe(headOf(at(62), "treble", "").step);
  });

  it("sets a head aside that would lie on another", () => {
    const xs = (...notes: PlacedNote[]): number[] => headsOf(notes, "treble", "").map(({ x }) => x);
    expect(xs(at(60), at(64), at(67))).toEqual([0, 0, 0]);
    expect(xs(at(60), at(62))).toEqual([0, 11]);
    expect(xs(at(60), at(61))).toEqual([0, 11]);
    expect(xs(at(60), at(62), at(64))).toEqual([0, 11, 0]);
    expect(xs(at(60), at(62, 20))).toEqual([0, 20]);
  });
});
