import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { sampleAt, seconds } from "../src/lib/clock";
import { scoreOf, type TranscriptionDocument } from "../src/lib/document";
import { CLEF_WIDTH, cursorAt, layOut, type Bar, type TabLayout } from "../src/lib/tab/layout";
import { keyAt, restStep } from "../src/lib/tab/rests";
import { value, voicesOf, writtenOver, type NotationSheet, type SheetBar, type SheetSymbol } from "../src/lib/tab/sheet";
import { anchorsOf, leastWidth, signature, xAtPlace } from "../src/lib/tab/spacing";
import { spansOf } from "../src/lib/tab/spans";
import { stepOf } from "../src/lib/tab/staff";
import { BARE_STAFF, beatOf, keyWidth, staffRoom } from "../src/lib/tab/staff-room";

interface Case {
  readonly name: string;
  readonly file: TranscriptionDocument;
  readonly notation: NotationSheet;
}

const FOLDER = join(import.meta.dirname, "../../../tests/notation");
const CASES = readdirSync(FOLDER)
  .filter((name) => name.endsWith(".json"))
  .map((name) => ({ name, ...(JSON.parse(readFileSync(join(FOLDER, name), "utf8")) as Omit<Case, "name">) }));
const WIDE = 1034;
const PHONE = 308;
/** Heads are about this wide; closer they would touch. */
const HEAD = 11;

function caseOf(name: string): Case {
  const found = CASES.find((one) => one.name === `${name}.json`);
  if (!found) throw new Error(`there is no case ${name}`);
  return found;
}

function laidOut({ file, notation }: Case, width = WIDE): TabLayout {
  return layOut(scoreOf(file), file.duration_s, width, notation);
}

function barsOf(layout: TabLayout): Bar[] {
  return layout.systems.flatMap(({ bars }) => bars);
}

function symbol(at: number, eighths: number, ...heads: [string, number][]): SheetSymbol {
  return {
    at: [at, 8],
    duration: [eighths, 8],
    base: 8 / eighths,
    dots: 0,
    tuplet: null,
    heads: heads.map(([step, octave]) => ({ id: `${step}${octave}`, step, octave, alter: 0, begins: true, tied: false })),
  };
}

function bar(...voices: SheetSymbol[][]): SheetBar {
  return { number: 1, start_s: 0, end_s: 2, time_signature: "4/4", length: [1, 1], voices: [voices[0] ?? [], voices[1] ?? []] };
}

describe.each(CASES)("the note values of $name", (piece) => {
  it("belong to the bars of the tab, each note to one of them", () => {
    const spans = spansOf(scoreOf(piece.file), piece.file.duration_s);
    const written = writtenOver(piece.notation, spans);
    expect(written.bars.size).toBe(piece.notation.bars.length);
    expect([...written.places.keys()].sort()).toEqual(piece.file.notes.map(({ id }) => id).sort());
  });

  it.each([WIDE, PHONE])("stand from left to right within their bar, and do not touch, at %i px", (width) => {
    const layout = laidOut(piece, width);
    for (const { written, x, width: barWidth } of barsOf(layout)) {
      const xs = written?.anchors.map((anchor) => anchor.x) ?? [];
      xs.slice(1).forEach((next, i) => {
        expect(next - (xs[i] ?? 0)).toBeGreaterThan(HEAD / 2 + (width === WIDE ? HEAD / 2 : 0));
      });
      expect(Math.min(...xs, x + barWidth)).toBeGreaterThan(x);
      expect(Math.max(...xs, x)).toBeLessThanOrEqual(x + barWidth + 1e-6);
    }
  });

  it("stand over the digits that play them", () => {
    for (const { notes, written } of barsOf(laidOut(piece))) {
      const symbols = written?.sheet.voices.flat() ?? [];
      for (const { note, x } of notes) {
        const own = symbols.find(({ heads }) => heads.some(({ id, begins }) => begins && id === note.id));
        expect(own).toBeDefined();
        if (own) expect(x).toBeCloseTo(xAtPlace(written?.anchors ?? [], value(own.at)));
      }
    }
  });

  it("let the cursor run on, and meet each bar's first moment when it begins", () => {
    const layout = laidOut(piece);
    let [system, x] = [0, -Infinity];
    for (let timeS = 0; timeS < piece.file.duration_s; timeS += 0.02) {
      const place = cursorAt(layout, timeS);
      if (place.system === system) expect(place.x).toBeGreaterThanOrEqual(x - 1e-6);
      else expect(place.system).toBe(system + 1);
      [system, x] = [place.system, place.x];
    }
    for (const { written, startS } of barsOf(layout)) {
      if (written) expect(cursorAt(layout, startS + 1e-6).x).toBeCloseTo(written.anchors[0]?.x ?? 0, 1);
    }
  });

  it("lead a tie over a bar line to where the next bar begins, in the same system", () => {
    const layout = laidOut(piece);
    for (const { bars } of layout.systems) {
      bars.forEach(({ written }, i) => {
        if (written) expect(written.tieX).toBe(bars[i + 1]?.written?.anchors[0]?.x ?? null);
      });
    }
  });
});

describe("a tab with note values", () => {
  it("gives a bar as much room as it needs", () => {
    expect(laidOut(caseOf("waltz")).barsPerSystem).toBe(4);
    expect(laidOut(caseOf("sixteenths")).barsPerSystem).toBeLessThan(4);
    expect(laidOut(caseOf("sixteenths"), PHONE).barsPerSystem).toBe(1);
  });

  it("makes room for its key beside the clef", () => {
    expect(laidOut(caseOf("sixteenths")).headWidth).toBe(CLEF_WIDTH + keyWidth(-4));
    expect(keyWidth(0)).toBe(0);
    expect([...signature(-2)]).toEqual([["B", -1], ["E", -1]]);
    expect([...signature(1)]).toEqual([["F", 1]]);
  });

  it("is as it was where none are known", () => {
    const { file, notation } = caseOf("waltz");
    const bare = layOut(scoreOf(file), file.duration_s, WIDE);
    expect([bare.headWidth, bare.anchors.size]).toEqual([CLEF_WIDTH, 0]);
    expect(bare.systems.map(({ room }) => room)).toEqual(bare.systems.map(() => BARE_STAFF));
    const later = notation.bars.map((one) => ({ ...one, start_s: one.start_s + 9, end_s: one.end_s + 9 }));
    const other = layOut(scoreOf(file), file.duration_s, WIDE, { ...notation, bars: later });
    expect(barsOf(other).every(({ written }) => written === null)).toBe(true);
    expect(barsOf(other).flatMap(({ notes }) => notes)).toHaveLength(file.notes.length);
  });

  it("draws a bar anew when its values change, and no other", () => {
    const piece = caseOf("waltz");
    const [first, ...rest] = piece.notation.bars;
    if (!first) throw new Error("there are bars");
    const changed = { ...first, voices: first.voices.map((voice) => voice.map((one) => ({ ...one, dots: 2 }))) };
    const keys = (notation: NotationSheet): string[] => barsOf(laidOut({ ...piece, notation })).map(({ key }) => key);
    const [before, after] = [keys(piece.notation), keys({ ...piece.notation, bars: [changed, ...rest] })];
    expect(before.filter((key, i) => key !== after[i])).toHaveLength(1);
  });

  it("has both voices of a waltz, and a pickup", () => {
    const bars = caseOf("waltz").notation.bars;
    expect(bars[0]?.number).toBe(0);
    expect(bars.slice(1).map((one) => voicesOf(one).length)).toEqual([2, 2, 2]);
  });
});

describe("the moments of a bar", () => {
  const eighths = bar(Array.from({ length: 8 }, (_, i) => symbol(i, 1, ["C", 4])));

  it("share what is left by how long they last", () => {
    const mixed = bar([symbol(0, 4, ["C", 4]), symbol(4, 2, ["C", 4]), symbol(6, 1, ["C", 4]), symbol(7, 1, ["C", 4])]);
    const xs = anchorsOf(mixed, 0, 0, 400, false).map(({ x }) => x);
    const gaps = xs.slice(1).map((x, i) => x - (xs[i] ?? 0));
    expect(gaps[0]).toBeGreaterThan(gaps[1] ?? Infinity);
    expect(gaps[1]).toBeGreaterThan(gaps[2] ?? Infinity);
    expect(xs.at(-1)).toBeCloseTo(400);
  });

  it("move closer where there is too little room", () => {
    const xs = anchorsOf(eighths, 0, 10, 90, false).map(({ x }) => x);
    expect(xs.at(-1)).toBeCloseTo(90);
    expect(xs.every((x, i) => i === 0 || x > (xs[i - 1] ?? 0))).toBe(true);
  });

  it("need more room with signs that the key does not have", () => {
    const sharp = symbol(0, 4, ["F", 4]);
    const raised = bar([{ ...sharp, heads: sharp.heads.map((head) => ({ ...head, alter: 1 })) }]);
    expect(leastWidth(raised, 0, false)).toBeGreaterThan(leastWidth(raised, 1, false));
    expect(leastWidth(raised, 1, true)).toBeGreaterThan(leastWidth(raised, 1, false));
  });

  it("lie where their time is between beats", () => {
    const piece = caseOf("waltz");
    const layout = laidOut(piece);
    const [index, anchors] = [...layout.anchors][1] ?? [0, []];
    const beats = layout.spans[index]?.bar?.beats ?? [];
    const x = cursorAt(layout, seconds(beats[1] ?? 0)).x;
    expect(x).toBeCloseTo(xAtPlace(anchors, 0.25), 1);
    expect(sampleAt(seconds(beats[1] ?? 0))).toBe(beats[1]);
  });
});

describe("a staff with note values", () => {
  it("knows the places of a guitar's and a bass's strings", () => {
    expect(["E", "B", "G", "D", "A", "E"].map((step, i) => stepOf({ step, octave: [4, 3, 3, 3, 2, 2][i] ?? 0 }, "treble"))).toEqual(
      [7, 4, 2, -1, -4, -7],
    );
    expect(stepOf({ step: "E", octave: 1 }, "bass")).toBe(-2);
    expect([keyAt(4, "treble"), keyAt(4, "bass"), keyAt(-7, "treble")]).toEqual(["b/4", "d/3", "e/3"]);
  });

  it("makes room above and below for stems that leave it", () => {
    expect(staffRoom([bar([symbol(0, 2, ["C", 4])])], "treble")).toEqual(BARE_STAFF);
    const low = staffRoom([bar([symbol(0, 2, ["C", 5])], [symbol(0, 8, ["E", 2])])], "treble");
    expect(low.below).toBeGreaterThan(BARE_STAFF.below);
    const high = staffRoom([bar([symbol(0, 2, ["E", 5])], [symbol(0, 8, ["E", 3])])], "treble");
    expect(high.above).toBeGreaterThan(BARE_STAFF.above);
    // Alone a high note has its stem down.
    expect(staffRoom([bar([symbol(0, 2, ["E", 5])])], "treble").above).toBeLessThan(high.above);
  });

  it("holds beats together as their metre does", () => {
    expect(["4/4", "3/4", "6/8", "12/8", "7/8", "2/2"].map(beatOf)).toEqual([0.25, 0.25, 0.375, 0.375, 0.25, 0.5]);
  });

  it("has rests clear of the other voice", () => {
    const rest = symbol(0, 2);
    expect(restStep(rest, null, true, "treble")).toBe(4);
    expect([restStep(rest, [rest], true, "treble"), restStep(rest, [rest], false, "treble")]).toEqual([6, 2]);
    expect(restStep(rest, [symbol(0, 1, ["B", 2])], false, "treble")).toBe(-4);
    expect(restStep(rest, [symbol(4, 1, ["B", 2])], false, "treble")).toBe(2);
  });
});
