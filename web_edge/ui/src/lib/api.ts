/** The REST calls of the page; every failure is a ProblemError with a sentence. */

import { credentials } from "./credentials";
import type { Summary, TranscriptionDocument } from "./document";
import type { Player } from "./player";
import type { SeparationChosen } from "./events";
import type { SeparationName } from "./separation";
import { parseProblem, problem, ProblemError } from "./problems";
import type { NotationSheet } from "./tab/sheet";

export interface Transcription {
  readonly id: string;
  readonly status: "pending" | "processing" | "completed" | "failed" | "cancelled";
  readonly progress: number;
  readonly title: string | null;
  readonly created_at: string;
  readonly duration_s: number | null;
  readonly separation: Heard | null;
  readonly error: unknown;
}

/** What was heard of a recording. */
export interface Heard {
  readonly separation: SeparationChosen["separation"];
  readonly start_s: number;
  readonly cause: string;
}

export interface DerivedDocument extends TranscriptionDocument {
  readonly document: DocumentInfo;
}

export interface DemoPiece extends TranscriptionDocument {
  readonly title?: string;
  readonly composer?: string;
  readonly attribution?: string;
}

/** What a person has decided of bars; null, or no taps, leaves it to be found. */
export interface Rhythm {
  readonly tempo_bpm: number | null;
  readonly time_signature: string | null;
  readonly bar_one_s: number | null;
  readonly taps_s: readonly number[];
}

/** What is left out is as in `document`. */
export interface BarsRequest extends Partial<Rhythm> {
  readonly document?: string;
}

/** A derived document's latest revision, and what it was arranged for. */
export interface DocumentInfo {
  readonly id: string;
  readonly revision: number;
  readonly created_at: string;
  readonly settings: Omit<Player, "tuning"> & {
    readonly tuning: readonly number[];
    readonly pins: Readonly<Record<string, number>>;
    readonly rhythm: Rhythm;
  };
  readonly summary: Summary;
}

/** What is asked of the server: what is left out is as in `document`, or else as in the transcription. */
export interface ArrangeRequest extends Partial<Player> {
  readonly pins?: Readonly<Record<string, number | null>>;
  readonly document?: string;
}

export async function uploadRecording(
  file: File,
  options: Player & { separation: SeparationName },
  signal: AbortSignal,
): Promise<Transcription> {
  const form = new FormData();
  for (const [name, value] of Object.entries(options)) form.set(name, String(value));
  form.set("file", file);
  return (await request("/api/transcribe", { method: "POST", body: form, signal })).json() as Promise<Transcription>;
}

/** A video's sound instead of a file; the server fetches it. */
export async function transcribeVideo(
  url: string,
  options: Player & { separation: SeparationName },
  signal: AbortSignal,
): Promise<Transcription> {
  const init = { method: "POST", headers: { "Content-Type": "application/json" }, signal };
  const response = await request("/api/transcribe", { ...init, body: JSON.stringify({ url, ...options }) });
  return response.json() as Promise<Transcription>;
}

/** What the server offers. */
export interface Features {
  readonly videos: boolean;
}

export async function fetchFeatures(): Promise<Features> {
  return (await request("/api/features")).json() as Promise<Features>;
}

export async function listTranscriptions(): Promise<Transcription[]> {
  const page = (await (await request("/api/transcribe")).json()) as { items: Transcription[] };
  return page.items;
}

export async function fetchResult(id: string): Promise<TranscriptionDocument> {
  const response = await request(`/api/transcribe/${encodeURIComponent(id)}/result`);
  return response.json() as Promise<TranscriptionDocument>;
}

/** The same notes for another tuning, capo or hand, or around pinned ones; the answer is a derived document. */
export function arrange(id: string, wanted: ArrangeRequest): Promise<DerivedDocument> {
  return derive(id, "arrange", wanted);
}

/** The same notes in bars around what is decided; the answer is a derived document. */
export function rebar(id: string, wanted: BarsRequest): Promise<DerivedDocument> {
  return derive(id, "bars", wanted);
}

async function derive(id: string, how: string, wanted: ArrangeRequest | BarsRequest): Promise<DerivedDocument> {
  const response = await request(`/api/transcribe/${encodeURIComponent(id)}/${how}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(wanted),
  });
  return response.json() as Promise<DerivedDocument>;
}

export async function listDocuments(id: string): Promise<DocumentInfo[]> {
  const response = await request(`/api/transcribe/${encodeURIComponent(id)}/documents`);
  return ((await response.json()) as { items: DocumentInfo[] }).items;
}

/** Another tuning or capo that the notes suggest. */
export interface TuningOffer {
  readonly name: string;
  readonly tuning: readonly number[];
  readonly capo: number;
}

export async function fetchTuningOffer(id: string): Promise<TuningOffer | null> {
  const response = await request(`/api/transcribe/${encodeURIComponent(id)}/tuning`);
  return ((await response.json()) as { offer: TuningOffer | null }).offer;
}

export async function fetchDocument(id: string, document: string): Promise<DerivedDocument> {
  const path = `/api/transcribe/${encodeURIComponent(id)}/result?document=${encodeURIComponent(document)}`;
  return (await request(path)).json() as Promise<DerivedDocument>;
}

/** Note values of a finished transcription, or of a revision of a document. */
export async function fetchNotation(id: string, document: DocumentInfo | null): Promise<NotationSheet> {
  const which = document ? `?document=${encodeURIComponent(document.id)}&revision=${document.revision}` : "";
  const response = await request(`/api/transcribe/${encodeURIComponent(id)}/notation${which}`);
  return response.json() as Promise<NotationSheet>;
}

export async function deleteTranscription(id: string): Promise<void> {
  await request(`/api/transcribe/${encodeURIComponent(id)}`, { method: "DELETE" });
}

export async function fetchDemo(): Promise<{ piece: DemoPiece; sound: ArrayBuffer }> {
  const [piece, sound] = await Promise.all([request("/demo/demo.json"), request("/demo/demo.wav")]);
  return { piece: (await piece.json()) as DemoPiece, sound: await sound.arrayBuffer() };
}

/** A file that only the owner may have; a link could not say who asks. */
export async function fetchFile(address: string): Promise<{ name: string; content: Blob }> {
  const response = await request(address);
  const said = /filename\*=UTF-8''([^;]+)/.exec(response.headers.get("Content-Disposition") ?? "")?.[1];
  return { name: said ? decodeURIComponent(said) : "transcription", content: await response.blob() };
}

async function request(path: string, init: RequestInit = {}): Promise<Response> {
  let response: Response;
  try {
    response = await credentials.fetch(path, init);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    const sentence = "The server could not be reached. Check that it is running, then try again.";
    throw new ProblemError(problem("CONNECTION_LOST", sentence));
  }
  if (response.ok) return response;
  const otherwise = problem(
    "INTERNAL",
    `The server answered ${response.status} to ${path} without saying why. Try again in a moment.`,
    response.status,
  );
  const body: unknown = await response.json().catch(() => null);
  throw new ProblemError(parseProblem(body, otherwise));
}
