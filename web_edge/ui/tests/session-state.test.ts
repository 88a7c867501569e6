import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { seconds } from "../src/lib/clock";
import { decodeEvent } from "../src/lib/events";
import { fold, SessionState } from "../src/lib/session-state";

interface ExpectedNote {
  id: string;
  state: string;
  onset_s: number;
  pitch: number;
  string: number | null;
  fret: number | null;
  techniques?: { kind: string; to: string; confidence: number; semitones: number | null }[];
}

interface Vector {
  name: string;
  events: unknown[];
  state: {
    notes: ExpectedNote[];
    gaps: { start_s: number; end_s: number; cause: string }[];
    processed_until_s: number;
    cadence_s: number | null;
    separation: { separation: string; start_s: number; cause: string } | null;
    sequence: number;
    durable_sequence: number;
    ended: boolean;
    failed: boolean;
    bars?: { number: number; beats_s: number[]; end_s: number; signature: string; committed: boolean }[];
    chords?: { start_s: number; symbol: string; committed: boolean }[];
    keys?: { start_s: number; key: string }[];
  };
}

const FOLDER = join(import.meta.dirname, "../../../tests/vectors");

function summary(state: SessionState): Vector["state"] {
  return {
    notes: state.sortedNotes().map((note) => ({
      id: note.id,
      state: note.state,
      onset_s: seconds(note.onset),
      pitch: note.pitch,
      string: note.position?.string ?? null,
      fret: note.position?.fret ?? null,
      ...(note.techniques.length > 0 ? { techniques: note.techniques.map((technique) => ({ ...technique })) } : {}),
    })),
    gaps: state.gaps.map((gap) => ({ start_s: seconds(gap.start), end_s: seconds(gap.end), cause: gap.cause })),
    processed_until_s: seconds(state.processedUntil),
    cadence_s: state.cadence === null ? null : seconds(state.cadence),
    separation:
      state.separation === null
        ? null
        : {
            separation: state.separation.separation,
            start_s: seconds(state.separation.start),
            cause: state.separation.cause,
          },
    sequence: state.sequence,
    durable_sequence: state.durableSequence,
    ended: state.ended !== null,
    failed: state.failed !== null,
    ...music(state),
  };
}

/** Bars and harmony, where the vector is about them. */
function music(state: SessionState): Partial<Vector["state"]> {
  const mark = <T>(items: readonly T[], committed: boolean) => items.map((item) => ({ item, committed }));
  const bars = [...mark(state.bars, true), ...mark(state.tentativeBars, false)];
  const chords = [...mark(state.chords, true), ...mark(state.tentativeChords, false)];
  if (bars.length + chords.length + state.keys.length === 0) return {};
  return {
    bars: bars.map(({ item, committed }) => ({
      number: item.number,
      beats_s: item.beats.map(seconds),
      end_s: seconds(item.end),
      signature: `${item.count}/${item.unit}`,
      committed,
    })),
    chords: chords.map(({ item, committed }) => ({ start_s: seconds(item.start), symbol: item.symbol, committed })),
    keys: state.keys.map(({ start, key }) => ({ start_s: seconds(start), key })),
  };
}

const vectors = readdirSync(FOLDER)
  .filter((name) => name.endsWith(".json"))
  .map((name) => JSON.parse(readFileSync(join(FOLDER, name), "utf8")) as Vector);

describe("the reducer", () => {
  it("has vectors to agree with its Python twin on", () => {
    expect(vectors.length).toBeGreaterThan(0);
  });

  it.each(vectors.map((vector) => [vector.name, vector] as const))("%s", (_name, vector) => {
    expect(summary(fold(vector.events.map(decodeEvent)))).toEqual(vector.state);
  });

  it.each(vectors.map((vector) => [vector.name, vector] as const))("delivered twice changes nothing: %s", (_n, vector) => {
    const twice = vector.events.map(decodeEvent).flatMap((event) => [event, event]);
    expect(summary(fold(twice))).toEqual(vector.state);
  });
});

function note(sequence: number, id: string, state: string, previousDurableSequence = 0): unknown {
  return {
    sessionId: "s",
    sequence: String(sequence),
    attempt: 1,
    previousDurableSequence: String(previousDurableSequence),
    note: { id, state: `NOTE_STATE_${state}`, onsetS: sequence, pitch: 64, string: 1, fret: 0 },
  };
}

describe("a reader that lost something", () => {
  const before = [{ sessionId: "s", sequence: "1", started: {} }, note(2, "a", "TENTATIVE"), note(4, "b", "TENTATIVE")];

  it("notices from the next durable event, and folds the second delivery after a rewind", () => {
    const state = fold(before.map(decodeEvent));
    const late = decodeEvent(note(5, "c", "COMMITTED", 3));
    expect(state.hasMissed(late)).toBe(true);
    state.rewind();
    expect([...state.notes.keys()]).toEqual([]);
    for (const event of [note(3, "a", "COMMITTED", 1), note(4, "b", "TENTATIVE"), note(5, "c", "COMMITTED", 3)]) {
      const decoded = decodeEvent(event);
      expect(state.hasMissed(decoded)).toBe(false);
      state.apply(decoded);
    }
    expect([...state.notes.keys()]).toEqual(["a", "b", "c"]);
  });

  it("does not mind a tentative event that was coalesced away", () => {
    const state = fold(before.map(decodeEvent));
    expect(state.hasMissed(decodeEvent(note(9, "d", "TENTATIVE")))).toBe(false);
  });
});
