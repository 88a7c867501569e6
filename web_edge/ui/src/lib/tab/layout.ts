/**
 * Where everything of a tab goes: notes -> bars -> systems. Pure; drawing is the engraver's.
 *
 * There is no beat tracking yet: a bar is a fixed stretch of time, and a note stands in it in proportion to its onset.
 */

import { sampleAt, seconds } from "../clock";
import type { Score } from "../document";
import type { Gap, Note } from "../events";
import { keyOfMark, marksOf, type Mark, type Place } from "./marks";

export const BAR_S = 2;
export const CLEF_WIDTH = 34;
/** Room between a bar line and what stands beside it. */
export const BAR_PADDING = 13;
const MIN_BAR_WIDTH = 235;
/** Two digits on one string never stand closer. */
const MIN_DISTANCE = 15;
/** Nor do two names of pitches that the neck has no place for. */
const MIN_NAME_DISTANCE = 25;

export interface PlacedNote {
  readonly note: Note;
  /** Pixels from the system's left edge to the digit's middle. */
  readonly x: number;
}

export interface PlacedGap {
  readonly gap: Gap;
  readonly x: number;
  readonly width: number;
}

export interface Bar {
  readonly index: number;
  readonly startS: number;
  /** Pixels from the system's left edge; the first bar of a system begins after the clef. */
  readonly x: number;
  readonly width: number;
  readonly notes: readonly PlacedNote[];
  readonly gaps: readonly PlacedGap[];
  readonly marks: readonly Mark[];
  /** Equal keys look the same: such a bar need not be drawn again. */
  readonly key: string;
}

export interface System {
  readonly index: number;
  readonly bars: readonly Bar[];
}

export interface TabLayout {
  readonly width: number;
  readonly stringCount: number;
  readonly barsPerSystem: number;
  readonly barWidth: number;
  readonly systems: readonly System[];
}

export interface CursorPlace {
  readonly system: number;
  readonly x: number;
}

/**
 * @param score what is known so far
 * @param untilS the tab reaches at least to the bar that holds this time
 * @param width pixels there are for a system
 */
export function layOut(score: Score, untilS: number, width: number): TabLayout {
  const barsPerSystem = barsThatFit(width);
  const barWidth = (width - CLEF_WIDTH) / barsPerSystem;
  const lastOnsetS = score.notes.reduce((last, note) => Math.max(last, seconds(note.onset)), 0);
  const barCount = Math.floor(Math.max(untilS, lastOnsetS) / BAR_S) + 1;
  const byBar = groupByBar(score.notes);
  const geometry = { barsPerSystem, barWidth };
  const bars = Array.from({ length: barCount }, (_, index) =>
    layOutBar(index, byBar.get(index) ?? [], score.gaps, geometry),
  );
  const systems: System[] = [];
  for (let first = 0; first < bars.length; first += barsPerSystem) {
    systems.push({ index: systems.length, bars: bars.slice(first, first + barsPerSystem) });
  }
  return { width, stringCount: score.tuning.length, barsPerSystem, barWidth, systems: systems.map(withMarks(systems)) };
}

/** Signs may lead from one bar to another, so they come when all notes have their place. */
function withMarks(systems: readonly System[]): (system: System) => System {
  const places = new Map<string, Place>();
  for (const { index, bars } of systems) {
    for (const { note, x } of bars.flatMap((bar) => bar.notes)) places.set(note.id, { system: index, x, note });
  }
  return ({ index, bars }) => {
    const last = bars.at(-1);
    const endX = last ? last.x + last.width : 0;
    return { index, bars: bars.map((bar) => marked(bar, places, index, endX)) };
  };
}

function marked(bar: Bar, places: ReadonlyMap<string, Place>, system: number, endX: number): Bar {
  const marks = bar.notes.flatMap(({ note, x }) => marksOf({ system, x, note }, places, endX));
  return marks.length === 0 ? bar : { ...bar, marks, key: [bar.key, ...marks.map(keyOfMark)].join("|") };
}

/** How many bars stand side by side in `width` pixels. */
export function barsThatFit(width: number): number {
  return Math.max(1, Math.floor((width - CLEF_WIDTH) / MIN_BAR_WIDTH));
}

type Geometry = Pick<TabLayout, "barsPerSystem" | "barWidth">;

/** Where a moment lies. */
export function cursorAt({ barsPerSystem, barWidth }: Geometry, timeS: number): CursorPlace {
  const bar = Math.max(0, Math.floor(timeS / BAR_S));
  const left = CLEF_WIDTH + (bar % barsPerSystem) * barWidth;
  return { system: Math.floor(bar / barsPerSystem), x: xInBar(left, barWidth, timeS - bar * BAR_S) };
}

function xInBar(left: number, barWidth: number, timeInBarS: number): number {
  return left + BAR_PADDING + (Math.max(0, timeInBarS) / BAR_S) * (barWidth - BAR_PADDING);
}

function groupByBar(notes: readonly Note[]): Map<number, Note[]> {
  const byBar = new Map<number, Note[]>();
  for (const note of notes) {
    const bar = Math.floor(seconds(note.onset) / BAR_S);
    const others = byBar.get(bar);
    if (others) others.push(note);
    else byBar.set(bar, [note]);
  }
  return byBar;
}

function layOutBar(
  index: number,
  notes: readonly Note[],
  allGaps: readonly Gap[],
  { barsPerSystem, barWidth }: Geometry,
): Bar {
  const startS = index * BAR_S;
  const x = CLEF_WIDTH + (index % barsPerSystem) * barWidth;
  const placed = keepApart(
    notes.map((note) => ({ note, x: xInBar(x, barWidth, seconds(note.onset) - startS) })),
    x + barWidth - BAR_PADDING / 2,
  );
  const gaps = allGaps
    .filter((gap) => gap.start < sampleAt(startS + BAR_S) && gap.end > sampleAt(startS))
    .map((gap) => placeGap(gap, x, barWidth, startS));
  const key = [x, barWidth, ...placed.map(keyOfNote), ...gaps.map((g) => `gap${g.x},${g.width}`)].join("|");
  return { index, startS, x, width: barWidth, notes: placed, gaps, marks: [], key };
}

function placeGap(gap: Gap, x: number, barWidth: number, startS: number): PlacedGap {
  const left = xInBar(x, barWidth, Math.max(0, seconds(gap.start) - startS));
  const right = xInBar(x, barWidth, Math.min(BAR_S, seconds(gap.end) - startS));
  return { gap, x: left, width: Math.max(2, right - left) };
}

/** Digits on one string are pushed apart, first to the right and then, where the bar ends, back to the left. */
function keepApart(notes: readonly PlacedNote[], right: number): PlacedNote[] {
  const byString = new Map<number, PlacedNote[]>();
  for (const placed of [...notes].sort((a, b) => a.x - b.x)) {
    const string = placed.note.position?.string ?? 0;
    byString.set(string, [...(byString.get(string) ?? []), placed]);
  }
  return [...byString].flatMap(([string, row]) => {
    const distance = string === 0 ? MIN_NAME_DISTANCE : MIN_DISTANCE;
    const xs = row.map(({ x }) => x);
    for (let i = 1; i < xs.length; i += 1) xs[i] = Math.max(xs[i] ?? 0, (xs[i - 1] ?? 0) + distance);
    let limit = right;
    for (let i = xs.length - 1; i >= 0; i -= 1) {
      xs[i] = Math.min(xs[i] ?? 0, limit);
      limit = (xs[i] ?? 0) - distance;
    }
    return row.map(({ note }, i) => ({ note, x: xs[i] ?? 0 }));
  });
}

function keyOfNote({ note, x }: PlacedNote): string {
  const { position, alternatives } = note;
  const place = position ? `${position.string}/${position.fret}` : `p${note.pitch}${note.flags.join()}`;
  const looks = `${note.state},${note.confidence.toFixed(2)},${note.stability.toFixed(1)},${alternatives.length}`;
  return `${note.id},${x.toFixed(1)},${place},${looks},${note.offset === null ? "" : "e"}`;
}
