import { describe, expect, it } from "vitest";
import { neckPicture } from "../src/lib/neck";
import { DEFAULT_PLAYER, pitchesOf, remember, remembered, tuningLabel, tuningName, wishesOf } from "../src/lib/player";

function storage(kept: Record<string, string> = {}) {
  return {
    getItem: (key: string): string | null => kept[key] ?? null,
    setItem: (key: string, value: string): void => {
      kept[key] = value;
    },
  };
}

describe("what a player asks for", () => {
  it("is remembered, and for the server it has no view", () => {
    const place = storage();
    const choice = { ...DEFAULT_PLAYER, difficulty: "beginner", leftHanded: true, lowOnTop: false };
    remember(place, choice);
    expect(remembered(place)).toEqual(choice);
    expect(wishesOf(choice)).toEqual({ ...DEFAULT_PLAYER, difficulty: "beginner" });
  });

  it.each(["", "{", "null", "[]", '{"capo": "high", "leftHanded": 3}'])("falls back where %j was kept", (text) => {
    const kept = remembered(storage({ "genesis.player": text }));
    expect(kept).toEqual({ ...DEFAULT_PLAYER, leftHanded: false, lowOnTop: false });
  });

  it("names tunings, known ones and free ones", () => {
    expect(pitchesOf("drop_d")).toEqual([64, 59, 55, 50, 45, 38]);
    expect(pitchesOf("64, 59,55,50,45,36")).toEqual([64, 59, 55, 50, 45, 36]);
    for (const wrong of ["", "banjo", "64,59", "64,59,55,,45", "64,59,55,50.5", "1,2,3,4"]) expect(pitchesOf(wrong)).toBeNull();
    expect(tuningName([64, 59, 55, 50, 45, 38])).toBe("drop_d");
    expect(tuningName([64, 59, 55, 50, 45, 36])).toBe("64,59,55,50,45,36");
    expect(tuningLabel([64, 59, 55, 50, 45, 38])).toBe("Drop D");
  });
});

describe("the picture of a neck", () => {
  const places = [
    { string: 1, fret: 0 },
    { string: 3, fret: 9 },
  ];

  it("holds every place, higher frets further from the nut", () => {
    const { dots, frets, width } = neckPicture(places, 6, false);
    expect(dots.map(({ position }) => position)).toEqual(places);
    const nut = frets.find(({ isNut }) => isNut);
    expect(dots[0]?.x).toBeLessThan(nut?.x ?? 0);
    expect(dots[1]?.x).toBeGreaterThan(nut?.x ?? Infinity);
    expect(dots[1]?.x).toBeLessThan(width);
  });

  it("is mirrored for a left-handed player, and strings stay where they are", () => {
    const right = neckPicture(places, 6, false);
    const left = neckPicture(places, 6, true);
    expect(left.dots.map(({ x }) => x)).toEqual(right.dots.map(({ x }) => right.width - x));
    expect(left.frets.map(({ x }) => x)).toEqual(right.frets.map(({ x }) => right.width - x));
    expect(left.dots.map(({ y }) => y)).toEqual(right.dots.map(({ y }) => y));
  });
});
