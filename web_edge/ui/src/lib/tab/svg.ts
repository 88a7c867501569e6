/** Elements of SVG. */

export function create<Name extends keyof SVGElementTagNameMap>(name: Name): SVGElementTagNameMap[Name] {
  return document.createElementNS("http://www.w3.org/2000/svg", name);
}

export function text(group: SVGGElement, className: string, x: number, y: number, content: string): void {
  const element = create("text");
  element.setAttribute("class", className);
  element.setAttribute("x", x.toFixed(1));
  element.setAttribute("y", y.toFixed(1));
  element.textContent = content;
  group.append(element);
}
