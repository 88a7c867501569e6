/**
 * Where everything of a tab goes: notes -> bars -> systems. Pure; drawing is the engraver's.
 *
 * A note stands in its bar in proportion to its onset; which stretch of time a bar holds, `spans` says.
 */

import { sampleAt, seconds } from "../clock";
import type { Score } from "../document";
import type { Gap, Note } from "../events";
import { pretty } from "../harmony";
import { keyOfMark, marksOf, type Mark, type Place } from "./marks";
import { writtenOver, type NotationSheet, type SheetBar, type Written } from "./sheet";
import { anchorsOf, leastWidth, placeAt, xAtPlace, type Anchor } from "./spacing";
import { spanAt, spansOf, UNSURE, type Span } from "./spans";
import { BARE_STAFF, keyWidth, staffRoom, type StaffRoom } from "./staff-room";
import { clefFor, type Clef } from "./staff";

export { BAR_S } from "./spans";

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

export interface PlacedChord {
  readonly x: number;
  readonly text: string;
  readonly isTentative: boolean;
}

/** Note values of a bar, and where its moments stand. */
export interface WrittenBar {
  readonly sheet: SheetBar;
  readonly anchors: readonly Anchor[];
  /** Where what is tied over the bar line begins again in this system; null where that is in the next one. */
  readonly tieX: number | null;
}

export interface Bar {
  readonly index: number;
  readonly startS: number;
  readonly endS: number;
  /** Of the tracked bar; null where none is known. */
  readonly number: number | null;
  /** Time signature where it begins or changes, else "". */
  readonly signature: string;
  readonly isUnsure: boolean;
  /** Of the beats after the first. */
  readonly beatXs: readonly number[];
  readonly chords: readonly PlacedChord[];
  /** Pixels from the system's left edge; the first bar of a system begins after the clef. */
  readonly x: number;
  readonly width: number;
  readonly notes: readonly PlacedNote[];
  readonly gaps: readonly PlacedGap[];
  readonly marks: readonly Mark[];
  /** Null where no note values are known. */
  readonly written: WrittenBar | null;
  /** Equal keys look the same: such a bar need not be drawn again. */
  readonly key: string;
}

export interface System {
  readonly index: number;
  readonly bars: readonly Bar[];
  /** What its staff needs. */
  readonly room: StaffRoom;
}

export interface TabLayout {
  readonly width: number;
  readonly stringCount: number;
  readonly barsPerSystem: number;
  readonly barWidth: number;
  /** What stands before a system's first bar: clef and key. */
  readonly headWidth: number;
  /** Of the key signature; 0 where none is known. */
  readonly fifths: number;
  readonly spans: readonly Span[];
  /** Of each span that has note values. */
  readonly anchors: ReadonlyMap<number, readonly Anchor[]>;
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
 * @param sheet note values, where they are known and shown
 */
export function layOut(score: Score, untilS: number, width: number, sheet: NotationSheet | null = null): TabLayout {
  const lastOnsetS = score.notes.reduce((last, note) => Math.max(last, seconds(note.onset)), 0);
  const spans = spansOf(score, Math.max(untilS, lastOnsetS));
  const written = sheet ? writtenOver(sheet, spans) : null;
  const headWidth = CLEF_WIDTH + keyWidth(written?.fifths ?? 0);
  const barsPerSystem = written ? writtenBarsThatFit(width - headWidth, written, spans) : barsThatFit(width);
  const barWidth = (width - headWidth) / barsPerSystem;
  const byBar = groupByBar(score.notes, spans, written);
  const grid = { barsPerSystem, barWidth, headWidth, spans };
  const anchors = new Map<number, readonly Anchor[]>();
  for (const [index, bar] of written?.bars ?? []) {
    const x = leftOf(index, grid) + BAR_PADDING;
    const hasSignature = signatureAt(spans, index) !== "";
    anchors.set(index, anchorsOf(bar, written?.fifths ?? 0, x, x + barWidth - BAR_PADDING, hasSignature));
  }
  const geometry = { ...grid, anchors, written };
  const bars = spans.map((_, index) => layOutBar(index, byBar.get(index) ?? [], score, geometry));
  const systems: System[] = [];
  for (let first = 0; first < bars.length; first += barsPerSystem) {
    const own = bars.slice(first, first + barsPerSystem);
    systems.push({ index: systems.length, bars: own, room: roomOf(own, clefFor(score.tuning)) });
  }
  const stringCount = score.tuning.length;
  const fifths = written?.fifths ?? 0;
  return { width, stringCount, ...grid, fifths, anchors, systems: systems.map(withMarks(systems)) };
}

function roomOf(bars: readonly Bar[], clef: Clef): StaffRoom {
  const written = bars.flatMap((bar) => (bar.written ? [bar.written.sheet] : []));
  return written.length > 0 ? staffRoom(written, clef) : BARE_STAFF;
}

/** As many as may be without a bar, but the fullest one in twenty, being squeezed; that one may be a glissando. */
function writtenBarsThatFit(room: number, { bars, fifths }: Written, spans: readonly Span[]): number {
  const widths = [...bars]
    .map(([index, bar]) => leastWidth(bar, fifths, signatureAt(spans, index) !== "") + BAR_PADDING)
    .sort((a, b) => a - b);
  const needed = Math.max(MIN_BAR_WIDTH, widths[Math.ceil(0.95 * (widths.length - 1))] ?? 0);
  return Math.max(1, Math.floor(room / needed));
}

function leftOf(index: number, { barsPerSystem, barWidth, headWidth }: Grid): number {
  return headWidth + (index % barsPerSystem) * barWidth;
}

/** Signs may lead from one bar to another, so they come when all notes have their place. */
function withMarks(systems: readonly System[]): (system: System) => System {
  const places = new Map<string, Place>();
  for (const { index, bars } of systems) {
    for (const { note, x } of bars.flatMap((bar) => bar.notes)) places.set(note.id, { system: index, x, note });
  }
  return ({ index, bars, room }) => {
    const last = bars.at(-1);
    const endX = last ? last.x + last.width : 0;
    return { index, room, bars: bars.map((bar) => marked(bar, places, index, endX)) };
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

type Grid = Pick<TabLayout, "barsPerSystem" | "barWidth" | "headWidth" | "spans">;
type Geometry = Grid & Pick<TabLayout, "anchors">;

/** Where a moment lies. */
export function cursorAt(geometry: Geometry, timeS: number): CursorPlace {
  const bar = spanAt(geometry.spans, timeS);
  return { system: Math.floor(bar / geometry.barsPerSystem), x: xAt(geometry, bar, timeS) };
}

/** Where a moment stands in a bar: between the moments that are written in it, else in proportion. */
function xAt(geometry: Geometry, index: number, timeS: number): number {
  const span = geometry.spans[index];
  const anchors = geometry.anchors.get(index);
  const length = anchors?.at(-1)?.at ?? 0;
  if (span && anchors) return xAtPlace(anchors, placeAt(span, length, timeS));
  return xInBar(leftOf(index, geometry), geometry.barWidth, span, timeS);
}

function xInBar(left: number, barWidth: number, span: Span | undefined, timeS: number): number {
  const share = span ? (timeS - span.startS) / (span.endS - span.startS) : 0;
  return left + BAR_PADDING + Math.min(1, Math.max(0, share)) * (barWidth - BAR_PADDING);
}

/** A hand that plays a first beat, or rolls a chord on it, begins so much early at most, and so much of a beat. */
const EARLY_S = 0.09;
const EARLY_BEATS = 0.15;

/** The bar a note is written in: one that is struck a moment before a bar line stands right after it. */
function barOf(note: Note, spans: readonly Span[]): number {
  const timeS = seconds(note.onset);
  const bar = spanAt(spans, timeS);
  const next = spans[bar + 1]?.bar;
  if (!next) return bar;
  const beatS = seconds((next.beats[1] ?? next.end) - (next.beats[0] ?? 0));
  const earlyS = seconds(next.beats[0] ?? 0) - timeS;
  return earlyS <= Math.min(EARLY_S, EARLY_BEATS * beatS) ? bar + 1 : bar;
}

function groupByBar(notes: readonly Note[], spans: readonly Span[], written: Written | null): Map<number, Note[]> {
  const byBar = new Map<number, Note[]>();
  for (const note of notes) {
    const bar = written?.places.get(note.id)?.span ?? barOf(note, spans);
    const others = byBar.get(bar);
    if (others) others.push(note);
    else byBar.set(bar, [note]);
  }
  return byBar;
}

function layOutBar(
  index: number,
  notes: readonly Note[],
  score: Score,
  geometry: Geometry & { readonly written: Written | null },
): Bar {
  const { barWidth, spans, written: sheet } = geometry;
  const { startS, endS, bar } = spans[index] ?? { startS: 0, endS: 1, bar: null };
  const x = leftOf(index, geometry);
  const atTime = (timeS: number): number => xAt(geometry, index, timeS);
  const written = writtenBar(index, geometry, sheet);
  const placed = keepApart(
    notes.map((note) => ({ note, x: writtenX(note, written, sheet) ?? atTime(seconds(note.onset)) })),
    x + barWidth - BAR_PADDING / 2,
  );
  const gaps = score.gaps
    .filter((gap) => gap.start < sampleAt(endS) && gap.end > sampleAt(startS))
    .map((gap) => placeGap(gap, atTime));
  const chords = chordsIn(score, startS, endS, atTime);
  const beatXs = bar ? bar.beats.slice(1).map((beat) => atTime(seconds(beat))) : [];
  const number = bar?.number ?? null;
  const signature = signatureAt(spans, index);
  const isUnsure = bar !== null && bar.confidence < UNSURE;
  const key = [
    ...[x, barWidth, number, signature, isUnsure, ...beatXs],
    ...placed.map(keyOfNote),
    ...gaps.map((g) => `gap${g.x},${g.width}`),
    ...chords.map((chord) => `${chord.text}@${chord.x.toFixed(1)}${chord.isTentative ? "?" : ""}`),
    ...(written ? [JSON.stringify(written.sheet.voices), written.tieX] : []),
  ].join("|");
  const told = { number, signature, isUnsure, beatXs, chords, written };
  return { index, startS, endS, ...told, x, width: barWidth, notes: placed, gaps, marks: [], key };
}

function writtenBar(index: number, { anchors, barsPerSystem }: Geometry, sheet: Written | null): WrittenBar | null {
  const bar = sheet?.bars.get(index);
  const own = anchors.get(index);
  if (!bar || !own) return null;
  const isLast = (index + 1) % barsPerSystem === 0;
  return { sheet: bar, anchors: own, tieX: isLast ? null : (anchors.get(index + 1)?.[0]?.x ?? null) };
}

function writtenX({ id }: Note, written: WrittenBar | null, sheet: Written | null): number | null {
  const at = sheet?.places.get(id)?.at;
  return written && at !== undefined ? xAtPlace(written.anchors, at) : null;
}

/** Written where the first bar stands and wherever the metre is another one than before. */
function signatureAt(spans: readonly Span[], index: number): string {
  const bar = spans[index]?.bar;
  if (!bar) return "";
  const before = spans[index - 1]?.bar;
  return before?.count === bar.count && before.unit === bar.unit ? "" : `${bar.count}/${bar.unit}`;
}

function chordsIn(score: Score, startS: number, endS: number, xOf: (timeS: number) => number): PlacedChord[] {
  const key = score.keys.at(-1)?.key ?? "";
  return score.chords.flatMap((chord) => {
    const atS = Math.max(seconds(chord.start), 0);
    const text = pretty(chord.symbol, key);
    if (!text || atS < startS - 1e-6 || atS >= endS - 1e-6) return [];
    return [{ x: xOf(atS), text, isTentative: chord.confidence < UNSURE }];
  });
}

/** A bar's ends are as far as `xOf` reaches. */
function placeGap(gap: Gap, xOf: (timeS: number) => number): PlacedGap {
  const left = xOf(seconds(gap.start));
  const right = xOf(seconds(gap.end));
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
