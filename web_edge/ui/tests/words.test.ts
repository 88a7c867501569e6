import { describe, expect, it } from "vitest";
import { microphoneProblem } from "../src/lib/audio/microphone";
import { scoreOf, toDocument } from "../src/lib/document";
import { decodeEvent } from "../src/lib/events";
import { parseProblem, problem } from "../src/lib/problems";
import { fold } from "../src/lib/session-state";
import { clockTime, describeNote } from "../src/lib/tab/describe";
import { pitchName, stringLabel } from "../src/lib/tunings";

const events = [
  { sessionId: "s", sequence: "1", started: { config: { instrument: { tuning: [64, 59, 55, 50, 45, 38], capo: 2 } } } },
  {
    sessionId: "s",
    sequence: "2",
    previousDurableSequence: "1",
    note: {
      id: "a",
      state: "NOTE_STATE_ENDED",
      onsetS: 0.5,
      offsetS: 1,
      pitch: 69,
      confidence: 0.62,
      string: 1,
      fret: 3,
      alternatives: [{ string: 2, fret: 8, cost: 1.5 }],
    },
  },
  { sessionId: "s", sequence: "3", note: { id: "b", state: "NOTE_STATE_TENTATIVE", onsetS: 0.9, pitch: 20 } },
].map(decodeEvent);

describe("a file of a session", () => {
  it("holds what is settled, and reads back as the same notes", () => {
    const state = fold(events);
    const file = toDocument(state);
    expect(file.notes.map(({ id }) => id)).toEqual(["a"]);
    expect(file).toMatchObject({ schema: "genesis.transcription/1", session: "s", capo: 2 });
    const settled = { ...state.notes.get("a"), stability: 1 };
    expect(scoreOf(file).notes).toEqual([settled]);
  });
});

describe("words for a note", () => {
  it("say where, how sure, and where else", () => {
    const [first, second] = fold(events).sortedNotes();
    expect(first && describeNote(first)).toBe("A4 at 0.50 s: string 1, fret 3, 62 % sure; or string 2 fret 8.");
    expect(second && describeNote(second)).toContain("no place on this neck, 0 % sure; may still change");
  });

  it("name pitches and times", () => {
    expect([64, 59, 40].map(pitchName)).toEqual(["E4", "B3", "E2"]);
    expect(stringLabel(50)).toBe("D");
    expect(clockTime(65.9)).toBe("1:05");
  });
});

describe("problems", () => {
  const otherwise = problem("INTERNAL", "Something.", 500);

  it("are the server's sentence where it gave one", () => {
    const found = parseProblem({ reason: "AUDIO_EMPTY", title: "Empty", detail: "Record something.", status: 422 }, otherwise);
    expect(found).toEqual({ reason: "AUDIO_EMPTY", detail: "Record something.", status: 422 });
    expect(parseProblem("<html>", otherwise)).toBe(otherwise);
    expect(parseProblem({ title: "Empty" }, otherwise).detail).toBe("Empty");
  });

  it("are sentences when the microphone is refused", () => {
    const refused = microphoneProblem(new DOMException("denied", "NotAllowedError"));
    expect(refused.detail).toMatch(/Allow it .*\.$/);
    expect(microphoneProblem("?").detail).toMatch(/\.$/);
  });
});
