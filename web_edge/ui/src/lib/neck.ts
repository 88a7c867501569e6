/** A few frets of a neck, as the player looks at it: the thinnest string on top, the nut at the left or, for a
 * left-handed player, at the right. Pure; `Neck.svelte` draws it. */

import type { Position } from "./events";

const WIDEST = 290;
const WIDEST_FRET = 34;
export const STRING_GAP = 14;
/** Room for open strings beside the nut. */
export const NUT_ROOM = 22;
const LEAST_FRETS = 5;
const MARKED = [3, 5, 7, 9, 12, 15, 17, 19, 21, 24];

export interface Dot {
  readonly position: Position;
  readonly x: number;
  readonly y: number;
}

export interface NeckPicture {
  readonly width: number;
  readonly height: number;
  readonly strings: readonly { readonly string: number; readonly y: number }[];
  readonly frets: readonly { readonly fret: number; readonly x: number; readonly isNut: boolean }[];
  readonly labels: readonly { readonly fret: number; readonly x: number }[];
  readonly dots: readonly Dot[];
}

/** The part of the neck that holds `positions`; frets count from the capo, which then is the nut. */
export function neckPicture(positions: readonly Position[], stringCount: number, leftHanded: boolean): NeckPicture {
  const fretted = positions.map(({ fret }) => fret).filter((fret) => fret > 0);
  const highest = Math.max(LEAST_FRETS, ...fretted);
  const fretWidth = Math.min(WIDEST_FRET, (WIDEST - NUT_ROOM - 6) / highest);
  const width = NUT_ROOM + highest * fretWidth + 6;
  const height = (stringCount + 1) * STRING_GAP + 12;
  const turned = (x: number): number => (leftHanded ? width - x : x);
  const middle = (fret: number): number => (fret === 0 ? NUT_ROOM / 2 : NUT_ROOM + (fret - 0.5) * fretWidth);
  const yOf = (string: number): number => string * STRING_GAP;
  return {
    width,
    height,
    strings: Array.from({ length: stringCount }, (_, i) => ({ string: i + 1, y: yOf(i + 1) })),
    frets: Array.from({ length: highest + 1 }, (_, i) => ({
      fret: i,
      x: turned(NUT_ROOM + i * fretWidth),
      isNut: i === 0,
    })),
    labels: MARKED.filter((fret) => fret <= highest).map((fret) => ({ fret, x: turned(middle(fret)) })),
    dots: positions.map((position) => ({ position, x: turned(middle(position.fret)), y: yOf(position.string) })),
  };
}
