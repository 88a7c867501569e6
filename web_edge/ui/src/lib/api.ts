/** The REST calls of the page; every failure is a ProblemError with a sentence. */

import type { TranscriptionDocument } from "./document";
import { parseProblem, problem, ProblemError } from "./problems";

export interface Transcription {
  readonly id: string;
  readonly status: "pending" | "processing" | "completed" | "failed" | "cancelled";
  readonly progress: number;
  readonly title: string | null;
  readonly created_at: string;
  readonly duration_s: number | null;
  readonly error: unknown;
}

export interface DemoPiece extends TranscriptionDocument {
  readonly title?: string;
  readonly composer?: string;
  readonly attribution?: string;
}

export interface Options {
  readonly tuning: string;
  readonly capo: number;
}

export async function uploadRecording(file: File, options: Options, signal: AbortSignal): Promise<Transcription> {
  const form = new FormData();
  form.set("tuning", options.tuning);
  form.set("capo", String(options.capo));
  form.set("file", file);
  return (await request("/api/transcribe", { method: "POST", body: form, signal })).json() as Promise<Transcription>;
}

export async function listTranscriptions(): Promise<Transcription[]> {
  const page = (await (await request("/api/transcribe")).json()) as { items: Transcription[] };
  return page.items;
}

export async function fetchResult(id: string): Promise<TranscriptionDocument> {
  const response = await request(`/api/transcribe/${encodeURIComponent(id)}/result`);
  return response.json() as Promise<TranscriptionDocument>;
}

export async function deleteTranscription(id: string): Promise<void> {
  await request(`/api/transcribe/${encodeURIComponent(id)}`, { method: "DELETE" });
}

export async function fetchDemo(): Promise<{ piece: DemoPiece; sound: ArrayBuffer }> {
  const [piece, sound] = await Promise.all([request("/demo/demo.json"), request("/demo/demo.wav")]);
  return { piece: (await piece.json()) as DemoPiece, sound: await sound.arrayBuffer() };
}

async function request(path: string, init: RequestInit = {}): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(path, init);
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
