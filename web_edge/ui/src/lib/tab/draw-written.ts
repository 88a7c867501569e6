/**
 * Draws note values into the staff of a bar: heads, stems, beams, dots, rests, brackets, ties. The values are the
 * sheet's; VexFlow says how they look, the layout where they stand.
 */

import {
  Accidental,
  Beam,
  Dot,
  Formatter,
  Fraction as Ticks,
  StaveNote,
  Stem,
  Tuplet,
  Voice,
  VoiceMode,
  type Note,
  type Stave,
  type SVGContext,
} from "vexflow/core";
import type { WrittenBar } from "./layout";
import { isSilent, value, voicesOf, type SheetHead, type SheetSymbol } from "./sheet";
import { xAtPlace } from "./spacing";
import { stepOf, type Clef } from "./staff";
import { keyAt, restStep } from "./rests";
import { beatOf } from "./staff-room";
import { create } from "./svg";
import { drawTie } from "./ties";

const KEYS = ["Gb", "Db", "Ab", "Eb", "Bb", "F", "C", "G", "D", "A", "E", "B", "F#"];
const SIGNS: Readonly<Record<number, string>> = { [-1]: "b", 0: "", 1: "#" };
/** Where the rest of a whole bar hangs. */
const WHOLE_REST_STEP = 6;
const TARGET = { width: 16, height: 9 };

/** Names of the keys that VexFlow knows. */
export function keyName(fifths: number): string {
  return KEYS[fifths + 6] ?? "C";
}

interface Drawn {
  readonly symbol: SheetSymbol;
  readonly heads: readonly SheetHead[];
  readonly note: StaveNote;
}

/** What a bar is drawn on, and how. */
export interface Sheet {
  readonly context: SVGContext;
  readonly group: SVGGElement;
  readonly stave: Stave;
  readonly clef: Clef;
  readonly fifths: number;
  /** Whether the bar is the first one of its system. */
  readonly isFirst: boolean;
  /** Gets the group of each head. */
  readonly decorate: (group: SVGGElement, head: SheetHead) => void;
}

export function drawWritten(sheet: Sheet, bar: WrittenBar): void {
  if (isSilent(bar.sheet)) {
    drawSilence(sheet, bar);
    return;
  }
  const voices = voicesOf(bar.sheet).map((voice, number, all) => notesOf(voice, sheet.clef, all, number));
  const brackets = voices.map((voice) => tupletsOf(voice));
  const beams = voices.map((voice, number) => beamsOf(voice, bar, voices.length > 1 ? number : null));
  format(voices, bar, sheet);
  for (const drawn of voices.flat()) drawNote(drawn, sheet);
  for (const beam of beams.flat()) beam.setContext(sheet.context).draw();
  for (const tuplet of brackets.flat()) drawBracket(tuplet, sheet);
  voices.forEach((voice, number) => {
    drawTies(voice, bar, sheet, voices.length > 1 ? number === 0 : null);
  });
}

/** Nothing sounds: the rest of a whole bar stands in its middle, whatever the metre. */
function drawSilence({ context, group, stave, clef }: Sheet, { anchors }: WrittenBar): void {
  const rest = new StaveNote({ keys: [keyAt(WHOLE_REST_STEP, clef)], duration: "1r", clef });
  const middle = ((anchors[0]?.x ?? 0) + (anchors.at(-1)?.x ?? 0)) / 2;
  Formatter.SimpleFormat([rest]);
  rest.setStave(stave).setContext(context);
  const tick = rest.checkTickContext();
  tick.setX(tick.getX() + middle - rest.getAbsoluteX() - rest.getGlyphWidth() / 2);
  rest.draw();
  mark(group, rest, [], { base: 1, dots: 0 });
}

function notesOf(
  voice: readonly SheetSymbol[],
  clef: Clef,
  all: readonly (readonly SheetSymbol[])[],
  number: number,
): Drawn[] {
  const other = all[1 - number] ?? null;
  const isOneOfTwo = other !== null;
  return voice.map((symbol) => {
    const heads = [...symbol.heads].sort((a, b) => stepOf(a, clef) - stepOf(b, clef) || a.alter - b.alter);
    const isRest = heads.length === 0;
    const keys = isRest
      ? [keyAt(restStep(symbol, other, number === 0, clef), clef)]
      : heads.map(({ step, alter, octave }) => `${step.toLowerCase()}${SIGNS[alter] ?? ""}/${octave + 1}`);
    const note = new StaveNote({
      keys,
      clef,
      duration: `${symbol.base}${isRest ? "r" : ""}`,
      dots: symbol.dots,
      ...(isOneOfTwo ? { stemDirection: number === 0 ? Stem.UP : Stem.DOWN } : { autoStem: true }),
    });
    for (let dot = 0; dot < symbol.dots; dot += 1) Dot.buildAndAttach([note], { all: true });
    return { symbol, heads, note };
  });
}

/** Before anything is formatted: a tuplet changes how long its notes last. */
function tupletsOf(voice: readonly Drawn[]): Tuplet[] {
  const groups = new Map<number, Drawn[]>();
  for (const drawn of voice) {
    const { tuplet } = drawn.symbol;
    if (tuplet) groups.set(tuplet.group, [...(groups.get(tuplet.group) ?? []), drawn]);
  }
  return [...groups.values()].map((members) => {
    const { actual = 3, normal = 2 } = members[0]?.symbol.tuplet ?? {};
    return new Tuplet(
      members.map(({ note }) => note),
      { numNotes: actual, notesOccupied: normal, ratioed: false },
    );
  });
}

function beamsOf(voice: readonly Drawn[], { sheet }: WrittenBar, number: number | null): Beam[] {
  return Beam.generateBeams(
    voice.map(({ note }) => note),
    {
      groups: [new Ticks(Math.round(beatOf(sheet.time_signature) * 16), 16)],
      ...(number === null ? {} : { stemDirection: number === 0 ? Stem.UP : Stem.DOWN }),
    },
  );
}

function format(voices: readonly Drawn[][], bar: WrittenBar, { stave, context, fifths }: Sheet): void {
  const staveVoices = voices.map((voice) =>
    new Voice().setMode(VoiceMode.SOFT).addTickables(voice.map(({ note }) => note)),
  );
  Accidental.applyAccidentals(staveVoices, keyName(fifths));
  const formatter = new Formatter().joinVoices(staveVoices);
  for (const tick of formatter.createTickContexts(staveVoices).array) tick.preFormat();
  for (const { note, symbol } of voices.flat()) {
    note.setStave(stave).setContext(context);
    const tick = note.checkTickContext();
    const left = note.getAbsoluteX() - tick.getX();
    tick.setX(xAtPlace(bar.anchors, value(symbol.at)) - left - note.getGlyphWidth() / 2);
  }
  formatter.postFormat();
}

function drawNote({ note, heads, symbol }: Drawn, sheet: Sheet): void {
  note.draw();
  const found = mark(sheet.group, note, heads, symbol);
  heads.forEach((head, i) => {
    const group = found?.querySelectorAll<SVGGElement>(".vf-notehead")[i];
    if (!group) return;
    group.append(targetOf(note, i));
    sheet.decorate(group, head);
  });
}

/** What a finger or the pointer meets: the letter that a head is reaches far above and below what is seen of it. */
function targetOf(note: StaveNote, i: number): SVGRectElement {
  const target = create("rect");
  target.setAttribute("class", "target");
  target.setAttribute("x", ((note.noteHeads[i]?.getAbsoluteX() ?? 0) - 2).toFixed(1));
  target.setAttribute("y", ((note.getYs()[i] ?? 0) - TARGET.height / 2).toFixed(1));
  target.setAttribute("width", String(TARGET.width));
  target.setAttribute("height", String(TARGET.height));
  target.setAttribute("rx", "2");
  return target;
}

/** Says of a drawn note or rest what it is; null where VexFlow left it out: two voices that rest together rest once. */
function mark(
  group: SVGGElement,
  note: StaveNote,
  heads: readonly SheetHead[],
  { base, dots }: { base: number; dots: number },
): SVGGElement | null {
  const found = group.querySelector<SVGGElement>(`[id="vf-${note.getAttribute("id") as string}"]`);
  if (!found) return null;
  found.classList.add("written", heads.length === 0 ? "rest" : "sounding");
  found.dataset["base"] = String(base);
  found.dataset["dots"] = String(dots);
  return found;
}

/** On the side of the stems; without the bracket where a beam says already what belongs together. */
function drawBracket(tuplet: Tuplet, { context }: Sheet): void {
  const notes = tuplet.getNotes();
  const isUp = (notes.find((note) => !note.isRest()) ?? notes[0])?.getStemDirection() !== Stem.DOWN;
  tuplet.setTupletLocation(isUp ? Tuplet.LOCATION_TOP : Tuplet.LOCATION_BOTTOM);
  tuplet.setBracketed(!areUnderOneBeam(notes));
  tuplet.setContext(context).draw();
}

function areUnderOneBeam(notes: readonly Note[]): boolean {
  const beams = new Set(notes.map((note) => (note instanceof StaveNote ? note.getBeam() : undefined)));
  return beams.size === 1 && !beams.has(undefined);
}

/** @param isAbove of two voices the upper one; null for one alone, whose ties lie away from the stems */
function drawTies(
  voice: readonly Drawn[],
  { anchors, tieX }: WrittenBar,
  { group, isFirst }: Sheet,
  isAbove: boolean | null,
): void {
  voice.forEach(({ symbol, heads, note }, i) => {
    const x = xAtPlace(anchors, value(symbol.at));
    heads.forEach((head, k) => {
      const y = note.getYs()[k];
      if (y === undefined) return;
      const side = isAbove ?? (heads.length > 1 ? k * 2 >= heads.length : note.getStemDirection() === Stem.DOWN);
      // What came over a line from another system has no beginning here.
      if (!head.begins && i === 0 && isFirst) {
        drawTie(group, head.id, { fromX: null, toX: x, y, isAbove: side });
      }
      if (!head.tied) return;
      const next = voice[i + 1];
      const toX = next ? xAtPlace(anchors, value(next.symbol.at)) : tieX;
      drawTie(group, head.id, { fromX: x, toX, y, isAbove: side });
    });
  });
}
