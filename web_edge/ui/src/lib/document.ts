/** The file schema "genesis.transcription/1": what `--json` writes and the server's result is. */

import { sampleAt, seconds } from "./clock";
import type { Rhythm } from "./api";
import type { Alternative, Bar, Chord, Gap, Key, Note, NoteState, RhythmLock } from "./events";
import type { SessionState } from "./session-state";
import { STANDARD } from "./tunings";

export interface DocumentNote {
  id: string;
  state: string;
  onset_s: number;
  offset_s: number | null;
  pitch: number;
  velocity: number;
  confidence: number;
  string: number | null;
  fret: number | null;
  flags: string[];
  alternatives: Alternative[];
  string_evidence: number[];
  bends: { time_s: number; semitones: number }[];
  techniques: { kind: string; to: string; confidence: number; semitones?: number }[];
}

/** How many notes there are, and how many of them the instrument, or one hand, has no place for. */
export interface Summary {
  readonly notes: number;
  readonly out_of_range: number;
  readonly unplayable: number;
}

export interface TranscriptionDocument {
  schema: "genesis.transcription/1";
  session: string;
  models: Record<string, string>;
  duration_s: number;
  tuning: number[];
  capo: number;
  gaps: { start_s: number; end_s: number; cause: string }[];
  notes: DocumentNote[];
  /** What of the bars a person has decided. */
  rhythm?: Rhythm;
  bars?: DocumentBar[];
  chords?: DocumentChord[];
  keys?: DocumentKey[];
}

export interface DocumentBar {
  number: number;
  time_signature: string;
  beats_s: number[];
  end_s: number;
  confidence: number;
  swing: number;
}

export interface DocumentChord {
  start_s: number;
  end_s: number;
  symbol: string;
  confidence: number;
}

export interface DocumentKey {
  start_s: number;
  end_s: number;
  key: string;
  confidence: number;
}

/** What the tab shows, whether it came from a log or a file. */
export interface Score {
  readonly tuning: readonly number[];
  readonly capo: number;
  readonly notes: readonly Note[];
  readonly gaps: readonly Gap[];
  readonly duration: number;
  readonly bars: readonly Bar[];
  readonly chords: readonly Chord[];
  readonly keys: readonly Key[];
}

/** A tab without notes yet. */
export function emptyScore(tuning: readonly number[], capo: number): Score {
  return { tuning, capo, notes: [], gaps: [], duration: 0, bars: [], chords: [], keys: [] };
}

/** A session for the tab; `before` says how the strings are tuned until the session does. */
export function scoreOfSession(session: SessionState, before: Score): Score {
  return {
    tuning: session.started?.tuning ?? before.tuning,
    capo: session.started?.capo ?? before.capo,
    notes: session.sortedNotes(),
    gaps: [...session.gaps],
    duration: session.duration ?? 0,
    bars: [...session.bars, ...session.tentativeBars],
    chords: [...session.chords, ...session.tentativeChords],
    keys: [...session.keys],
  };
}

/** The settled part of a session as a file. */
export function toDocument(session: SessionState): TranscriptionDocument {
  const { started } = session;
  const notes = session.sortedNotes().filter((note) => note.state !== "tentative");
  return {
    schema: "genesis.transcription/1",
    session: session.sessionId,
    models: Object.fromEntries((started?.models ?? []).map((m) => [m.role, `${m.name}@sha256:${m.sha256}`])),
    duration_s: seconds(session.duration ?? session.receivedUntil),
    tuning: [...(started?.tuning ?? STANDARD.pitches)],
    capo: started?.capo ?? 0,
    gaps: session.gaps.map(({ start, end, cause }) => ({ start_s: seconds(start), end_s: seconds(end), cause })),
    notes: notes.map(toDocumentNote),
    ...(session.lock ? { rhythm: rhythmOf(session.lock) } : {}),
    bars: session.bars.map((bar) => ({
      number: bar.number,
      time_signature: `${bar.count}/${bar.unit}`,
      beats_s: bar.beats.map(seconds),
      end_s: seconds(bar.end),
      confidence: bar.confidence,
      swing: bar.swing,
    })),
    chords: session.chords.map(({ start, end, symbol, confidence }) => ({
      start_s: seconds(start),
      end_s: seconds(end),
      symbol,
      confidence,
    })),
    keys: session.keys.map(({ start, end, key, confidence }) => ({
      start_s: seconds(start),
      end_s: seconds(end),
      key,
      confidence,
    })),
  };
}

/** A lock the way it is asked for. */
export function rhythmOf({ tempoBpm, signature, barOne, taps }: RhythmLock): Rhythm {
  return {
    tempo_bpm: tempoBpm,
    time_signature: signature,
    bar_one_s: barOne === null ? null : seconds(barOne),
    taps_s: taps.map(seconds),
  };
}

function toDocumentNote(note: Note): DocumentNote {
  return {
    id: note.id,
    state: note.state,
    onset_s: seconds(note.onset),
    offset_s: note.offset === null ? null : seconds(note.offset),
    pitch: note.pitch,
    velocity: note.velocity,
    confidence: note.confidence,
    string: note.position?.string ?? null,
    fret: note.position?.fret ?? null,
    flags: [...note.flags],
    alternatives: note.alternatives.map((other) => ({ ...other })),
    string_evidence: [...note.stringEvidence],
    bends: note.bends.map(({ time, semitones }) => ({ time_s: seconds(time), semitones })),
    techniques: note.techniques.map(({ semitones, ...technique }) => ({
      ...technique,
      ...(semitones === null ? {} : { semitones }),
    })),
  };
}

/** A stored result, for the tab. Members that are missing take the schema's defaults. */
export function scoreOf(data: TranscriptionDocument): Score {
  return {
    tuning: data.tuning,
    capo: data.capo,
    duration: sampleAt(data.duration_s),
    gaps: data.gaps.map((gap) => ({ kind: "gap", start: sampleAt(gap.start_s), end: sampleAt(gap.end_s), cause: gap.cause })),
    notes: data.notes.map(fromDocumentNote),
    bars: (data.bars ?? []).map(fromDocumentBar),
    chords: (data.chords ?? []).map(({ start_s, end_s, symbol, confidence }) => ({
      start: sampleAt(start_s),
      end: sampleAt(end_s),
      symbol,
      confidence,
    })),
    keys: (data.keys ?? []).map(({ start_s, end_s, key, confidence }) => ({
      start: sampleAt(start_s),
      end: sampleAt(end_s),
      key,
      confidence,
    })),
  };
}

function fromDocumentBar(bar: DocumentBar): Bar {
  const [count = 4, unit = 4] = bar.time_signature.split("/").map(Number);
  const { number, confidence, swing } = bar;
  return { number, count, unit, confidence, swing, beats: bar.beats_s.map(sampleAt), end: sampleAt(bar.end_s) };
}

const STATES: readonly NoteState[] = ["tentative", "committed", "ended"];

function fromDocumentNote(data: Partial<DocumentNote> & { id: string }): Note {
  const { string = null, fret = null, offset_s: offset = null } = data;
  return {
    id: data.id,
    state: STATES.find((state) => state === data.state) ?? "ended",
    onset: sampleAt(data.onset_s ?? 0),
    offset: offset === null ? null : sampleAt(offset),
    pitch: data.pitch ?? 0,
    velocity: data.velocity ?? 0,
    confidence: data.confidence ?? 1,
    stability: 1,
    position: string === null || fret === null ? null : { string, fret },
    alternatives: data.alternatives ?? [],
    bends: (data.bends ?? []).map((bend) => ({ time: sampleAt(bend.time_s), semitones: bend.semitones })),
    techniques: (data.techniques ?? []).map((technique) => ({ semitones: null, ...technique })),
    flags: data.flags ?? [],
    stringEvidence: data.string_evidence ?? [],
  };
}
