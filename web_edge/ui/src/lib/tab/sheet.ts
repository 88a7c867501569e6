/**
 * Note values as the server writes them (schema "genesis.notation/1"), and which of the tab's bars they belong to. The
 * page finds no values of its own: what is printed, exported and drawn is one and the same.
 */

import { sampleAt } from "../clock";
import type { Span } from "./spans";

/** Of a whole note: numerator, denominator. */
export type Fraction = readonly [number, number];

export interface SheetHead {
  readonly id: string;
  readonly step: string;
  readonly alter: number;
  /** Of the sound. */
  readonly octave: number;
  readonly begins: boolean;
  readonly tied: boolean;
}

export interface SheetSymbol {
  readonly at: Fraction;
  readonly duration: Fraction;
  readonly base: number;
  readonly dots: number;
  readonly tuplet: { readonly actual: number; readonly normal: number; readonly group: number } | null;
  /** None for a rest. */
  readonly heads: readonly SheetHead[];
}

export interface SheetBar {
  readonly number: number;
  readonly start_s: number;
  readonly end_s: number;
  readonly time_signature: string;
  readonly length: Fraction;
  /** Melody, and the bass where it has a voice of its own. */
  readonly voices: readonly (readonly SheetSymbol[])[];
}

export interface NotationSheet {
  readonly key: string | null;
  readonly fifths: number;
  readonly bars: readonly SheetBar[];
}

/** A sheet over the bars of a tab. */
export interface Written {
  readonly fifths: number;
  /** By index of the span that is this bar. */
  readonly bars: ReadonlyMap<number, SheetBar>;
  /** Where each note begins: index of the span, whole notes from its start. */
  readonly places: ReadonlyMap<string, { readonly span: number; readonly at: number }>;
}

export function value([numerator, denominator]: Fraction): number {
  return numerator / denominator;
}

/** What a bar sounds of: its voices without an empty one. */
export function voicesOf({ voices }: SheetBar): (readonly SheetSymbol[])[] {
  return voices.filter((voice) => voice.length > 0);
}

export function isSilent(bar: SheetBar): boolean {
  return voicesOf(bar).every((voice) => voice.every(({ heads }) => heads.length === 0));
}

/** Lays a sheet over spans; bars of the one that are not in the other are passed over. */
export function writtenOver(sheet: NotationSheet, spans: readonly Span[]): Written {
  const spanOf = new Map<string, number>();
  spans.forEach(({ bar }, index) => {
    if (bar) spanOf.set(`${bar.beats[0] ?? 0}-${bar.end}`, index);
  });
  const bars = new Map<number, SheetBar>();
  const places = new Map<string, { span: number; at: number }>();
  for (const bar of sheet.bars) {
    const span = spanOf.get(`${sampleAt(bar.start_s)}-${sampleAt(bar.end_s)}`);
    if (span === undefined) continue;
    bars.set(span, bar);
    for (const { at, heads } of bar.voices.flat()) {
      for (const { id, begins } of heads) if (begins) places.set(id, { span, at: value(at) });
    }
  }
  return { fifths: sheet.fifths, bars, places };
}
