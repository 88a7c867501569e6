/** A finished tab's versions: the log as it was played, and the documents that derive from it. */

import {
  arrange,
  fetchDocument,
  fetchTuningOffer,
  listDocuments,
  rebar,
  type ArrangeRequest,
  type BarsRequest,
  type DerivedDocument,
  type DocumentInfo,
  type Rhythm,
  type TuningOffer,
} from "./api";
import type { DocumentNote, TranscriptionDocument } from "./document";
import type { Player } from "./player";

/** Who shows what is chosen here. */
export interface Desk {
  show(document: TranscriptionDocument): void;
  complain(error: unknown): void;
}

export class Versions {
  /** Every document's latest revision, the newest first. */
  documents = $state.raw<DocumentInfo[]>([]);
  /** Which of them is on the page; null for the log. */
  shown = $state.raw<DocumentInfo | null>(null);
  isArranging = $state(false);
  /** What the notes suggest instead of what was said; null where they suggest nothing, or it was declined. */
  offer = $state.raw<TuningOffer | null>(null);

  private sessionId = "";
  private log = $state.raw<TranscriptionDocument | null>(null);
  /** Counts what was asked for; an answer that is overtaken is not shown. */
  private asked = 0;

  constructor(private readonly desk: Desk) {}

  /** What is decided of the bars that are on the page; null for nothing. */
  get rhythm(): Rhythm | null {
    return this.shown ? this.shown.settings.rhythm : (this.log?.rhythm ?? null);
  }

  get canArrange(): boolean {
    return this.sessionId !== "";
  }

  /** A tab is finished: it can be arranged from now on. */
  open(sessionId: string, log: TranscriptionDocument): void {
    this.close();
    this.sessionId = sessionId;
    this.log = log;
    void this.refresh();
  }

  close(): void {
    this.asked += 1;
    this.sessionId = "";
    this.log = this.shown = this.offer = null;
    this.documents = [];
    this.isArranging = false;
  }

  /** The offer is not wanted. */
  decline(): void {
    this.offer = null;
  }

  /** Shows a document, or with null the log. */
  async choose(id: string | null): Promise<void> {
    const { log } = this;
    if (id === null) {
      this.asked += 1;
      this.shown = null;
      if (log) this.desk.show(log);
      return;
    }
    await this.ask(() => fetchDocument(this.sessionId, id));
  }

  /** A document of its own for other settings; nothing of the log, nor of another document, changes. */
  async arrangeFor(player: Player): Promise<void> {
    await this.ask(() => arrange(this.sessionId, { ...player }));
  }

  /** Other bars around what is decided, of the version on the page or as one of their own. */
  async rebar(rhythm: BarsRequest): Promise<void> {
    const { shown } = this;
    await this.ask(() => rebar(this.sessionId, shown ? { ...rhythm, document: shown.id } : rhythm));
  }

  /** The log as the server has it now that all of it is known; shown where the log is on the page. */
  complete(sessionId: string, log: TranscriptionDocument): void {
    if (sessionId !== this.sessionId) return;
    this.log = log;
    if (!this.shown && !this.isArranging) this.desk.show(log);
  }

  /** Puts one note elsewhere and arranges the others around it; shown at once, and again when the server answers. */
  async pin(noteId: string, string: number, now: TranscriptionDocument): Promise<void> {
    const wanted: ArrangeRequest = { pins: { [noteId]: string } };
    this.desk.show(moved(now, noteId, string));
    const { shown } = this;
    const isDone = await this.ask(() => arrange(this.sessionId, shown ? { ...wanted, document: shown.id } : wanted));
    if (!isDone) this.desk.show(now);
  }

  private async ask(work: () => Promise<DerivedDocument>): Promise<boolean> {
    this.asked += 1;
    const { asked } = this;
    this.isArranging = true;
    try {
      const found = await work();
      if (asked !== this.asked) return true;
      this.shown = found.document;
      this.desk.show(found);
      const others = this.documents.filter(({ id }) => id !== found.document.id);
      this.documents = [found.document, ...others];
      return true;
    } catch (error) {
      if (asked === this.asked) this.desk.complain(error);
      return asked !== this.asked;
    } finally {
      if (asked === this.asked) this.isArranging = false;
    }
  }

  private async refresh(): Promise<void> {
    const { asked, sessionId } = this;
    try {
      const documents = await listDocuments(sessionId);
      if (asked === this.asked) this.documents = documents;
      const offer = await fetchTuningOffer(sessionId);
      if (sessionId === this.sessionId) this.offer = offer;
    } catch (error) {
      // Without the list of versions the tab itself is still there.
      console.warn("The versions of this tab, or a tuning to offer, could not be had.", error);
    }
  }
}

/** The document with one note on another string: all that is known before the server has arranged the rest. */
export function moved(document: TranscriptionDocument, noteId: string, string: number): TranscriptionDocument {
  const notes = document.notes.map((note) => (note.id === noteId ? onString(note, string, document) : note));
  return { ...document, notes };
}

function onString(note: DocumentNote, string: number, { tuning, capo }: TranscriptionDocument): DocumentNote {
  const open = tuning[string - 1];
  if (open === undefined || note.string === string) return note;
  const left = note.string === null || note.fret === null ? [] : [{ string: note.string, fret: note.fret, cost: 0 }];
  const alternatives = [...left, ...note.alternatives.filter((other) => other.string !== string)];
  return { ...note, string, fret: note.pitch - open - capo, alternatives, flags: [] };
}
