/** Draws the staff of a bar above its tab, or in its place. */

import { Stave, type SVGContext } from "vexflow/core";
import { CLEF_WIDTH, type Bar } from "./layout";
import { headsOf, ledgersOf, type Clef, type Head } from "./staff";
import { create, text } from "./svg";

const LINE_SPACING = 9;
/** For the heading, and for what stands on ledger lines. */
const LINES_ABOVE = 5.2;
const LINES_BELOW = 4.6;
const LINES = 5;
const HEAD = { rx: 5.2, ry: 3.9 };

export const STAFF_HEIGHT = (LINES_ABOVE + LINES - 1 + LINES_BELOW) * LINE_SPACING;

export interface DrawnStaff {
  readonly top: number;
  readonly bottom: number;
}

/** @param decorate gets the group of each head with its note */
export function drawStaff(
  context: SVGContext,
  group: SVGGElement,
  bar: Bar,
  { isFirst, clef, key }: { isFirst: boolean; clef: Clef; key: string },
  decorate: (group: SVGGElement, head: Head) => void,
): DrawnStaff {
  const stave = new Stave(isFirst ? 0 : bar.x, 0, isFirst ? bar.width + CLEF_WIDTH : bar.width, {
    spacingBetweenLinesPx: LINE_SPACING,
    spaceAboveStaffLn: LINES_ABOVE,
    leftBar: isFirst,
  });
  if (isFirst) stave.addClef(clef, "default", "8vb");
  stave.setContext(context).draw();
  const bottom = stave.getYForLine(LINES - 1);
  for (const head of headsOf(bar.notes, clef, key)) {
    const drawn = create("g");
    drawn.setAttribute("class", "vf-note head");
    decorate(drawn, head);
    drawHead(drawn, head, (step) => bottom - (step * LINE_SPACING) / 2);
    group.append(drawn);
  }
  return { top: stave.getYForLine(0), bottom };
}

function drawHead(group: SVGGElement, { x, step, accidental }: Head, yOf: (step: number) => number): void {
  for (const line of ledgersOf(step)) {
    const ledger = create("path");
    ledger.setAttribute("class", "ledger");
    ledger.setAttribute("d", `M${(x - 9).toFixed(1)} ${yOf(line).toFixed(1)}h18`);
    group.append(ledger);
  }
  const y = yOf(step).toFixed(1);
  const oval = create("ellipse");
  oval.setAttribute("cx", x.toFixed(1));
  oval.setAttribute("cy", y);
  oval.setAttribute("rx", String(HEAD.rx));
  oval.setAttribute("ry", String(HEAD.ry));
  oval.setAttribute("transform", `rotate(-18 ${x.toFixed(1)} ${y})`);
  group.append(oval);
  if (accidental) text(group, "accidental", x - 12, yOf(step) + 4, accidental);
}
