/** Arcs between heads of one pitch: one sound that several symbols write. */

import { create } from "./svg";

/** From the middle of a head to where an arc begins. */
const HEAD = 7;
/** Over a bar line into another system an arc is this long. */
export const SHORT = 14;

/**
 * @param fromX, toX middles of the two heads; `null` where a head stands in another system
 * @param y the same of both
 */
export function drawTie(
  group: SVGGElement,
  id: string,
  { fromX, toX, y, isAbove }: { fromX: number | null; toX: number | null; y: number; isAbove: boolean },
): void {
  const left = fromX === null ? (toX ?? 0) - HEAD - SHORT : fromX + HEAD;
  const right = toX === null ? (fromX ?? 0) + HEAD + SHORT : toX - HEAD;
  const side = isAbove ? -1 : 1;
  const edge = y + side * 5;
  const bow = side * Math.min(10, 4 + (right - left) / 12);
  const middle = (left + right) / 2;
  const arc = create("path");
  arc.setAttribute("class", "tie");
  arc.dataset["of"] = id;
  const point = (x: number, at: number): string => `${x.toFixed(1)} ${at.toFixed(1)}`;
  arc.setAttribute(
    "d",
    `M${point(left, edge)}Q${point(middle, edge + bow)} ${point(right, edge)}` +
      `Q${point(middle, edge + bow - side * 2.4)} ${point(left, edge)}Z`,
  );
  group.append(arc);
}
