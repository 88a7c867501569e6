/** A pretended transcription: what would be said about a known piece once so much of it has been heard. */

interface TruthNote {
  id: string;
  onset_s: number;
  offset_s?: number | null;
  pitch: number;
  string?: number | null;
  fret?: number | null;
}

export interface Truth {
  duration_s: number;
  tuning: number[];
  capo: number;
  notes: TruthNote[];
}

type Face = "started" | "note" | "progress" | "gap" | "ended";

const TYPES: Record<Face, string> = {
  started: "session:started",
  note: "note",
  progress: "progress:update",
  gap: "gap",
  ended: "job:complete",
};

/** How long after its onset a note is shown, made surer, and settled. */
const SHOWN_S = 0.12;
const SURER_S = 0.3;
const SETTLED_S = 0.6;

interface Cue {
  atS: number;
  face: Face;
  payload: object;
  isDurable: boolean;
}

/** The session's log, told as audio arrives. */
export class Script {
  private readonly cues: Cue[];
  private told = 0;
  private sequence = 0;
  private durable = 0;
  readonly log: { type: string; id: string; sequence: number; event: object }[] = [];

  constructor(
    readonly id: string,
    private readonly truth: Truth,
  ) {
    this.cues = [this.started(), ...truth.notes.flatMap((note, i) => cuesOf(note, i))].sort((a, b) => a.atS - b.atS);
  }

  /** Appends to the log what is known after `heardS` seconds. */
  hear(heardS: number): void {
    for (let cue = this.cues[this.told]; cue && cue.atS <= heardS; cue = this.cues[this.told]) {
      this.told += 1;
      this.append(cue, cue.atS);
    }
  }

  progress(heardS: number): void {
    const payload = { receivedUntilS: heardS, durationS: this.truth.duration_s };
    this.append({ atS: heardS, face: "progress", payload, isDurable: false }, heardS);
  }

  /** The rest of what was heard, and the end. */
  finish(heardS: number): void {
    for (const cue of this.cues.slice(this.told)) {
      if (cue.atS - SETTLED_S <= heardS) this.append(cue, heardS);
    }
    this.told = this.cues.length;
    const payload = { reason: "END_REASON_COMPLETED", durationS: heardS };
    this.append({ atS: heardS, face: "ended", payload, isDurable: true }, heardS);
  }

  private started(): Cue {
    const instrument = { tuning: this.truth.tuning, capo: this.truth.capo, fretCount: 22 };
    const payload = { config: { instrument, sessionId: this.id }, models: [] };
    return { atS: 0, face: "started", payload, isDurable: true };
  }

  private append({ face, payload, isDurable }: Cue, nowS: number): void {
    this.sequence += 1;
    const event = {
      sessionId: this.id,
      sequence: String(this.sequence),
      attempt: 1,
      ...(isDurable ? { previousDurableSequence: String(this.durable) } : {}),
      processedUntilS: Math.max(0, nowS - SETTLED_S),
      [face]: payload,
    };
    if (isDurable) this.durable = this.sequence;
    this.log.push({ type: TYPES[face], id: this.id, sequence: this.sequence, event });
  }
}

function cuesOf(truth: TruthNote, index: number): Cue[] {
  // Some notes are doubtful, some have other places, so that the page has everything to show.
  const confidence = index % 9 === 4 ? 0.38 : 0.93;
  const alternatives = index % 3 === 0 ? [{ string: 3, fret: 9, cost: 1.4 }] : [];
  const note = {
    id: `n${index + 1}`,
    onsetS: truth.onset_s,
    pitch: truth.pitch,
    velocity: 0.8,
    confidence,
    alternatives,
    ...(truth.string ? { string: truth.string, fret: truth.fret ?? 0 } : { flags: ["out_of_range"] }),
  };
  const cue = (delayS: number, state: string, more: object, isDurable: boolean): Cue => ({
    atS: truth.onset_s + delayS,
    face: "note",
    payload: { ...note, state: `NOTE_STATE_${state}`, ...more },
    isDurable,
  });
  const length = Math.max(SETTLED_S, (truth.offset_s ?? truth.onset_s + 0.4) - truth.onset_s);
  return [
    cue(SHOWN_S, "TENTATIVE", { stability: 0.35 }, false),
    cue(SURER_S, "TENTATIVE", { stability: 0.8 }, false),
    cue(SETTLED_S, "COMMITTED", { stability: 1 }, true),
    cue(length + 0.01, "ENDED", { stability: 1, offsetS: truth.onset_s + length }, true),
  ];
}
