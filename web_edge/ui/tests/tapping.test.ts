import { describe, expect, it } from "vitest";
import { tapped, tempoOf } from "../src/lib/tapping";

describe("taps", () => {
  it("are a row until there is a pause or the music starts again", () => {
    const row = [0.5, 1, 1.5].reduce<number[]>(tapped, []);
    expect(row).toEqual([0.5, 1, 1.5]);
    expect(tapped(row, 5)).toEqual([5]);
    expect(tapped(row, 0.2)).toEqual([0.2]);
  });

  it("say a tempo when there are three, by the median of the waits", () => {
    expect(tempoOf([0, 0.5])).toBeNull();
    expect(tempoOf([0, 0.5, 1])).toBe(120);
    expect(tempoOf([0, 0.5, 1, 2.5, 3])).toBe(120);
    expect(tempoOf([0, 0.5, 1.1])).toBeCloseTo(109.1, 1);
    expect(tempoOf([0, 0.01, 0.02])).toBeNull();
  });
});
