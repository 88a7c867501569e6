import { describe, expect, it } from "vitest";
import type { Score } from "../src/lib/document";
import type { Note, Technique } from "../src/lib/events";
import { describeNote, describeTechniques } from "../src/lib/tab/describe";
import { layOut } from "../src/lib/tab/layout";
import { bendText } from "../src/lib/tab/marks";
import { walk } from "../src/lib/tab/walk";
import { moved } from "../src/lib/versions.svelte";
import { toDocument } from "../src/lib/document";
import { SessionState } from "../src/lib/session-state";
import { noteAt } from "./support";

const WIDTH = 1034;

function played(kind: string, to = "", semitones: number | null = null): { techniques: Technique[] } {
  return { techniques: [{ kind, to, confidence: 0.8, semitones }] };
}

function barsOf(...notes: Note[]) {
  const score: Score = { tuning: [64, 59, 55, 50, 45, 40], capo: 0, notes, gaps: [], duration: 0 };
  return layOut(score, 0, WIDTH).systems.flatMap(({ bars }) => bars);
}

describe("signs on the tab", () => {
  it("join two notes, also over a bar line", () => {
    const bars = barsOf(noteAt("a", 1.9, 1, { ...played("slide", "b"), pitch: 62 }), noteAt("b", 2.1));
    const [mark] = bars[0]?.marks ?? [];
    expect(mark).toMatchObject({ kind: "slide", string: 1, isUp: true });
    expect(mark?.toX).toBe(bars[1]?.notes[0]?.x);
    expect(bars[1]?.marks).toEqual([]);
  });

  it("end with their system where the other note stands in the next one", () => {
    const bars = barsOf(noteAt("a", 7.9, 1, played("pull_off", "b")), noteAt("b", 8.1));
    expect(bars[3]?.marks[0]?.toX).toBeCloseTo(WIDTH);
    expect(bars[3]?.marks[0]?.text).toBe("P");
  });

  it("change the key of their bar, and of no other", () => {
    const plain = barsOf(noteAt("a", 0.5), noteAt("b", 2.5));
    const bent = barsOf(noteAt("a", 0.5, 1, played("bend", "", 2)), noteAt("b", 2.5));
    expect(bent[0]?.key).not.toBe(plain[0]?.key);
    expect(bent[1]?.key).toBe(plain[1]?.key);
  });

  it("leave out what is not known, and what has no place", () => {
    expect(barsOf(noteAt("a", 0.5, 1, played("tapping")))[0]?.marks).toEqual([]);
    expect(barsOf(noteAt("a", 0.5, 1, { ...played("vibrato"), position: null }))[0]?.marks).toEqual([]);
  });

  it("say how far a bend goes as guitarists do", () => {
    expect([0.5, 1, 1.5, 2, 3, 4, 0.1].map(bendText)).toEqual(["¼", "½", "¾", "full", "1½", "2", "¼"]);
  });

  it("are told in words", () => {
    const note = noteAt("a", 0.5, 1, played("bend", "", 1));
    expect(describeTechniques(note)).toBe("Bend of 1 semitone, 80 % sure.");
    expect(describeTechniques(noteAt("a", 0.5))).toBe("");
    const crowd = noteAt("a", 0.5, 1, { position: null, flags: ["unplayable"] });
    expect(describeNote(crowd)).toContain("more than one hand can hold");
  });
});

describe("walking over the notes", () => {
  const notes = ["a", "b", "c"].map((id, i) => noteAt(id, i));

  it("goes on and back and stops at the ends", () => {
    expect(walk(notes, "", "ArrowRight")?.id).toBe("a");
    expect(walk(notes, "a", "ArrowRight")?.id).toBe("b");
    expect(walk(notes, "a", "ArrowLeft")?.id).toBe("a");
    expect(walk(notes, "c", "ArrowRight")?.id).toBe("c");
    expect(walk(notes, "a", "End")?.id).toBe("c");
    expect(walk(notes, "a", "x")).toBeNull();
    expect(walk([], "", "ArrowRight")).toBeNull();
  });
});

describe("a note that is put elsewhere", () => {
  it("keeps its pitch, and where it was becomes another place", () => {
    const state = new SessionState();
    const note = noteAt("a", 0.5, 1, { pitch: 64, position: { string: 1, fret: 0 } });
    state.notes.set("a", { ...note, alternatives: [{ string: 2, fret: 5, cost: 1 }] });
    const [there] = moved(toDocument(state), "a", 2).notes;
    expect(there).toMatchObject({ string: 2, fret: 5, pitch: 64, alternatives: [{ string: 1, fret: 0, cost: 0 }] });
    expect(moved(toDocument(state), "nobody", 2)).toEqual(toDocument(state));
  });
});
