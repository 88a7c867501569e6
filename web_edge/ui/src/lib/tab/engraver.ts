/** Draws a layout with VexFlow: one SVG a system, one group a bar, and only bars whose key has changed. */

import { SVGContext, TabNote, TabStave, TickContext } from "vexflow/core";
import { seconds } from "../clock";
import type { Note } from "../events";
import { pitchName } from "../tunings";
import { clockTime, describeNote, LOW_CONFIDENCE, UNPLAYABLE } from "./describe";
import { drawMarks } from "./draw-marks";
import { BAR_S, CLEF_WIDTH, type Bar, type PlacedGap, type PlacedNote, type System, type TabLayout } from "./layout";
import { PROVISIONAL } from "./provisional";

const LINE_SPACING = 15;
const LINES_ABOVE = 2;
const LINES_BELOW = 1.4;
/** Below this, what may still change stands in parentheses. */
const SHAKY = 0.5;

interface DrawnSystem {
  readonly element: HTMLElement;
  readonly context: SVGContext;
  readonly bars: Map<number, { key: string; group: SVGGElement }>;
}

/** Height of a system in pixels. */
export function systemHeight(stringCount: number): number {
  return (LINES_ABOVE + stringCount - 1 + LINES_BELOW) * LINE_SPACING;
}

export class Engraver {
  private systems: DrawnSystem[] = [];
  private geometry = "";
  private isLowOnTop = false;

  /** @param host element that the systems are put into */
  constructor(private readonly host: HTMLElement) {}

  /** Brings the page in line with `layout`; returns how many bars had to be drawn. */
  draw(layout: TabLayout, isLowOnTop = false): number {
    const geometry = `${layout.width}x${layout.stringCount}${isLowOnTop ? "!" : ""}`;
    this.isLowOnTop = isLowOnTop;
    if (geometry !== this.geometry) this.clear();
    this.geometry = geometry;
    for (const surplus of this.systems.splice(layout.systems.length)) surplus.element.remove();
    let drawn = 0;
    for (const system of layout.systems) drawn += this.drawSystem(system, layout);
    return drawn;
  }

  /** The element of a system, to scroll to. */
  systemElement(index: number): HTMLElement | null {
    return this.systems[index]?.element ?? null;
  }

  clear(): void {
    for (const { element } of this.systems) element.remove();
    this.systems = [];
  }

  private drawSystem(system: System, layout: TabLayout): number {
    const drawn = (this.systems[system.index] ??= this.openSystem(layout));
    const indices = new Set(system.bars.map(({ index }) => index));
    for (const [index, { group }] of drawn.bars) {
      if (!indices.has(index)) {
        group.remove();
        drawn.bars.delete(index);
      }
    }
    let count = 0;
    for (const bar of system.bars) {
      const known = drawn.bars.get(bar.index);
      if (known?.key === bar.key) continue;
      known?.group.remove();
      drawn.bars.set(bar.index, { key: bar.key, group: drawBar(drawn.context, bar, layout, this.isLowOnTop) });
      count += 1;
    }
    if (count > 0) label(drawn, system);
    return count;
  }

  private openSystem({ width, stringCount }: TabLayout): DrawnSystem {
    const element = document.createElement("div");
    element.className = "system";
    this.host.append(element);
    const context = new SVGContext(element);
    context.resize(width, systemHeight(stringCount));
    return { element, context, bars: new Map() };
  }
}

function label({ context }: DrawnSystem, { bars }: System): void {
  const first = bars[0]?.startS ?? 0;
  const notes = bars.reduce((sum, bar) => sum + bar.notes.length, 0);
  const until = first + bars.length * BAR_S;
  context.svg.setAttribute("role", "img");
  context.svg.setAttribute(
    "aria-label",
    `Tablature from ${clockTime(first)} to ${clockTime(until)}: ${notes} ${notes === 1 ? "note" : "notes"}`,
  );
}

function drawBar(context: SVGContext, bar: Bar, layout: TabLayout, isLowOnTop: boolean): SVGGElement {
  const group = context.openGroup("bar");
  group.dataset["bar"] = String(bar.index);
  const isFirst = bar.index % layout.barsPerSystem === 0;
  const x = isFirst ? 0 : bar.x;
  const stave = new TabStave(x, 0, isFirst ? bar.width + CLEF_WIDTH : bar.width, {
    numLines: layout.stringCount,
    spacingBetweenLinesPx: LINE_SPACING,
    spaceAboveStaffLn: LINES_ABOVE,
    leftBar: isFirst,
  });
  if (isFirst) stave.addClef("tab");
  stave.setContext(context).draw();
  const middle = (stave.getYForLine(0) + stave.getYForLine(layout.stringCount - 1)) / 2;
  if (isFirst) centreClef(group, middle);
  text(group, "bar-time", bar.x + 2, stave.getYForLine(0) - 8, clockTime(bar.startS));
  for (const gap of bar.gaps) drawGap(group, gap, stave, layout.stringCount);
  const lineOf = (string: number): number => (isLowOnTop ? layout.stringCount + 1 - string : string);
  for (const placed of bar.notes) drawNote(context, placed, stave, lineOf);
  drawMarks(group, bar.marks, (string) => stave.getYForLine(lineOf(string) - 1));
  context.closeGroup();
  return group;
}

/** VexFlow puts the clef where a guitar's six lines have their middle. */
function centreClef(group: SVGGElement, middle: number): void {
  const clef = group.querySelector(".vf-clef");
  const box = clef instanceof SVGGraphicsElement ? clef.getBBox() : null;
  if (clef && box && box.height > 0) {
    clef.setAttribute("transform", `translate(0 ${(middle - box.y - box.height / 2).toFixed(1)})`);
  }
}

function drawNote(
  context: SVGContext,
  { note, x }: PlacedNote,
  stave: TabStave,
  lineOf: (string: number) => number,
): void {
  const group = context.openGroup("note");
  describe(group, note);
  const { position } = note;
  if (position) {
    const digit = new TabNote({ positions: [{ str: lineOf(position.string), fret: position.fret }], duration: "q" });
    const isShaky = note.state === "tentative" && note.stability < SHAKY;
    if (isShaky || note.flags.includes(PROVISIONAL)) digit.setGhost(true);
    // Placed by time, not by VexFlow's formatter: every note has a tick context of its own.
    const place = new TickContext().addTickable(digit).preFormat().setX(0);
    digit.setStave(stave).setContext(context);
    place.setX(x - digit.getAbsoluteX());
    digit.draw();
    if (note.confidence < LOW_CONFIDENCE) underline(group, x, stave.getYForLine(lineOf(position.string) - 1));
  } else {
    const sign = note.flags.includes(UNPLAYABLE) ? "✕" : "";
    text(group, "off-neck", x, stave.getYForLine(0) - 8, `${sign}${pitchName(note.pitch)}`);
  }
  context.closeGroup();
}

function describe(group: SVGGElement, note: Note): void {
  const { dataset } = group;
  dataset["noteId"] = note.id;
  dataset["state"] = note.state;
  dataset["string"] = String(note.position?.string ?? "");
  dataset["fret"] = String(note.position?.fret ?? "");
  dataset["onset"] = seconds(note.onset).toFixed(4);
  dataset["pitch"] = String(note.pitch);
  dataset["confidence"] = note.confidence.toFixed(2);
  dataset["flags"] = note.flags.join(" ");
  group.setAttribute("tabindex", "-1");
  if (note.confidence < LOW_CONFIDENCE) dataset["unsure"] = "";
  if (note.state === "tentative" && note.stability < SHAKY) dataset["shaky"] = "";
  if (note.flags.includes(PROVISIONAL)) dataset["provisional"] = "";
  const title = create("title");
  title.textContent = describeNote(note);
  group.append(title);
}

function underline(group: SVGGElement, x: number, y: number): void {
  const line = create("path");
  line.setAttribute("class", "doubt");
  line.setAttribute("d", `M${(x - 7).toFixed(1)} ${(y + 8).toFixed(1)}h14`);
  group.append(line);
}

function drawGap(group: SVGGElement, { gap, x, width }: PlacedGap, stave: TabStave, stringCount: number): void {
  const rect = create("rect");
  const top = stave.getYForLine(0);
  rect.setAttribute("class", "gap");
  rect.setAttribute("x", x.toFixed(1));
  rect.setAttribute("y", String(top));
  rect.setAttribute("width", width.toFixed(1));
  rect.setAttribute("height", String(stave.getYForLine(stringCount - 1) - top));
  const title = create("title");
  title.textContent = `Sound was lost here and not transcribed: ${gap.cause || "no cause was given"}.`;
  rect.append(title);
  group.append(rect);
}

function text(group: SVGGElement, className: string, x: number, y: number, content: string): void {
  const element = create("text");
  element.setAttribute("class", className);
  element.setAttribute("x", x.toFixed(1));
  element.setAttribute("y", y.toFixed(1));
  element.textContent = content;
  group.append(element);
}

function create<Name extends keyof SVGElementTagNameMap>(name: Name): SVGElementTagNameMap[Name] {
  return document.createElementNS("http://www.w3.org/2000/svg", name);
}

