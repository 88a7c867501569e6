/** The metre and tempo of a tab in words. */

import { seconds } from "../clock";
import type { Bar } from "../events";
import { UNSURE } from "./spans";

/** Bars that the tempo is told of: it is the tempo now, not that of the whole piece. */
const RECENT = 8;

/** Beats a minute of the last bars; null without any. */
export function tempoOfBars(bars: readonly Bar[]): number | null {
  const recent = bars.slice(-RECENT);
  if (recent.length === 0) return null;
  const beats = recent.reduce((sum, bar) => sum + bar.beats.length, 0);
  const lengthS = recent.reduce((sum, bar) => sum + seconds(bar.end - (bar.beats[0] ?? bar.end)), 0);
  return (60 * beats) / lengthS;
}

/** "♩ = 120, 4/4"; says so where bars are doubtful or none are known. */
export function tempoLine(bars: readonly Bar[]): string {
  const recent = bars.slice(-RECENT);
  const last = recent.at(-1);
  if (!last) return "no bars known yet: a line every 2 s";
  const confidence = recent.reduce((sum, bar) => sum + bar.confidence, 0) / recent.length;
  const doubt = confidence < UNSURE ? " (bars doubtful)" : "";
  return `${Math.round(tempoOfBars(bars) ?? 0)} beats a minute, ${last.count}/${last.unit}${doubt}`;
}
