/**
 * A pretended edge for working on the page alone (`GENESIS_MOCK=1 npm run dev`): it plays the demo's truth back as if
 * that had been transcribed. Never part of the build.
 *
 * GENESIS_MOCK_CUT_S=8 cuts the line of every recording after so many seconds, to watch the page come back.
 */

import { existsSync, readFileSync } from "node:fs";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { join } from "node:path";
import type { Plugin, PreviewServer, ViteDevServer } from "vite";
import { WebSocketServer, type WebSocket } from "ws";
import { Script, type Truth } from "./script.ts";

const DEMO = join(import.meta.dirname, "../../../var/demo");
const CUT_S = Number(process.env["GENESIS_MOCK_CUT_S"] ?? Infinity);
const FILE_SPEED = 6;
const CREATED = "2026-11-22T10:00:00Z";

type Open = (prefix: string) => Script;

export function mockEdge(): Plugin {
  const truthPath = join(DEMO, "demo.json");
  if (!existsSync(truthPath)) throw new Error("There is no demo to mock with; run `genesis demo build` first.");
  const truth = JSON.parse(readFileSync(truthPath, "utf8")) as Truth;
  const scripts = new Map<string, Script>();
  const open: Open = (prefix) => {
    const script = new Script(`${prefix}${scripts.size + 1}`, truth);
    scripts.set(script.id, script);
    return script;
  };
  const attach = ({ middlewares, httpServer }: ViteDevServer | PreviewServer): void => {
    middlewares.use((request: IncomingMessage, response: ServerResponse, next: () => void) => {
      if (!answer(request, response, truth, open)) next();
    });
    if (httpServer) listen(httpServer as Server, scripts, open);
  };
  return { name: "mock-edge", configureServer: attach, configurePreviewServer: attach };
}

function answer(request: IncomingMessage, response: ServerResponse, truth: Truth, open: Open): boolean {
  const { url = "", method = "GET" } = request;
  const json = (status: number, body: unknown): true => {
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    return true;
  };
  if (url.startsWith("/demo/")) {
    response.end(readFileSync(join(DEMO, url.endsWith(".wav") ? "demo.wav" : "demo.json")));
    return true;
  }
  if (!url.startsWith("/api/transcribe")) return false;
  if (url.endsWith("/result")) return json(200, { ...truth, schema: "genesis.transcription/1", session: "s" });
  if (method === "POST") {
    request.resume();
    const detail = "This is not audio we can read. Send wav, flac, ogg, mp3 or m4a.";
    if (Number(request.headers["content-length"]) < 5_000) return json(422, { reason: "AUDIO_UNREADABLE", detail });
    return json(202, { id: open("job").id, status: "pending" });
  }
  const item = { id: "old", status: "completed", progress: 1, title: "Study in A", created_at: CREATED, duration_s: 61 };
  return json(200, { items: [item, { ...item, id: "older", title: null, duration_s: 12 }], next: null });
}

function listen(server: Server, scripts: Map<string, Script>, open: Open): void {
  const sockets = new WebSocketServer({ noServer: true });
  server.on("upgrade", (request, socket, head) => {
    if (!request.url?.startsWith("/ws")) return;
    const isLive = request.url.startsWith("/ws/live");
    sockets.handleUpgrade(request, socket, head, (client) => {
      if (isLive) serveLive(client, open("live"));
      else serveFollower(client, scripts);
    });
  });
}

function serveLive(client: WebSocket, script: Script): void {
  let rateHz = 48_000;
  let samples = 0;
  let sent = 0;
  const flush = (): void => {
    for (const frame of script.log.slice(sent)) client.send(JSON.stringify(frame));
    sent = script.log.length;
  };
  client.on("message", (data: Buffer, isBinary) => {
    if (isBinary) {
      samples += data.byteLength / 4;
      script.hear(samples / rateHz);
      if (samples / rateHz > CUT_S) client.terminate();
      else flush();
      return;
    }
    const message = JSON.parse(data.toString()) as { type: string; config?: { sample_rate_hz: number } };
    if (message.type === "start") {
      rateHz = message.config?.sample_rate_hz ?? rateHz;
      script.hear(0);
      flush();
    } else {
      script.finish(samples / rateHz);
      flush();
      client.close(1000);
    }
  });
  client.on("close", () => {
    if (!isOver(script)) script.finish(samples / rateHz);
  });
}

function serveFollower(client: WebSocket, scripts: Map<string, Script>): void {
  client.on("message", (data: Buffer) => {
    const { id, after_sequence: after } = JSON.parse(data.toString()) as { id: string; after_sequence: number };
    const script = scripts.get(id);
    if (!script) {
      const error = { reason: "SESSION_NOT_FOUND", detail: "There is no such session. Start a new one.", status: 404 };
      client.send(JSON.stringify({ type: "error", error }));
      client.close(1008);
      return;
    }
    let heardS = 0;
    let next = script.log.findIndex(({ sequence }) => sequence > after);
    if (next < 0) next = script.log.length;
    const timer = setInterval(() => {
      heardS += 0.05 * FILE_SPEED;
      if (!isOver(script)) {
        script.hear(heardS);
        script.progress(heardS);
        if (heardS > 30) script.finish(30);
      }
      for (; next < script.log.length; next += 1) client.send(JSON.stringify(script.log[next]));
      if (isOver(script)) clearInterval(timer);
    }, 50);
    client.on("close", () => {
      clearInterval(timer);
    });
  });
}

function isOver({ log }: Script): boolean {
  return log.at(-1)?.type === "job:complete";
}
