/** How much room a staff needs: beside it for its key, above and below for what reaches out of its lines. */

import { value, voicesOf, type SheetBar, type SheetSymbol } from "./sheet";
import { stepOf, TOP_LINE, type Clef } from "./staff";

export const LINE_SPACING = 9;
const STEP = LINE_SPACING / 2;
/** Of the heading, above all. */
const HEADING = 28;
const HEAD = 6;
const STEM = 33;
const BRACKET = 16;
const SIGN_WIDTH = 9;

/** In lines, above the top one and below the bottom one. */
export interface StaffRoom {
  readonly above: number;
  readonly below: number;
}

/** Of heads without stems. */
export const BARE_STAFF: StaffRoom = { above: 5.2, below: 4.6 };

/** Pixels that a key signature takes beside the clef. */
export function keyWidth(fifths: number): number {
  return fifths === 0 ? 0 : Math.abs(fifths) * SIGN_WIDTH + 8;
}

/** What the bars of a system need at most. */
export function staffRoom(bars: readonly SheetBar[], clef: Clef): StaffRoom {
  let [above, below] = [0, 0];
  for (const bar of bars) {
    const voices = voicesOf(bar);
    voices.forEach((voice, number) => {
      const directions = voices.length > 1 ? null : stemsUp(voice, bar, clef);
      for (const symbol of voice) {
        const { heads, tuplet } = symbol;
        if (heads.length === 0) continue;
        const steps = heads.map((head) => stepOf(head, clef));
        const [low, high] = [Math.min(...steps), Math.max(...steps)];
        const isUp = directions?.get(symbol) ?? number === 0;
        const bracket = tuplet ? BRACKET : 0;
        above = Math.max(above, (high - TOP_LINE) * STEP + (isUp ? STEM + bracket : HEAD + bracket));
        below = Math.max(below, -low * STEP + (isUp ? HEAD : STEM + bracket));
      }
    });
  }
  return {
    above: Math.max(BARE_STAFF.above, (above + HEADING) / LINE_SPACING),
    below: Math.max(BARE_STAFF.below, (below + HEAD) / LINE_SPACING),
  };
}

/** Of one voice alone stems point to the middle line; those under one beam all the way that most of them would. */
function stemsUp(voice: readonly SheetSymbol[], bar: SheetBar, clef: Clef): Map<SheetSymbol, boolean> {
  const groups = new Map<string, SheetSymbol[]>();
  const beat = beatOf(bar.time_signature);
  voice.forEach((symbol, i) => {
    const group = symbol.base >= 8 ? `beat ${Math.floor(value(symbol.at) / beat + 1e-9)}` : `alone ${i}`;
    groups.set(group, [...(groups.get(group) ?? []), symbol]);
  });
  const directions = new Map<SheetSymbol, boolean>();
  for (const symbols of groups.values()) {
    const heights = symbols.flatMap(({ heads }) => heads.map((head) => stepOf(head, clef) - TOP_LINE / 2));
    const isUp = heights.reduce((sum, height) => sum + height, 0) < 0;
    for (const symbol of symbols) directions.set(symbol, isUp);
  }
  return directions;
}

/** What a beam holds together, in whole notes: three units of a compound metre, two of seven eighths, else a beat. */
export function beatOf(metre: string): number {
  const [count = 4, unit = 4] = metre.split("/").map(Number);
  if (unit < 8) return 1 / unit;
  return (count > 3 && count % 3 === 0 ? 3 : 2) / unit;
}
