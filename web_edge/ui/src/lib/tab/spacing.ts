/**
 * Where the moments of a written bar stand: room for what is printed at each, and of what is left the more the longer
 * until the next. Between them time runs evenly, for the cursor and whatever has no place of its own.
 */

import { seconds } from "../clock";
import { value, voicesOf, type SheetBar, type SheetSymbol } from "./sheet";
import type { Span } from "./spans";

/** A head, and what keeps it from the next one. */
const HEAD = 15;
const ACCIDENTAL = 10;
const DOT = 6;
/** A head beside the stem, where two would lie on each other. */
const DISPLACED = 10;
const FLAG = 5;
const TIME_SIGNATURE = 26;
/** Long notes get more room than short ones, but not in proportion: engravers' tables grow like this. */
const GROWTH = 0.6;

/** A moment of a bar: whole notes from its start, and pixels from the system's left edge. */
export interface Anchor {
  readonly at: number;
  readonly x: number;
}

interface Moment {
  readonly at: number;
  readonly before: number;
  readonly after: number;
}

/** Which alterations a key signature has, by letter. */
export function signature(fifths: number): ReadonlyMap<string, number> {
  const letters = fifths < 0 ? "BEADGCF" : "FCGDAEB";
  return new Map(Array.from(letters.slice(0, Math.abs(fifths))).map((letter) => [letter, Math.sign(fifths)]));
}

/** Pixels that a bar's contents need at least; more where its metre is printed. */
export function leastWidth(bar: SheetBar, fifths: number, hasSignature: boolean): number {
  const needed = momentsOf(bar, fifths).reduce((sum, { before, after }) => sum + before + after, 0);
  return needed + (hasSignature ? TIME_SIGNATURE : 0);
}

/**
 * @param bar what is written in it
 * @param fifths of the key signature
 * @param left, right where its contents begin and end, in pixels
 * @param hasSignature whether its metre is printed at its beginning
 * @returns its moments from left to right, and its end
 */
export function anchorsOf(
  bar: SheetBar,
  fifths: number,
  left: number,
  right: number,
  hasSignature: boolean,
): Anchor[] {
  const moments = momentsOf(bar, fifths);
  const length = value(bar.length);
  const start = left + (hasSignature ? TIME_SIGNATURE : 0);
  const needed = moments.reduce((sum, { before, after }) => sum + before + after, 0);
  const free = right - start - needed;
  const weights = moments.map(({ at }, i) => ((moments[i + 1]?.at ?? length) - at) ** GROWTH);
  const weight = weights.reduce((sum, one) => sum + one, 0);
  const squeeze = free < 0 ? (right - start) / needed : 1;
  const anchors: Anchor[] = [];
  let x = start;
  moments.forEach(({ at, before, after }, i) => {
    x += before * squeeze;
    anchors.push({ at, x });
    x += after * squeeze + (Math.max(0, free) * (weights[i] ?? 0)) / weight;
  });
  anchors.push({ at: length, x: right });
  return anchors;
}

/** Where a place in the bar stands, in whole notes from its start. */
export function xAtPlace(anchors: readonly Anchor[], at: number): number {
  const after = anchors.findIndex((anchor) => anchor.at > at + 1e-9);
  const next = anchors[after] ?? anchors.at(-1);
  const before = anchors[after - 1] ?? (after < 0 ? anchors.at(-1) : anchors[0]);
  if (!before || !next) return 0;
  const share = next.at > before.at ? (at - before.at) / (next.at - before.at) : 0;
  return before.x + Math.min(1, Math.max(0, share)) * (next.x - before.x);
}

/** Which place in the bar a time is, in whole notes from its start: within each beat time runs evenly. */
export function placeAt({ bar }: Span, length: number, timeS: number): number {
  if (!bar) return 0;
  const edges = [...bar.beats, bar.end].map(seconds);
  const next = edges.findIndex((edge) => edge > timeS);
  if (next === 0) return 0;
  if (next < 0) return length;
  const [from = 0, to = 1] = edges.slice(next - 1, next + 1);
  return ((next - 1 + (timeS - from) / (to - from)) / bar.beats.length) * length;
}

function momentsOf(bar: SheetBar, fifths: number): Moment[] {
  const own = signature(fifths);
  const together = new Map<number, SheetSymbol[]>();
  for (const voice of voicesOf(bar)) {
    for (const symbol of voice) together.set(value(symbol.at), [...(together.get(value(symbol.at)) ?? []), symbol]);
  }
  return [...together]
    .sort(([a], [b]) => a - b)
    .map(([at, symbols]) => {
      const heads = symbols.flatMap((symbol) => symbol.heads);
      const signs = heads.filter(({ step, alter, begins }) => begins && alter !== (own.get(step) ?? 0)).length;
      const dots = Math.max(...symbols.map((symbol) => symbol.dots));
      const hasFlag = symbols.some(({ base, heads: sounding }) => base >= 8 && sounding.length > 0);
      const sides = HEAD / 2 + (hasSecond(symbols) ? DISPLACED : 0);
      return {
        at,
        before: HEAD / 2 + Math.min(signs, 3) * ACCIDENTAL,
        after: sides + dots * DOT + (hasFlag ? FLAG : 0),
      };
    });
}

const LETTERS = "CDEFGAB";

/** Whether two heads at one moment are neighbours on the staff, or the same place twice. */
function hasSecond(symbols: readonly SheetSymbol[]): boolean {
  const steps = symbols
    .flatMap(({ heads }) => heads.map(({ step, octave }) => octave * LETTERS.length + LETTERS.indexOf(step)))
    .sort((a, b) => a - b);
  return steps.some((step, i) => i > 0 && step - (steps[i - 1] ?? 0) <= 1);
}
