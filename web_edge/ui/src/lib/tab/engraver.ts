/** Draws a layout with VexFlow: one SVG a system, one group a bar, and only bars whose key has changed. */

import { SVGContext, TabNote, TabStave, TickContext } from "vexflow/core";
import { seconds } from "../clock";
import type { Note } from "../events";
import type { Notation } from "../notation";
import { pitchName } from "../tunings";
import { clockTime, describeNote, LOW_CONFIDENCE, UNPLAYABLE } from "./describe";
import { drawMarks } from "./draw-marks";
import { drawStaff, staffHeight } from "./draw-staff";
import { type Bar, type PlacedGap, type PlacedNote, type System, type TabLayout } from "./layout";
import { PROVISIONAL } from "./provisional";
import type { Clef } from "./staff";
import { create, text } from "./svg";
import { Unhurried } from "./unhurried";

const LINE_SPACING = 15;
const LINES_ABOVE = 2.8;
const LINES_BELOW = 1.4;
/** Of a bar's heading: above a tab's first line, or below the upper edge of a system with a staff. */
const HEADING_Y = 20;
/** Bar numbers stand on a line of their own above the chords: most chords begin where a bar does. */
const NUMBER_RISE = 12;
/** Systems that are drawn at once; what changes while a piece is played is in one or two of them. */
const AT_ONCE = 12;
/** Below this, what may still change stands in parentheses. */
const SHAKY = 0.5;

interface DrawnSystem {
  readonly element: HTMLElement;
  readonly context: SVGContext;
  /** In pixels; 0 until something is drawn. */
  height: number;
  readonly bars: Map<number, { key: string; group: SVGGElement }>;
}

/** How a tab is to look. */
export interface Look {
  readonly isLowOnTop: boolean;
  readonly notation: Notation;
  /** Of the staff. */
  readonly clef: Clef;
  /** Which decides between sharps and flats. */
  readonly key: string;
}

export const PLAIN: Look = { isLowOnTop: false, notation: "tab", clef: "treble", key: "" };

/** Height of a system in pixels. */
export function systemHeight({ stringCount }: TabLayout, { room }: Pick<System, "room">, notation: Notation): number {
  const tab = notation === "score" ? 0 : (LINES_ABOVE + stringCount - 1 + LINES_BELOW) * LINE_SPACING;
  return tab + (notation === "tab" ? 0 : staffHeight(room));
}

export class Engraver {
  private systems: DrawnSystem[] = [];
  private geometry = "";
  private look = PLAIN;
  private readonly work = new Unhurried();

  /** @param host element that the systems are put into */
  constructor(private readonly host: HTMLElement) {}

  /** Brings the page in line with `layout`: what is in sight now, of a long piece the rest a little later. */
  draw(layout: TabLayout, look = PLAIN): void {
    const geometry = JSON.stringify([layout.width, layout.stringCount, layout.headWidth, look]);
    this.look = look;
    if (geometry !== this.geometry) this.clear();
    this.geometry = geometry;
    for (const surplus of this.systems.splice(layout.systems.length)) surplus.element.remove();
    for (const system of layout.systems) this.makeRoom(system, layout);
    const stale = layout.systems.filter((system) => this.isStale(system));
    const nearest = stale.length > AT_ONCE ? this.byDistance(stale) : stale;
    this.work.begin(
      nearest.map((system) => () => {
        this.drawSystem(system, layout);
      }),
      AT_ONCE,
    );
  }

  /** Draws what is left to be drawn: a page that is printed is whole. */
  finish(): void {
    this.work.finish();
  }

  /** The element of a system, to scroll to. */
  systemElement(index: number): HTMLElement | null {
    return this.systems[index]?.element ?? null;
  }

  clear(): void {
    for (const { element } of this.systems) element.remove();
    this.systems = [];
  }

  private makeRoom(system: System, layout: TabLayout): void {
    const height = systemHeight(layout, system, this.look.notation);
    const drawn = (this.systems[system.index] ??= this.openSystem());
    if (height === drawn.height) return;
    // Everything stands elsewhere in it now.
    for (const { group } of drawn.bars.values()) group.remove();
    drawn.bars.clear();
    drawn.context.resize(layout.width, height);
    drawn.height = height;
  }

  private isStale({ index, bars }: System): boolean {
    const drawn = this.systems[index]?.bars;
    return drawn?.size !== bars.length || bars.some((bar) => drawn.get(bar.index)?.key !== bar.key);
  }

  /** Those in the window first, then the others by how far they are from it. */
  private byDistance(systems: readonly System[]): System[] {
    const middle = innerHeight / 2;
    const distances = new Map(
      systems.map(({ index }) => {
        const box = this.systems[index]?.element.getBoundingClientRect();
        return [index, Math.abs((box ? box.top + box.height / 2 : 0) - middle)];
      }),
    );
    return [...systems].sort((a, b) => (distances.get(a.index) ?? 0) - (distances.get(b.index) ?? 0));
  }

  private drawSystem(system: System, layout: TabLayout): void {
    const drawn = this.systems[system.index];
    if (!drawn) return;
    const indices = new Set(system.bars.map(({ index }) => index));
    for (const [index, { group }] of drawn.bars) {
      if (!indices.has(index)) {
        group.remove();
        drawn.bars.delete(index);
      }
    }
    for (const bar of system.bars) {
      const known = drawn.bars.get(bar.index);
      if (known?.key === bar.key) continue;
      known?.group.remove();
      drawn.bars.set(bar.index, { key: bar.key, group: drawBar(drawn.context, bar, layout, system, this.look) });
    }
    label(drawn, system);
  }

  private openSystem(): DrawnSystem {
    const element = document.createElement("div");
    element.className = "system";
    this.host.append(element);
    return { element, context: new SVGContext(element), height: 0, bars: new Map() };
  }
}

function label({ context }: DrawnSystem, { bars }: System): void {
  const first = bars[0]?.startS ?? 0;
  const notes = bars.reduce((sum, bar) => sum + bar.notes.length, 0);
  const until = bars.at(-1)?.endS ?? first;
  context.svg.setAttribute("role", "img");
  context.svg.setAttribute(
    "aria-label",
    `Tablature from ${clockTime(first)} to ${clockTime(until)}: ${notes} ${notes === 1 ? "note" : "notes"}`,
  );
}

function drawBar(context: SVGContext, bar: Bar, layout: TabLayout, { room }: System, look: Look): SVGGElement {
  const group = context.openGroup("bar");
  group.dataset["bar"] = String(bar.index);
  const staff =
    look.notation === "tab" ? null : drawStaff(context, group, bar, layout, room, look, decorator(look.notation));
  const below = staff ? staffHeight(room) : 0;
  const tab = look.notation === "score" ? null : drawTab(context, group, bar, layout, below, look);
  const top = staff?.top ?? tab?.top ?? 0;
  const bottom = tab?.bottom ?? staff?.bottom ?? 0;
  drawHeading(group, bar, staff ? HEADING_Y : top - HEADING_Y);
  // Note values say where the beats are.
  if (tab || !bar.written) drawBeats(group, bar, bottom);
  for (const gap of bar.gaps) drawGap(group, gap, top, bottom);
  context.closeGroup();
  return group;
}

/** Beside a tab a head is but the look of a note; in its place it is the note. */
function decorator(notation: Notation): (group: SVGGElement, head: { readonly placed: PlacedNote }) => void {
  return (group, { placed: { note } }) => {
    if (notation === "score") describe(group, note);
    else {
      group.dataset["state"] = note.state;
      group.dataset["of"] = note.id;
      if (note.confidence < LOW_CONFIDENCE) group.dataset["unsure"] = "";
      group.setAttribute("aria-hidden", "true");
    }
  };
}

function drawTab(
  context: SVGContext,
  group: SVGGElement,
  bar: Bar,
  { stringCount, barsPerSystem, headWidth }: TabLayout,
  y: number,
  { isLowOnTop }: Look,
): { top: number; bottom: number } {
  const isFirst = bar.index % barsPerSystem === 0;
  const stave = new TabStave(isFirst ? 0 : bar.x, y, isFirst ? bar.width + headWidth : bar.width, {
    numLines: stringCount,
    spacingBetweenLinesPx: LINE_SPACING,
    spaceAboveStaffLn: LINES_ABOVE,
    leftBar: isFirst,
  });
  if (isFirst) stave.addClef("tab");
  stave.setContext(context).draw();
  const top = stave.getYForLine(0);
  const bottom = stave.getYForLine(stringCount - 1);
  if (isFirst) centreClef(group, (top + bottom) / 2);
  const lineOf = (string: number): number => (isLowOnTop ? stringCount + 1 - string : string);
  for (const placed of bar.notes) drawNote(context, placed, stave, lineOf);
  drawMarks(group, bar.marks, (string) => stave.getYForLine(lineOf(string) - 1));
  return { top, bottom };
}

/** What stands over a bar: its number (its time where there is none), a new metre, chords. */
function drawHeading(group: SVGGElement, bar: Bar, y: number): void {
  if (bar.isUnsure) group.dataset["unsure"] = "";
  const number = bar.number === null ? clockTime(bar.startS) : `${bar.number}${bar.isUnsure ? "?" : ""}`;
  // On a staff with note values the metre is printed as musicians do.
  const heading = bar.signature && !bar.written ? `${number} · ${bar.signature}` : number;
  text(group, "bar-time", bar.x + 2, y - NUMBER_RISE, heading);
  for (const chord of bar.chords) {
    text(group, chord.isTentative ? "chord tentative" : "chord", chord.x, y, chord.text);
  }
}

/** As ticks under a bar. */
function drawBeats(group: SVGGElement, bar: Bar, bottom: number): void {
  for (const x of bar.beatXs) {
    const tick = create("path");
    tick.setAttribute("class", "beat");
    tick.setAttribute("d", `M${x.toFixed(1)} ${(bottom + 4).toFixed(1)}v5`);
    group.append(tick);
  }
}

/** VexFlow puts the clef where a guitar's six lines have their middle. */
function centreClef(group: SVGGElement, middle: number): void {
  const clef = [...group.querySelectorAll(".vf-clef")].at(-1);
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

function drawGap(group: SVGGElement, { gap, x, width }: PlacedGap, top: number, bottom: number): void {
  const rect = create("rect");
  rect.setAttribute("class", "gap");
  rect.setAttribute("x", x.toFixed(1));
  rect.setAttribute("y", String(top));
  rect.setAttribute("width", width.toFixed(1));
  rect.setAttribute("height", String(bottom - top));
  const title = create("title");
  title.textContent = `Sound was lost here and not transcribed: ${gap.cause || "no cause was given"}.`;
  rect.append(title);
  group.append(rect);
}
