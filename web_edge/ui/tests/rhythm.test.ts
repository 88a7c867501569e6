import { describe, expect, it } from "vitest";
import { FOUND, isLocked, isTempo, joined, rhythmLine } from "../src/lib/rhythm";

const row = (from: number, apart: number, count = 4): number[] =>
  Array.from({ length: count }, (_, n) => from + apart * n);

describe("taps while the music plays", () => {
  it("go on where a row of the same tempo left off", () => {
    expect(joined(row(1, 0.5), row(20, 0.51))).toEqual([...row(1, 0.5), ...row(20, 0.51)]);
  });

  it.each([
    ["of another tempo", row(1, 0.5), row(20, 0.6)],
    ["before what holds", row(10, 0.5), row(2, 0.5)],
    ["that are the first", [], row(2, 0.5)],
    ["too few to say a tempo", row(1, 0.5), row(9, 0.5, 2)],
  ])("take the place of what holds when they are %s", (_what, held, now) => {
    expect(joined(held, now)).toEqual(now);
  });

  it("are no more than a session takes", () => {
    const many = joined(row(1, 0.5, 255), row(200, 0.5));
    expect([many.length, many.at(-1)]).toEqual([256, 201.5]);
  });
});

describe("what is decided", () => {
  it("is told in a sentence", () => {
    expect(rhythmLine(FOUND)).toBe("Bars follow the music.");
    expect(rhythmLine({ ...FOUND, tempo_bpm: 96, time_signature: "3/4", bar_one_s: 2.31 })).toBe(
      "Locked: 96 beats a minute, 3/4, bar one at 2.3 s.",
    );
    expect(rhythmLine({ ...FOUND, taps_s: row(1, 0.5) })).toBe("Locked: beats as you tapped them, 120 a minute.");
  });

  it("is something, or nothing", () => {
    expect(isLocked(FOUND)).toBe(false);
    expect(isLocked({ ...FOUND, bar_one_s: 0 })).toBe(true);
    expect([19, 20, 400, 401, NaN, null].map(isTempo)).toEqual([false, true, true, false, false, false]);
  });
});
