/** `session = fold(events)`: twin of music/session_state.py, tested on the same vectors. */

import {
  isDurable,
  type Bar,
  type BarsRevised,
  type Chord,
  type Ended,
  type Failed,
  type Gap,
  type HarmonyRevised,
  type Key,
  type Note,
  type RhythmLock,
  type RhythmLocked,
  type SeparationChosen,
  type SessionEvent,
  type Snapshot,
  type Started,
} from "./events";

/** A session as its events have told so far. Applying an event twice, or an old one, changes nothing. */
export class SessionState {
  sessionId = "";
  /** Of the last event applied. */
  sequence = 0;
  /** Of the last durable event applied. */
  durableSequence = 0;
  attempt = 0;
  /** The watermark, a sample index: every note before it is settled. */
  processedUntil = 0;
  receivedUntil = 0;
  duration: number | null = null;
  /** Samples between two looks for tentative notes, 0 for none; null until it is told. */
  cadence: number | null = null;
  started: Started | null = null;
  /** What is heard, as it was told last. */
  separation: SeparationChosen | null = null;
  /** The latest revision of every note that is not retracted, by id. */
  notes = new Map<string, Note>();
  gaps: Gap[] = [];
  /** The committed ones, in order; the tentative ones are what comes after them for now. */
  bars: Bar[] = [];
  tentativeBars: Bar[] = [];
  chords: Chord[] = [];
  tentativeChords: Chord[] = [];
  /** All so far. */
  keys: Key[] = [];
  /** What a person has decided about the bars, in order. */
  rhythmLocks: RhythmLocked[] = [];
  ended: Ended | null = null;
  failed: Failed | null = null;
  /** Onsets by id; few, while the notes are many. */
  private tentative = new Map<string, number>();

  get isOver(): boolean {
    return this.ended !== null || this.failed !== null;
  }

  /** What holds of the bars; null where nothing was ever decided. */
  get lock(): RhythmLock | null {
    return this.rhythmLocks.at(-1)?.lock ?? null;
  }

  private get lockRevision(): number {
    return this.rhythmLocks.at(-1)?.revision ?? 0;
  }

  /** Whether a durable event before `event` never arrived: the reader must `rewind` and resume. */
  hasMissed(event: SessionEvent): boolean {
    return (
      event.sequence > this.sequence &&
      isDurable(event.payload) &&
      event.previousDurableSequence !== this.durableSequence
    );
  }

  /**
   * Forgets everything after the last durable event that is known to be complete. Tentative events may have carried
   * `sequence` past a durable one that was lost; without this its second delivery would be taken for an old event.
   */
  rewind(): void {
    this.sequence = this.durableSequence;
    this.dropTentative();
    this.dropTentativeMusic();
  }

  /** Folds one event in. */
  apply(event: SessionEvent): void {
    const { payload } = event;
    if (payload.kind === "snapshot") {
      this.replace(event, payload);
      return;
    }
    if (event.sequence <= this.sequence) return;
    this.sessionId = event.sessionId;
    this.sequence = event.sequence;
    this.attempt = Math.max(this.attempt, event.attempt);
    if (isDurable(payload)) this.durableSequence = event.sequence;
    switch (payload.kind) {
      case "started":
        this.started = payload;
        this.dropTentative();
        this.dropTentativeMusic();
        break;
      case "note":
        this.revise(payload.note);
        break;
      case "progress":
        this.receivedUntil = Math.max(this.receivedUntil, payload.receivedUntil);
        this.duration = payload.duration ?? this.duration;
        break;
      case "cadence":
        this.cadence = payload.cadence;
        break;
      case "bars":
        // A later attempt tells the bars of before a lock again too.
        if (payload.revision === this.lockRevision) this.reviseBars(payload);
        break;
      case "rhythm":
        this.lockRhythm(payload);
        break;
      case "harmony":
        this.reviseHarmony(payload);
        break;
      case "separation":
        this.separation = payload;
        break;
      case "gap":
        if (!this.gaps.some((gap) => isSameGap(gap, payload))) this.gaps.push(payload);
        break;
      case "ended":
        this.ended = payload;
        this.close(payload.duration);
        break;
      case "failed":
        this.failed = payload;
        this.close(payload.duration);
        break;
      case "runner":
      case "unknown":
        break;
    }
    this.raiseWatermark(event.processedUntil);
  }

  /** Notes by onset, then pitch, then id. */
  sortedNotes(): Note[] {
    return [...this.notes.values()].sort(byOnset);
  }

  private revise(note: Note): void {
    const known = this.notes.get(note.id)?.state;
    if (known === "ended") return;
    if (known === "committed" && (note.state === "tentative" || note.state === "retracted")) return;
    this.tentative.delete(note.id);
    const isLate = note.state === "tentative" && note.onset < this.processedUntil;
    if (isLate || note.state === "retracted") {
      this.notes.delete(note.id);
      return;
    }
    this.notes.set(note.id, note);
    if (note.state === "tentative") this.tentative.set(note.id, note.onset);
  }

  private reviseBars(revised: BarsRevised): void {
    // A later attempt tells the same bars again.
    for (const bar of revised.committed ? revised.bars : []) {
      if (bar.number > (this.bars.at(-1)?.number ?? -Infinity)) this.bars.push(bar);
    }
    const after = this.bars.at(-1)?.number ?? -1;
    this.tentativeBars = (revised.committed ? this.tentativeBars : revised.bars).filter((bar) => bar.number > after);
  }

  private lockRhythm(locked: RhythmLocked): void {
    if (locked.revision <= this.lockRevision) return;
    this.rhythmLocks.push(locked);
    this.bars = this.bars.filter(({ end }) => end > 0 && end <= locked.start);
    this.tentativeBars = [];
  }

  private reviseHarmony(revised: HarmonyRevised): void {
    for (const chord of revised.committed ? revised.chords : []) {
      if (chord.start >= (this.chords.at(-1)?.end ?? -Infinity)) this.chords.push(chord);
    }
    const after = this.chords.at(-1)?.end ?? 0;
    const rest = revised.committed ? this.tentativeChords : revised.chords;
    this.tentativeChords = rest.filter((chord) => chord.start >= after);
    if (revised.keys.length > 0) this.keys = [...revised.keys];
  }

  private dropTentativeMusic(): void {
    this.tentativeBars = [];
    this.tentativeChords = [];
  }

  private raiseWatermark(processedUntil: number): void {
    if (processedUntil <= this.processedUntil) return;
    this.processedUntil = processedUntil;
    // A retraction may have expired unread; the watermark says the same thing and never expires.
    this.dropTentative(processedUntil);
  }

  private dropTentative(before = Infinity): void {
    for (const [id, onset] of this.tentative) {
      if (onset >= before) continue;
      this.tentative.delete(id);
      this.notes.delete(id);
    }
  }

  private close(duration: number): void {
    this.duration = duration;
    this.dropTentative();
    this.dropTentativeMusic();
  }

  private replace(event: SessionEvent, snapshot: Snapshot): void {
    if (snapshot.sequence <= this.sequence) return;
    this.sessionId = event.sessionId;
    this.sequence = snapshot.sequence;
    this.durableSequence = snapshot.sequence;
    this.attempt = snapshot.attempt;
    this.processedUntil = Math.max(this.processedUntil, snapshot.processedUntil);
    this.started = snapshot.started;
    this.notes = new Map(snapshot.notes.map((note) => [note.id, note]));
    this.tentative.clear();
    this.gaps = [...snapshot.gaps];
    this.bars = [...snapshot.bars];
    this.chords = [...snapshot.chords];
    this.keys = [...snapshot.keys];
    this.rhythmLocks = [...snapshot.rhythmLocks];
    this.dropTentativeMusic();
    this.ended = snapshot.ended;
    this.failed = snapshot.failed;
    this.separation = snapshot.separation;
    const over = snapshot.ended ?? snapshot.failed;
    if (over !== null) {
      this.duration = over.duration;
      this.receivedUntil = Math.max(this.receivedUntil, over.duration);
    }
  }
}

/** The state after `events`, in order. */
export function fold(events: Iterable<SessionEvent>): SessionState {
  const state = new SessionState();
  for (const event of events) state.apply(event);
  return state;
}

function byOnset(a: Note, b: Note): number {
  return a.onset - b.onset || a.pitch - b.pitch || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}

function isSameGap(a: Gap, b: Gap): boolean {
  return a.start === b.start && a.end === b.end && a.cause === b.cause;
}
