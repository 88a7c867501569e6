/** Whether a voice is taken out before notes are looked for, and what became of it. The names are the server's. */

import type { Heard } from "./api";
import { sampleAt, seconds } from "./clock";
import type { SeparationChosen } from "./events";
import { clockTime } from "./tab/describe";

export const SEPARATIONS = [
  { name: "off", label: "As recorded" },
  { name: "auto", label: "Voice out if any" },
  { name: "vocals_removed", label: "Voice out" },
] as const;

export type SeparationName = (typeof SEPARATIONS)[number]["name"];

const KEY = "genesis.separation";

/** What was chosen on this machine before. */
export function rememberedSeparation(storage: Pick<Storage, "getItem">): SeparationName {
  try {
    const kept = storage.getItem(KEY);
    return SEPARATIONS.find(({ name }) => name === kept)?.name ?? "off";
  } catch {
    return "off";
  }
}

export function rememberSeparation(storage: Pick<Storage, "setItem">, choice: SeparationName): void {
  try {
    storage.setItem(KEY, choice);
  } catch {
    // Private windows may keep nothing; the choice holds for as long as the page is open.
  }
}

/** Whether there is a stem to fetch. */
export function hasStem(chosen: SeparationChosen | null): boolean {
  return chosen !== null && chosen.separation !== "off";
}

/** What a list of transcriptions tells of it, as the event would. */
export function chosenOf(heard: Heard | null): SeparationChosen | null {
  if (!heard) return null;
  const { separation, start_s, cause } = heard;
  return { kind: "separation", separation, start: sampleAt(start_s), cause, latency: 0 };
}

/** What became of it, in words; "" where nothing was asked for. */
export function separationLine(chosen: SeparationChosen | null): string {
  if (!chosen) return "";
  if (chosen.separation !== "off") {
    const stem = chosen.separation === "guitar" ? "Only the guitar is heard" : "The voice is taken out";
    return chosen.start > 0 ? `${stem} from ${clockTime(seconds(chosen.start))} on` : stem;
  }
  switch (chosen.cause) {
    case "no_voice":
      return "Nobody sings: heard as recorded";
    case "too_short":
      return "Too short to tell whether somebody sings: heard as recorded";
    case "no_separator":
      return "No separator is built here: heard as recorded";
    case "too_slow":
      return "This machine is too slow to take a voice out live: heard as recorded";
    default:
      return "";
  }
}
