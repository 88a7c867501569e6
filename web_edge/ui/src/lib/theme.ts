/** The page's colours: as the machine has them, or as was chosen. */

export const THEMES = [
  { name: "system", label: "As the system" },
  { name: "light", label: "Light" },
  { name: "dark", label: "Dark" },
] as const;

const KEY = "genesis.theme";

/** What was chosen on this machine, so that the page has its colours before it knows who is there. */
export function rememberedTheme(storage: Pick<Storage, "getItem">): string {
  const kept = storage.getItem(KEY);
  return THEMES.some(({ name }) => name === kept) ? (kept ?? "system") : "system";
}

export function useTheme(theme: string, storage: Pick<Storage, "setItem">, root: Pick<HTMLElement, "dataset">): void {
  root.dataset["theme"] = theme;
  try {
    storage.setItem(KEY, theme);
  } catch {
    // Private windows may keep nothing; the colours hold for as long as the page is open.
  }
}
