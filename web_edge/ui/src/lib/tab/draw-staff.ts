/** Draws the staff of a bar above its tab, or in its place. */

import { Stave, type SVGContext } from "vexflow/core";
import { drawWritten, keyName } from "./draw-written";
import type { Bar, PlacedNote, TabLayout } from "./layout";
import type { SheetHead } from "./sheet";
import { headsOf, ledgersOf, type Clef, type Head } from "./staff";
import { LINE_SPACING, type StaffRoom } from "./staff-room";
import { create, text } from "./svg";

const LINES = 5;
const HEAD = { rx: 5.2, ry: 3.9 };

export function staffHeight({ above, below }: StaffRoom): number {
  return (above + LINES - 1 + below) * LINE_SPACING;
}

export interface DrawnStaff {
  readonly top: number;
  readonly bottom: number;
}

/** @param decorate gets the group of each head with its note */
export function drawStaff(
  context: SVGContext,
  group: SVGGElement,
  bar: Bar,
  { barsPerSystem, headWidth, fifths }: TabLayout,
  room: StaffRoom,
  { clef, key }: { clef: Clef; key: string },
  decorate: (group: SVGGElement, head: { readonly placed: PlacedNote }) => void,
): DrawnStaff {
  const isFirst = bar.index % barsPerSystem === 0;
  const stave = new Stave(isFirst ? 0 : bar.x, 0, isFirst ? bar.width + headWidth : bar.width, {
    spacingBetweenLinesPx: LINE_SPACING,
    spaceAboveStaffLn: room.above,
    leftBar: isFirst,
  });
  if (isFirst) {
    stave.addClef(clef, "default", "8vb");
    if (fifths !== 0) stave.addKeySignature(keyName(fifths));
  }
  if (bar.written && bar.signature) stave.addTimeSignature(bar.signature);
  stave.setContext(context).draw();
  const bottom = stave.getYForLine(LINES - 1);
  const byId = new Map(bar.notes.map((placed) => [placed.note.id, placed]));
  const begun = new Set<string>();
  if (bar.written) {
    const dress = (drawn: SVGGElement, { id, begins }: SheetHead): void => {
      const placed = byId.get(id);
      drawn.classList.add("vf-note", "head");
      if (begins && placed) {
        begun.add(id);
        decorate(drawn, { placed });
      } else {
        drawn.dataset["tied"] = id;
        drawn.setAttribute("aria-hidden", "true");
      }
    };
    drawWritten({ context, group, stave, clef, fifths, isFirst, decorate: dress }, bar.written);
  }
  const bare = bar.notes.filter(({ note }) => !begun.has(note.id));
  for (const head of headsOf(bare, clef, key)) {
    const drawn = create("g");
    drawn.setAttribute("class", "vf-note head bare");
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
