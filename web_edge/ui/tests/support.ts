/** Notes for tests. */

import { sampleAt } from "../src/lib/clock";
import type { Note } from "../src/lib/events";

/** An ended note on fret 3 of `string`, unless `more` says otherwise. */
export function noteAt(id: string, onsetS: number, string = 1, more: Partial<Note> = {}): Note {
  return {
    id,
    state: "ended",
    onset: sampleAt(onsetS),
    offset: null,
    pitch: 64,
    velocity: 1,
    confidence: 0.9,
    stability: 1,
    position: { string, fret: 3 },
    alternatives: [],
    bends: [],
    techniques: [],
    flags: [],
    stringEvidence: [],
    ...more,
  };
}
