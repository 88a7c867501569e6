import { describe, expect, it } from "vitest";
import { sampleAt } from "../src/lib/clock";
import type { Score } from "../src/lib/document";
import type { Note } from "../src/lib/events";
import { BAR_S, CLEF_WIDTH, cursorAt, layOut, type Bar, type TabLayout } from "../src/lib/tab/layout";
import { noteAt as note } from "./support";

const WIDTH = 1034;

function score(...notes: Note[]): Score {
  return { tuning: [64, 59, 55, 50, 45, 40], capo: 0, notes, gaps: [], duration: 0, bars: [], chords: [], keys: [] };
}

function barsOf(layout: TabLayout): Bar[] {
  return layout.systems.flatMap(({ bars }) => bars);
}

describe("the layout of a tab", () => {
  it("begins with one empty bar", () => {
    const bars = barsOf(layOut(score(), 0, WIDTH));
    expect(bars.map(({ index, notes }) => [index, notes.length])).toEqual([[0, 0]]);
  });

  it("grows bar by bar with time, and with notes ahead of it", () => {
    expect(barsOf(layOut(score(), 3.9, WIDTH))).toHaveLength(2);
    expect(barsOf(layOut(score(), 4, WIDTH))).toHaveLength(3);
    expect(barsOf(layOut(score(note("a", 9)), 0, WIDTH))).toHaveLength(5);
  });

  it("breaks into systems that fill the width", () => {
    const layout = layOut(score(), 11, WIDTH);
    expect(layout.systems.map(({ bars }) => bars.length)).toEqual([4, 2]);
    for (const { bars } of layout.systems) expect(bars[0]?.x).toBe(CLEF_WIDTH);
    const last = layout.systems[0]?.bars.at(-1);
    expect((last?.x ?? 0) + (last?.width ?? 0)).toBeCloseTo(WIDTH);
  });

  it("has one bar a system on a phone", () => {
    expect(layOut(score(), 5, 330).systems).toHaveLength(3);
  });

  it("has as many strings as the tuning", () => {
    expect(layOut({ ...score(), tuning: [43, 38, 33, 28] }, 0, WIDTH).stringCount).toBe(4);
  });

  it("puts a note in the bar of its onset, a later one further right", () => {
    const bars = barsOf(layOut(score(note("a", 0.5), note("b", 1.5), note("c", BAR_S)), 0, WIDTH));
    expect(bars.map(({ notes }) => notes.map((placed) => placed.note.id))).toEqual([["a", "b"], ["c"]]);
    const [a, b] = bars[0]?.notes ?? [];
    expect(b?.x).toBeGreaterThan(a?.x ?? Infinity);
  });

  it("writes what is struck a moment before a bar line right after it", () => {
    const bar = (number: number, startS: number) => ({
      ...{ number, beats: [0, 1, 2].map((beat) => sampleAt(startS + beat * 0.6)), end: sampleAt(startS + 1.8) },
      ...{ count: 3, unit: 4, confidence: 1, swing: 0.5 },
    });
    const notes = [note("upbeat", 2.1), note("rolled", 2.24, 3), note("beat", 2.3)];
    const tab = layOut({ ...score(...notes), bars: [bar(1, 0.5), bar(2, 2.3)] }, 0, WIDTH);
    const written = barsOf(tab).map(({ number, notes: placed }) => [number, placed.map(({ note: n }) => n.id).sort()]);
    expect(written).toEqual([[null, []], [1, ["upbeat"]], [2, ["beat", "rolled"]]]);
    const [rolled, beat] = barsOf(tab)[2]?.notes ?? [];
    expect(rolled?.x).toBe(beat?.x);
  });

  it("keeps digits on one string apart and inside the bar, and lets chords stand together", () => {
    const crowd = [1.9, 1.92, 1.94, 1.96, 1.98].map((onset, i) => note(`n${i}`, onset));
    const [bar] = barsOf(layOut(score(...crowd, note("chord", 1.9, 2)), 0, WIDTH));
    const xs = (bar?.notes ?? []).filter(({ note: n }) => n.position?.string === 1).map(({ x }) => x);
    const distances = xs.slice(1).map((x, i) => x - (xs[i] ?? 0));
    expect(Math.min(...distances)).toBeGreaterThanOrEqual(14.9);
    expect(Math.max(...xs)).toBeLessThan((bar?.x ?? 0) + (bar?.width ?? 0));
    const chord = bar?.notes.find(({ note: n }) => n.id === "chord");
    expect(chord?.x).toBeCloseTo(cursorAt(layOut(score(), 0, WIDTH), 1.9).x, 1);
  });

  it("keeps the key of a bar whose looks have not changed, and changes the others'", () => {
    const before = barsOf(layOut(score(note("a", 0.5), note("b", 2.5)), 3, WIDTH));
    const settled = note("b", 2.5, 2);
    const after = barsOf(layOut(score(note("a", 0.5), settled), 3, WIDTH));
    expect(after[0]?.key).toBe(before[0]?.key);
    expect(after[1]?.key).not.toBe(before[1]?.key);
  });

  it("draws again when a note settles where it stood", () => {
    const keyOf = (state: Note["state"]) => barsOf(layOut(score(note("a", 0.5, 1, { state })), 0, WIDTH))[0]?.key;
    expect(keyOf("tentative")).not.toBe(keyOf("committed"));
  });

  it("shows a gap in every bar it touches", () => {
    const gap = { kind: "gap", start: sampleAt(1.5), end: sampleAt(2.5), cause: "lost" } as const;
    const bars = barsOf(layOut({ ...score(), gaps: [gap] }, 5, WIDTH));
    expect(bars.map(({ gaps }) => gaps.length)).toEqual([1, 1, 0]);
  });
});

describe("the cursor", () => {
  const layout = layOut(score(), 20, WIDTH);

  it("moves right within a system and down at its end", () => {
    expect(cursorAt(layout, 0).system).toBe(0);
    expect(cursorAt(layout, 3).x).toBeGreaterThan(cursorAt(layout, 1).x);
    expect(cursorAt(layout, 8).system).toBe(1);
    expect(cursorAt(layout, 8).x).toBeCloseTo(cursorAt(layout, 0).x);
  });

  it("stands on the note that sounds", () => {
    const [bar] = barsOf(layOut(score(note("a", 1.25)), 0, WIDTH));
    expect(bar?.notes[0]?.x).toBeCloseTo(cursorAt(layout, 1.25).x, 1);
  });
});
