import { describe, expect, it } from "vitest";
import { placeProvisionally, PROVISIONAL } from "../src/lib/tab/provisional";
import { STANDARD } from "../src/lib/tunings";
import { noteAt } from "./support";

const tuning = STANDARD.pitches;
const unplaced = (id: string, onsetS: number, pitch: number) =>
  noteAt(id, onsetS, 1, { state: "tentative", position: null, pitch });

function placesOf(...notes: ReturnType<typeof noteAt>[]) {
  return placeProvisionally({ notes, tuning, capo: 0 }).map(({ position }) => position);
}

describe("places for what has none yet", () => {
  it("yield the note's pitch, and say that they are provisional", () => {
    const [note] = placeProvisionally({ notes: [unplaced("a", 1, 67)], tuning, capo: 2 });
    expect(note?.flags).toContain(PROVISIONAL);
    const { string = 0, fret = 0 } = note?.position ?? {};
    expect((tuning[string - 1] ?? 0) + 2 + fret).toBe(67);
  });

  it("are near where the hand was", () => {
    const high = noteAt("h", 0, 2, { position: { string: 2, fret: 9 } });
    expect(placesOf(high, unplaced("a", 1, 69)).at(-1)).toEqual({ string: 2, fret: 10 });
    expect(placesOf(unplaced("a", 1, 69)).at(-1)).toEqual({ string: 1, fret: 5 });
  });

  it("give notes struck together a string each", () => {
    const places = placesOf(unplaced("a", 1, 64), unplaced("b", 1.01, 65), unplaced("c", 1.02, 60));
    expect(new Set(places.map((place) => place?.string)).size).toBe(3);
  });

  it("leave alone what is decided, and what the neck has no place for", () => {
    const off = noteAt("off", 1, 1, { position: null, pitch: 20, flags: ["out_of_range"] });
    const notes = [noteAt("a", 0), off, unplaced("b", 2, 20)];
    expect(placeProvisionally({ notes, tuning, capo: 0 })).toEqual(notes);
  });
});
