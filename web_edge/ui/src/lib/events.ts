/** What a session's log consists of, and its way in from the wire. Times are sample indices. */

import { fromJson, type JsonValue } from "@bufbuild/protobuf";
import { ErrorReason } from "../gen/genesis/v1/error_pb";
import { SessionEventSchema, type SessionEvent as EventMessage } from "../gen/genesis/v1/event_pb";
import {
  Standing,
  type Bar as BarMessage,
  type ChordSpan as ChordMessage,
  type KeySpan as KeyMessage,
  type RhythmLocked as LockedMessage,
} from "../gen/genesis/v1/rhythm_pb";
import { NoteState as WireState, type Note as NoteMessage } from "../gen/genesis/v1/note_pb";
import {
  EndReason as WireEndReason,
  type Gap as GapMessage,
  type SessionEnded as EndedMessage,
  type SeparationChosen as SeparationMessage,
  SeparationMode,
  type SessionFailed as FailedMessage,
  type SessionSnapshot as SnapshotMessage,
  type SessionStarted as StartedMessage,
} from "../gen/genesis/v1/session_pb";
import { sampleAt } from "./clock";
import { STANDARD } from "./tunings";

export type NoteState = "tentative" | "committed" | "ended" | "retracted";

export interface Position {
  /** 1 is the first string of the tuning's list. */
  readonly string: number;
  /** Counted from the capo. */
  readonly fret: number;
}

export interface Alternative extends Position {
  readonly cost: number;
}

export interface Technique {
  /** slide, hammer_on, pull_off, bend, vibrato, let_ring. */
  readonly kind: string;
  /** Id of the note it leads to, or empty. */
  readonly to: string;
  readonly confidence: number;
  /** How far a bend goes; null for every other kind. */
  readonly semitones: number | null;
}

export interface Note {
  readonly id: string;
  readonly state: NoteState;
  readonly onset: number;
  readonly offset: number | null;
  readonly pitch: number;
  readonly velocity: number;
  readonly confidence: number;
  readonly stability: number;
  /** Null when the instrument has no place for this pitch. */
  readonly position: Position | null;
  readonly alternatives: readonly Alternative[];
  readonly bends: readonly { readonly time: number; readonly semitones: number }[];
  readonly techniques: readonly Technique[];
  readonly flags: readonly string[];
  /** Probability that the note sounded on string 1, 2, …, as heard; empty when nothing was heard. */
  readonly stringEvidence: readonly number[];
}

export interface Started {
  readonly kind: "started";
  readonly tuning: readonly number[];
  readonly capo: number;
  readonly models: readonly { readonly role: string; readonly name: string; readonly sha256: string }[];
}

/** A bar, for display; times are sample indices. */
export interface Bar {
  /** From 1; 0 for a pickup. */
  readonly number: number;
  readonly beats: readonly number[];
  readonly end: number;
  /** Time signature, 6/8 as 6 and 8. */
  readonly count: number;
  readonly unit: number;
  readonly confidence: number;
  readonly swing: number;
}

/** Harte syntax, "N" for none. */
export interface Chord {
  readonly start: number;
  readonly end: number;
  readonly symbol: string;
  readonly confidence: number;
}

/** "D#:major", "" where none can be told. */
export interface Key {
  readonly start: number;
  readonly end: number;
  readonly key: string;
  readonly confidence: number;
}

/** Committed bars follow those before and stay; tentative ones are all that come after them. */
export interface BarsRevised {
  readonly kind: "bars";
  readonly bars: readonly Bar[];
  readonly committed: boolean;
  /** Of the lock that they follow; 0 for none. */
  readonly revision: number;
}

/** What a person has decided about bars; null, or no taps, leaves it to be found. Times are sample indices. */
export interface RhythmLock {
  readonly tempoBpm: number | null;
  /** "6/8". */
  readonly signature: string | null;
  readonly barOne: number | null;
  readonly taps: readonly number[];
}

/** A person has decided about the bars: those that end after `start` (all, where it is 0) are told anew. */
export interface RhythmLocked {
  readonly kind: "rhythm";
  readonly lock: RhythmLock;
  /** Counts the locks of the session, from 1. */
  readonly revision: number;
  readonly start: number;
}

/** Chords as bars are; keys, where there are any, replace those told before. */
export interface HarmonyRevised {
  readonly kind: "harmony";
  readonly chords: readonly Chord[];
  readonly keys: readonly Key[];
  readonly committed: boolean;
}

/** What is heard from sample `start` on; before it, the mix. */
export interface SeparationChosen {
  readonly kind: "separation";
  readonly separation: "off" | "auto" | "vocals_removed" | "guitar";
  readonly start: number;
  readonly cause: string;
  /** Samples that a sound is later known than without separation, at worst. */
  readonly latency: number;
}

export interface Gap {
  readonly kind: "gap";
  readonly start: number;
  readonly end: number;
  readonly cause: string;
}

export interface Ended {
  readonly kind: "ended";
  readonly reason: "completed" | "cancelled" | "drained";
  readonly duration: number;
}

export interface Failed {
  readonly kind: "failed";
  readonly reason: string;
  readonly message: string;
  readonly duration: number;
}

export interface Snapshot {
  readonly kind: "snapshot";
  readonly sequence: number;
  readonly attempt: number;
  readonly processedUntil: number;
  readonly started: Started | null;
  readonly notes: readonly Note[];
  readonly gaps: readonly Gap[];
  readonly ended: Ended | null;
  readonly failed: Failed | null;
  readonly bars: readonly Bar[];
  readonly chords: readonly Chord[];
  readonly keys: readonly Key[];
  readonly separation: SeparationChosen | null;
  readonly rhythmLocks: readonly RhythmLocked[];
}

/** What a newer server tells and this page does not know. It takes its place in the log, and says nothing. */
export interface Unknown {
  readonly kind: "unknown";
  readonly isDurable: boolean;
}

export type Payload =
  | Started
  | { readonly kind: "note"; readonly note: Note }
  | { readonly kind: "progress"; readonly receivedUntil: number; readonly duration: number | null }
  | { readonly kind: "cadence"; readonly cadence: number; readonly cause: string }
  | BarsRevised
  | HarmonyRevised
  | RhythmLocked
  | { readonly kind: "runner"; readonly runner: string; readonly cause: string }
  | SeparationChosen
  | Gap
  | Ended
  | Failed
  | Snapshot
  | Unknown;

export interface SessionEvent {
  readonly sessionId: string;
  readonly sequence: number;
  readonly attempt: number;
  readonly previousDurableSequence: number;
  readonly processedUntil: number;
  readonly payload: Payload;
}

const EPHEMERAL: ReadonlySet<Payload["kind"]> = new Set(["progress", "cadence", "runner", "snapshot"]);

/** Durable events are never dropped; the others expire and may be coalesced. */
export function isDurable(payload: Payload): boolean {
  if (payload.kind === "note") return payload.note.state === "committed" || payload.note.state === "ended";
  if (payload.kind === "bars" || payload.kind === "harmony") return payload.committed;
  if (payload.kind === "unknown") return payload.isDurable;
  return !EPHEMERAL.has(payload.kind);
}

/**
 * Reads one `genesis.v1.SessionEvent` in proto3 JSON.
 *
 * @throws Error when it is not one.
 */
export function decodeEvent(json: unknown): SessionEvent {
  const message = fromJson(SessionEventSchema, json as JsonValue, { ignoreUnknownFields: true });
  return {
    sessionId: message.sessionId,
    sequence: Number(message.sequence),
    attempt: message.attempt,
    previousDurableSequence: Number(message.previousDurableSequence),
    processedUntil: sampleAt(message.processedUntilS),
    payload: decodePayload(message),
  };
}

function decodePayload({ payload, sequence, previousDurableSequence }: EventMessage): Payload {
  switch (payload.case) {
    case "started":
      return decodeStarted(payload.value);
    case "note":
      return { kind: "note", note: decodeNote(payload.value) };
    case "progress": {
      const { receivedUntilS, durationS } = payload.value;
      const duration = durationS === undefined ? null : sampleAt(durationS);
      return { kind: "progress", receivedUntil: sampleAt(receivedUntilS), duration };
    }
    case "cadence":
      return { kind: "cadence", cadence: sampleAt(payload.value.cadenceS), cause: payload.value.cause };
    case "bars": {
      const { bars, standing, revision } = payload.value;
      return { kind: "bars", bars: bars.map(decodeBar), committed: standing === Standing.COMMITTED, revision };
    }
    case "harmony": {
      const { chords, keys, standing } = payload.value;
      const committed = standing === Standing.COMMITTED;
      return { kind: "harmony", chords: chords.map(decodeChord), keys: keys.map(decodeKey), committed };
    }
    case "rhythm":
      return decodeLocked(payload.value);
    case "runner":
      return { kind: "runner", runner: payload.value.runner, cause: payload.value.cause };
    case "separation":
      return decodeSeparation(payload.value);
    case "gap":
      return decodeGap(payload.value);
    case "ended":
      return decodeEnded(payload.value);
    case "failed":
      return decodeFailed(payload.value);
    case "snapshot":
      return decodeSnapshot(payload.value);
    case undefined:
      if (!sequence) throw new Error("This is no session event: it has neither a number nor a payload.");
      // Only the first durable event names none before it, and that one is known for good.
      return { kind: "unknown", isDurable: previousDurableSequence > 0n };
  }
}

const STATES: Record<WireState, NoteState> = {
  [WireState.UNSPECIFIED]: "tentative",
  [WireState.TENTATIVE]: "tentative",
  [WireState.COMMITTED]: "committed",
  [WireState.ENDED]: "ended",
  [WireState.RETRACTED]: "retracted",
};

function decodeNote(message: NoteMessage): Note {
  const { string, fret } = message;
  return {
    id: message.id,
    state: STATES[message.state],
    onset: sampleAt(message.onsetS),
    offset: message.offsetS === undefined ? null : sampleAt(message.offsetS),
    pitch: message.pitch,
    velocity: message.velocity,
    confidence: message.confidence,
    stability: message.stability,
    position: string === undefined || fret === undefined ? null : { string, fret },
    alternatives: message.alternatives.map((other) => ({ string: other.string, fret: other.fret, cost: other.cost })),
    bends: message.bends.map((bend) => ({ time: sampleAt(bend.timeS), semitones: bend.semitones })),
    techniques: message.techniques.map(({ kind, to, confidence, semitones = null }) => ({
      kind,
      to,
      confidence,
      semitones,
    })),
    flags: message.flags,
    stringEvidence: message.stringEvidence,
  };
}

function decodeBar(message: BarMessage): Bar {
  const { number, count, unit, confidence, swing } = message;
  return { number, beats: message.beatsS.map(sampleAt), end: sampleAt(message.endS), count, unit, confidence, swing };
}

function decodeLocked({ lock, revision, startS }: LockedMessage): RhythmLocked {
  const { timeSignature, tempoBpm = null, barOneS, tapsS = [] } = lock ?? {};
  return {
    kind: "rhythm",
    lock: {
      tempoBpm,
      signature: timeSignature ? `${timeSignature.count}/${timeSignature.unit}` : null,
      barOne: barOneS === undefined ? null : sampleAt(barOneS),
      taps: tapsS.map(sampleAt),
    },
    revision,
    start: sampleAt(startS),
  };
}

function decodeChord({ startS, endS, symbol, confidence }: ChordMessage): Chord {
  return { start: sampleAt(startS), end: sampleAt(endS), symbol, confidence };
}

function decodeKey({ startS, endS, key, confidence }: KeyMessage): Key {
  return { start: sampleAt(startS), end: sampleAt(endS), key, confidence };
}

function decodeStarted(message: StartedMessage): Started {
  const instrument = message.config?.instrument;
  return {
    kind: "started",
    tuning: instrument?.tuning.length ? instrument.tuning : STANDARD.pitches,
    capo: instrument?.capo ?? 0,
    models: message.models.map(({ role, name, sha256 }) => ({ role, name, sha256 })),
  };
}

const SEPARATIONS: Record<SeparationMode, SeparationChosen["separation"]> = {
  [SeparationMode.UNSPECIFIED]: "off",
  [SeparationMode.OFF]: "off",
  [SeparationMode.AUTO]: "auto",
  [SeparationMode.VOCALS_REMOVED]: "vocals_removed",
  [SeparationMode.GUITAR]: "guitar",
};

function decodeSeparation(message: SeparationMessage): SeparationChosen {
  return {
    kind: "separation",
    separation: SEPARATIONS[message.separation],
    start: sampleAt(message.startS),
    cause: message.cause,
    latency: sampleAt(message.latencyS),
  };
}

function decodeGap(message: GapMessage): Gap {
  return { kind: "gap", start: sampleAt(message.startS), end: sampleAt(message.endS), cause: message.cause };
}

const END_REASONS: Record<WireEndReason, Ended["reason"]> = {
  [WireEndReason.UNSPECIFIED]: "cancelled",
  [WireEndReason.COMPLETED]: "completed",
  [WireEndReason.CANCELLED]: "cancelled",
  [WireEndReason.DRAINED]: "drained",
};

function decodeEnded(message: EndedMessage): Ended {
  return { kind: "ended", reason: END_REASONS[message.reason], duration: sampleAt(message.durationS) };
}

function decodeFailed(message: FailedMessage): Failed {
  return {
    kind: "failed",
    // A reason this version does not know: the message beside it still says what happened.
    reason: (ErrorReason as Record<number, string | undefined>)[message.reason] ?? "INTERNAL",
    message: message.message,
    duration: sampleAt(message.durationS),
  };
}

function decodeSnapshot(message: SnapshotMessage): Snapshot {
  return {
    kind: "snapshot",
    sequence: Number(message.sequence),
    attempt: message.attempt,
    processedUntil: sampleAt(message.processedUntilS),
    started: message.started ? decodeStarted(message.started) : null,
    notes: message.notes.map(decodeNote),
    gaps: message.gaps.map(decodeGap),
    ended: message.ended ? decodeEnded(message.ended) : null,
    failed: message.failed ? decodeFailed(message.failed) : null,
    bars: message.bars.map(decodeBar),
    chords: message.chords.map(decodeChord),
    keys: message.keys.map(decodeKey),
    separation: message.separation ? decodeSeparation(message.separation) : null,
    rhythmLocks: message.rhythmLocks.map(decodeLocked),
  };
}
