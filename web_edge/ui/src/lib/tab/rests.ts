/** Where rests stand: alone on the middle line; of two voices each on its own side, clear of what the other plays. */

import { value, type SheetSymbol } from "./sheet";
import { stepOf, TOP_LINE, type Clef } from "./staff";

const MIDDLE = TOP_LINE / 2;
/** Between a rest and the head that it makes way for. */
const CLEAR = 4;
const HIGHEST = TOP_LINE + 4;
const LOWEST = -4;
const LETTERS = "CDEFGAB";
/** Letters from C0 to the bottom line as it is written: E4 and G2. */
const BOTTOM: Readonly<Record<Clef, number>> = { treble: 30, bass: 18 };

/** The name of a place on the staff, such as "b/4" for the middle line under a treble clef. */
export function keyAt(step: number, clef: Clef): string {
  const place = BOTTOM[clef] + step;
  return `${(LETTERS[place % LETTERS.length] ?? "C").toLowerCase()}/${Math.floor(place / LETTERS.length)}`;
}

/**
 * @param other the other voice; null where there is none
 * @param isUpper whether the rest is the upper one's
 * @returns an even step: rests stand on lines
 */
export function restStep(
  rest: SheetSymbol,
  other: readonly SheetSymbol[] | null,
  isUpper: boolean,
  clef: Clef,
): number {
  if (!other) return MIDDLE;
  const [from, to] = [value(rest.at), value(rest.at) + value(rest.duration)];
  const steps = other
    .filter(({ at, duration }) => value(at) < to - 1e-9 && value(at) + value(duration) > from + 1e-9)
    .flatMap(({ heads }) => heads.map((head) => stepOf(head, clef)));
  if (isUpper) return Math.min(HIGHEST, Math.ceil(Math.max(MIDDLE + 2, ...steps.map((step) => step + CLEAR)) / 2) * 2);
  return Math.max(LOWEST, Math.floor(Math.min(MIDDLE - 2, ...steps.map((step) => step - CLEAR)) / 2) * 2);
}
