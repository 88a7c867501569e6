/** Draws the signs of `marks.ts` into a bar. */

import type { Mark } from "./marks";

const DIGIT = 7;
/** Above the digit, clear of it. */
const ABOVE = 8;

/** @param yOf where the line of a string is, in pixels from the system's top */
export function drawMarks(group: SVGGElement, marks: readonly Mark[], yOf: (string: number) => number): void {
  for (const mark of marks) {
    const element = create("g");
    element.setAttribute("class", "technique");
    element.dataset["kind"] = mark.kind;
    element.dataset["of"] = mark.noteId;
    DRAW[mark.kind]?.(element, mark, yOf(mark.string));
    group.append(element);
  }
}

const DRAW: Readonly<Record<string, (element: SVGGElement, mark: Mark, y: number) => void>> = {
  slide: drawSlide,
  hammer_on: drawArc,
  pull_off: drawArc,
  bend: drawBend,
  vibrato: drawVibrato,
  let_ring: drawLetRing,
};

/** From digit to digit; without a second one, into the digit. */
function drawSlide(element: SVGGElement, { x, toX, isUp }: Mark, y: number): void {
  const from = toX === null ? x - DIGIT - 11 : x + DIGIT;
  const to = toX === null ? x - DIGIT : toX - DIGIT;
  const rise = isUp ? 4 : -4;
  path(element, `M${num(from)} ${num(y + rise)}L${num(to)} ${num(y - rise)}`);
}

function drawArc(element: SVGGElement, { x, toX, text }: Mark, y: number): void {
  const end = toX ?? x + 24;
  const middle = (x + end) / 2;
  path(element, `M${num(x)} ${num(y - ABOVE)}Q${num(middle)} ${num(y - ABOVE - 8)} ${num(end)} ${num(y - ABOVE)}`);
  write(element, middle, y - ABOVE - 6, text);
}

function drawBend(element: SVGGElement, { x, isUp, text }: Mark, y: number): void {
  const tip = isUp ? y - 16 : y + 16;
  const at = x + DIGIT + 8;
  path(element, `M${num(x + DIGIT)} ${num(y)}Q${num(at)} ${num(y)} ${num(at)} ${num(tip)}`);
  const wing = isUp ? 4 : -4;
  path(element, `M${num(at - 3)} ${num(tip + wing)}L${num(at)} ${num(tip)}L${num(at + 3)} ${num(tip + wing)}`);
  write(element, at, isUp ? tip - 3 : tip + 10, text);
}

function drawVibrato(element: SVGGElement, { x }: Mark, y: number): void {
  const waves = "q2 -4 4 0t4 0t4 0t4 0";
  path(element, `M${num(x - 6)} ${num(y - ABOVE - 2)}${waves}`);
}

/** The open tie of notation: it leads nowhere. */
function drawLetRing(element: SVGGElement, { x }: Mark, y: number): void {
  path(element, `M${num(x + DIGIT)} ${num(y + 3)}q7 6 14 1`);
}

function path(element: SVGGElement, d: string): void {
  const line = create("path");
  line.setAttribute("d", d);
  element.append(line);
}

function write(element: SVGGElement, x: number, y: number, content: string): void {
  if (!content) return;
  const text = create("text");
  text.setAttribute("x", num(x));
  text.setAttribute("y", num(y));
  text.textContent = content;
  element.append(text);
}

function num(value: number): string {
  return value.toFixed(1);
}

function create<Name extends keyof SVGElementTagNameMap>(name: Name): SVGElementTagNameMap[Name] {
  return document.createElementNS("http://www.w3.org/2000/svg", name);
}
