/** What is written of the notes: digits on strings, heads on a staff, or both. The names are the server's. */

export const NOTATIONS = [
  { name: "tab", label: "Tab" },
  { name: "tab_and_score", label: "Tab and staff" },
  { name: "score", label: "Staff" },
] as const;

export type Notation = (typeof NOTATIONS)[number]["name"];

const KEY = "genesis.notation";

export function notationNamed(name: string | null): Notation {
  return NOTATIONS.find((notation) => notation.name === name)?.name ?? "tab";
}

/** What was chosen on this machine before. */
export function rememberedNotation(storage: Pick<Storage, "getItem">): Notation {
  return notationNamed(storage.getItem(KEY));
}

export function rememberNotation(storage: Pick<Storage, "setItem">, notation: Notation): void {
  try {
    storage.setItem(KEY, notation);
  } catch {
    // Private windows may keep nothing; the choice holds for as long as the page is open.
  }
}
