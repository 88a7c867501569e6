/** The note values of the finished tab that is on the page; the server has them once the piece is over. */

import { fetchNotation, type DocumentInfo } from "./api";
import type { TranscriptionDocument } from "./document";
import type { NotationSheet } from "./tab/sheet";

export class WrittenTab {
  /** Null while none are known. */
  sheet = $state.raw<NotationSheet | null>(null);

  private shown = "";

  /** A finished tab is on the page: its log, or a document of it. One that is there already is not asked for again. */
  async show(file: TranscriptionDocument & { document?: DocumentInfo }): Promise<void> {
    const { session, document = null } = file;
    const shown = JSON.stringify([session, document?.id, document?.revision]);
    if (shown === this.shown) return;
    this.shown = shown;
    try {
      const sheet = await fetchNotation(session, document);
      if (shown === this.shown) this.sheet = sheet;
    } catch (error) {
      // Without note values the staff has heads alone, as while it was played.
      if (shown === this.shown) this.close();
      console.warn("The note values of this tab could not be had.", error);
    }
  }

  close(): void {
    this.shown = "";
    this.sheet = null;
  }
}
