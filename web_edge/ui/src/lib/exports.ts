/** Where the files are that other programs open. */

export interface ExportFormat {
  readonly name: string;
  readonly label: string;
  readonly opens: string;
}

export const EXPORT_FORMATS: readonly ExportFormat[] = [
  { name: "gp5", label: "Guitar Pro 5", opens: "Guitar Pro, TuxGuitar, alphaTab" },
  { name: "musicxml", label: "MusicXML", opens: "MuseScore, Finale, Sibelius" },
  { name: "mid", label: "MIDI", opens: "any sequencer; the times as played" },
  { name: "txt", label: "Text tab", opens: "anything" },
  { name: "json", label: "JSON", opens: "Genesis Music; everything that is known" },
];

/** The address of what was heard of a recording where something was separated. */
export function stemAddress(id: string): string {
  return `/api/transcribe/${encodeURIComponent(id)}/stem`;
}

/** The address of a file: of a transcription, or of a document derived of it. */
export function exportAddress(id: string, format: string, document?: { id: string; revision: number } | null): string {
  const query = document ? `?${new URLSearchParams({ document: document.id, revision: String(document.revision) })}` : "";
  return `/api/transcribe/${encodeURIComponent(id)}/export/${format}${query}`;
}
