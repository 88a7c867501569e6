/** The one music font, loaded before anything is measured. */

import leland from "@vexflow-fonts/leland/leland.woff2?url";
import { Font, MetricsDefaults, VexFlow } from "vexflow/core";

const DIGITS = "ui-sans-serif, system-ui, sans-serif";
let loading: Promise<void> | null = null;

/** Resolves once glyphs can be measured. Without the font the tab only loses its clef, so failure is no error. */
export function loadMusicFont(): Promise<void> {
  loading ??= load();
  return loading;
}

async function load(): Promise<void> {
  VexFlow.setFonts("Leland", DIGITS);
  MetricsDefaults["TabNote"] = { text: { fontSize: 10.5, fontWeight: "bold" } };
  try {
    await Font.load("Leland", leland);
  } catch (error) {
    console.warn("The music font could not be loaded; clefs will be missing.", error);
  }
}
