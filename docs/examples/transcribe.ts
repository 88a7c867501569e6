// Sign in where the server asks for it, upload a recording, follow it while it is transcribed, fetch what it came to.
//
//   node docs/examples/transcribe.ts song.wav song.gp5         (Node 22.18 or newer; or `npx tsx`)
//
// But for the two files nothing is used that a browser does not have: fetch, FormData, WebSocket.
// GENESIS_URL is where the server is; GENESIS_EMAIL and GENESIS_PASSWORD are those of an account, where it has accounts.

import { readFile, writeFile } from "node:fs/promises";
import { basename, extname } from "node:path";

const url = process.env["GENESIS_URL"] ?? "http://127.0.0.1:8000";
const [song, target] = process.argv.slice(2) as [string, string];

interface Problem { reason: string; detail: string }
interface Frame { type: string; sequence?: number; error?: Problem }
interface Note { onset_s: number; pitch: number; string: number | null; fret: number | null }
interface Result { notes: Note[]; tuning: number[] }

let token = "";

/** An answer that is good; errors are problems of RFC 9457 with a stable reason. */
async function ask(path: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  if (token !== "") headers.set("Authorization", `Bearer ${token}`);
  const answer = await fetch(url + path, { ...init, headers });
  if (answer.ok) return answer;
  const problem = (await answer.json()) as Problem;
  throw new Error(`${problem.reason}: ${problem.detail}`);
}

async function signIn(): Promise<void> {
  const { accounts } = (await (await ask("/auth/status")).json()) as { accounts: boolean };
  if (!accounts) return;
  const body = JSON.stringify({ email: process.env["GENESIS_EMAIL"], password: process.env["GENESIS_PASSWORD"] });
  token = ((await (await ask("/auth/login", { method: "POST", body })).json()) as { access_token: string }).access_token;
}

/** What opens one WebSocket: with accounts a ticket, which goes where a browser can put it. */
async function protocols(): Promise<string[]> {
  if (token === "") return ["genesis.v1"];
  return ((await (await ask("/api/tickets", { method: "POST" })).json()) as { protocols: string[] }).protocols;
}

/** Every event of a session after `after`, until it is over or the line is cut; the last sequence, null when it is over. */
async function followOnce(id: string, after: number, take: (frame: Frame) => void): Promise<number | null> {
  const socket = new WebSocket(url.replace(/^http/, "ws") + "/ws", await protocols());
  return new Promise((resolve, reject) => {
    let last: number | null = after;
    socket.onopen = () => socket.send(JSON.stringify({ type: "resume", id, after_sequence: after }));
    socket.onmessage = ({ data }) => {
      const frame = JSON.parse(String(data)) as Frame;
      if (frame.error !== undefined) return reject(new Error(`${frame.error.reason}: ${frame.error.detail}`));
      take(frame);
      last = frame.sequence ?? last;
      // A snapshot stands for all that it folds; of a session that is over it is the last that comes.
      const { ended } = (frame as { event?: { snapshot?: { ended?: unknown } } }).event?.snapshot ?? {};
      if (frame.type === "job:complete" || ended !== undefined) {
        last = null;
        socket.close();
      }
    };
    // 1008: something must change before the next try, and the close reason says what. Anything else is a cut.
    socket.onclose = ({ code, reason }) => (code === 1008 ? reject(new Error(reason)) : resolve(last));
  });
}

async function main(): Promise<void> {
  await signIn();
  const form = new FormData();
  form.set("tuning", "standard");
  form.set("file", new Blob([await readFile(song)]), basename(song));
  // Sent again under the same key, the upload makes nothing new.
  const headers = { "Idempotency-Key": crypto.randomUUID() };
  const { id } = (await (await ask("/api/transcribe", { method: "POST", body: form, headers })).json()) as { id: string };

  let events = 0;
  let after: number | null = 0;
  while (after !== null) {
    after = await followOnce(id, after, () => events++);
  }

  const result = (await (await ask(`/api/transcribe/${id}/result`)).json()) as Result;
  for (const note of result.notes.slice(0, 10)) {
    console.log(`${note.onset_s.toFixed(2)} s  pitch ${note.pitch}  string ${note.string}  fret ${note.fret}`);
  }
  const file = await ask(`/api/transcribe/${id}/export/${extname(target).slice(1)}`);
  await writeFile(target, new Uint8Array(await file.arrayBuffer()));
  console.log(`${id}: ${result.notes.length} notes after ${events} frames, tuning ${result.tuning}, in ${target}`);
}

await main();
