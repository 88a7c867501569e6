import { describe, expect, it } from "vitest";
import { sampleAt } from "../src/lib/clock";
import type { Score } from "../src/lib/document";
import type { Bar } from "../src/lib/events";
import { pretty, prettyKey } from "../src/lib/harmony";
import { cursorAt, layOut } from "../src/lib/tab/layout";
import { spanAt, spansOf } from "../src/lib/tab/spans";
import { tempoLine } from "../src/lib/tab/tempo";
import { noteAt } from "./support";

function bar(number: number, startS: number, lengthS = 2, confidence = 0.9): Bar {
  const beats = [0, 1, 2, 3].map((beat) => sampleAt(startS + (beat * lengthS) / 4));
  return { number, beats, end: sampleAt(startS + lengthS), count: 4, unit: 4, confidence, swing: 0.5 };
}

function score(bars: readonly Bar[]): Score {
  const chords = [{ start: sampleAt(3), end: sampleAt(6), symbol: "D#:maj7", confidence: 0.8 }];
  const keys = [{ start: 0, end: sampleAt(9), key: "D#:major", confidence: 0.8 }];
  const notes = [noteAt("a", 2.4), noteAt("b", 3.1)];
  return { tuning: [64, 59, 55, 50, 45, 40], capo: 0, notes, gaps: [], duration: 0, bars, chords, keys };
}

describe("bars of a tab", () => {
  it("are the tracked ones, with plain stretches before and after", () => {
    const spans = spansOf(score([bar(1, 3, 1.5), bar(2, 4.5, 1.6)]), 9);
    expect(spans.map(({ startS, endS, bar: b }) => [startS.toFixed(1), endS.toFixed(1), b?.number ?? null])).toEqual([
      ["0.0", "2.0", null],
      ["2.0", "3.0", null],
      ["3.0", "4.5", 1],
      ["4.5", "6.1", 2],
      ["6.1", "8.1", null],
      ["8.1", "10.1", null],
    ]);
    expect([-1, 0, 2.9, 3, 99].map((at) => spanAt(spans, at))).toEqual([0, 0, 1, 2, 5]);
  });

  it("hold the notes and chords of their time, and say a metre once", () => {
    const bars = layOut(score([bar(1, 2, 1), bar(2, 3, 1, 0.2)]), 0, 1034).systems.flatMap((system) => system.bars);
    expect(bars.map(({ notes }) => notes.map(({ note }) => note.id))).toEqual([[], ["a"], ["b"]]);
    expect(bars.map(({ signature }) => signature)).toEqual(["", "4/4", ""]);
    expect(bars.map(({ chords }) => chords.map(({ text }) => text))).toEqual([[], [], ["E♭maj7"]]);
    expect(bars.map(({ isUnsure }) => isUnsure)).toEqual([false, false, true]);
    expect(bars.map(({ beatXs }) => beatXs.length)).toEqual([0, 3, 3]);
  });

  it("let the cursor stand on the note that sounds", () => {
    const layout = layOut(score([bar(1, 2, 1.3)]), 0, 1034);
    const placed = layout.systems.flatMap(({ bars }) => bars).flatMap(({ notes }) => notes);
    expect(placed[0]?.x).toBeCloseTo(cursorAt(layout, 2.4).x, 0);
  });

  it("are told in words, doubt too", () => {
    expect(tempoLine([])).toContain("no bars known");
    expect(tempoLine([bar(1, 0)])).toBe("120 beats a minute, 4/4");
    expect(tempoLine([bar(1, 0, 2, 0.1)])).toContain("doubtful");
  });
});

describe("chords and keys", () => {
  it("are spelled as the key has them", () => {
    expect([pretty("D#:maj7", "D#:major"), pretty("F#:min"), pretty("A:min/b3"), pretty("N")]).toEqual([
      "E♭maj7",
      "F♯m",
      "Am/C",
      "",
    ]);
    expect([prettyKey("D#:major"), prettyKey("")]).toEqual(["E♭ major", ""]);
  });
});
