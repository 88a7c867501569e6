import { beforeEach, describe, expect, it } from "vitest";
import {
  FULL_BACKLOG_BYTES,
  retryDelayMs,
  SessionConnection,
  SLOW_BACKLOG_BYTES,
  type LiveConfig,
} from "../src/lib/connection";
import { SILENCE_LIMIT_MS } from "../src/lib/line";
import { DEFAULT_PLAYER } from "../src/lib/player";
import { FakeNetwork } from "./fake-network";

const CONFIG: LiveConfig = {
  encoding: "pcm_f32le",
  sample_rate_hz: 48_000,
  channel_count: 1,
  ...DEFAULT_PLAYER,
  transcriber: "",
};

function frame(sequence: number, payload: object, previous?: number): object {
  const previousDurable = previous === undefined ? {} : { previousDurableSequence: String(previous) };
  const event = { sessionId: "s1", sequence: String(sequence), attempt: 1, ...previousDurable, ...payload };
  return { type: "event", id: "s1", sequence, event };
}

const started = frame(1, { started: {} }, 0);
const note = (sequence: number, id: string, state: string, previous?: number): object =>
  frame(sequence, { note: { id, state: `NOTE_STATE_${state}`, onsetS: sequence, pitch: 64 } }, previous);
const ended = (sequence: number, previous: number): object =>
  frame(sequence, { ended: { reason: "END_REASON_COMPLETED", durationS: 9 } }, previous);

let network: FakeNetwork;
let told: string[];
let connection: SessionConnection;

beforeEach(() => {
  network = new FakeNetwork();
  told = [];
  connection = new SessionConnection(
    {
      onState: (state) => told.push(state),
      onChange: () => undefined,
      onRefused: ({ reason }) => told.push(`refused ${reason}`),
      onFailure: ({ reason }) => told.push(`failure ${reason}`),
      onUplinkLost: () => told.push("uplink lost"),
      onSlow: (isSlow) => told.push(isSlow ? "slow" : "fast again"),
    },
    network,
  );
});

describe("a live session", () => {
  beforeEach(() => {
    connection.startLive(CONFIG);
  });

  it("sends its configuration first, then audio, then stop, and closes with the last event", () => {
    network.latest.accept();
    expect(connection.sendAudio(Float32Array.of(0.5, -0.5))).toBe(true);
    connection.finish();
    const [first, second, third] = network.latest.sent;
    expect(JSON.parse(first as string)).toEqual({ type: "start", config: CONFIG });
    expect([...new Float32Array(second as ArrayBuffer)]).toEqual([0.5, -0.5]);
    expect(JSON.parse(third as string)).toEqual({ type: "stop" });
    network.latest.tell(started);
    network.latest.tell(ended(2, 1));
    network.latest.hangUp();
    expect(told).toEqual(["connecting", "open", "closed"]);
    expect(connection.session.ended?.reason).toBe("completed");
  });

  it("sends only the frame it was given of a larger buffer", () => {
    network.latest.accept();
    connection.sendAudio(Float32Array.of(1, 2, 3, 4).subarray(1, 3));
    expect([...new Float32Array(network.latest.sent[1] as ArrayBuffer)]).toEqual([2, 3]);
  });

  it("asks for other bars, and goes on where they cannot be", () => {
    network.latest.accept();
    network.latest.tell(started);
    connection.lockRhythm({ tempo_bpm: 96, taps_s: [] });
    expect(network.latest.messages.at(-1)).toEqual({ type: "rhythm:lock", tempo_bpm: 96, taps_s: [] });
    network.latest.tell(frame(2, { rhythm: { lock: { tempoBpm: 96 }, revision: 1 } }, 1));
    expect(connection.session.lock?.tempoBpm).toBe(96);
    network.latest.tell({ type: "error", error: { reason: "RHYTHM_LOCK_INVALID", detail: "No.", status: 422 } });
    expect(told).toEqual(["connecting", "open", "refused RHYTHM_LOCK_INVALID"]);
    expect(connection.canSend).toBe(true);
  });

  it("says so when no server answers", () => {
    network.latest.hangUp();
    expect(told).toEqual(["connecting", "closed", "failure CONNECTION_LOST"]);
  });

  it("follows on the other socket when it is cut, from the last sequence", () => {
    network.latest.accept();
    network.latest.tell(started);
    network.latest.tell(note(5, "a", "TENTATIVE"));
    network.latest.hangUp();
    expect(connection.sendAudio(Float32Array.of(0))).toBe(false);
    network.pass(1000);
    expect(network.latest.path).toBe("/ws");
    network.latest.accept();
    expect(network.latest.messages).toEqual([{ type: "resume", id: "s1", after_sequence: 5 }]);
    network.latest.tell(note(6, "a", "COMMITTED", 1));
    network.latest.tell(ended(7, 6));
    expect([...connection.session.notes.keys()]).toEqual(["a"]);
    expect(told).toEqual(["connecting", "open", "uplink lost", "reconnecting", "open", "closed"]);
  });

  it("asks again for a durable event that never came, and goes on sending meanwhile", () => {
    const uplink = network.latest;
    uplink.accept();
    uplink.tell(started);
    uplink.tell(note(3, "b", "TENTATIVE"));
    uplink.tell(note(4, "b", "COMMITTED", 2));
    expect(connection.session.notes.size).toBe(0);
    network.pass(1000);
    network.latest.accept();
    expect(network.latest.messages).toEqual([{ type: "resume", id: "s1", after_sequence: 1 }]);
    uplink.tell(note(5, "b", "ENDED", 4));
    network.latest.tell(note(2, "a", "COMMITTED", 1));
    network.latest.tell(note(4, "b", "COMMITTED", 2));
    expect([...connection.session.notes.keys()]).toEqual(["a", "b"]);
    expect(connection.sendAudio(Float32Array.of(0))).toBe(true);
    expect(told).toEqual(["connecting", "open"]);
  });

  it("tells when the network is slow, and takes nothing more when it is full", () => {
    network.latest.accept();
    network.latest.bufferedAmount = SLOW_BACKLOG_BYTES + 1;
    expect(connection.sendAudio(Float32Array.of(0))).toBe(true);
    network.latest.bufferedAmount = FULL_BACKLOG_BYTES + 1;
    expect(connection.sendAudio(Float32Array.of(0))).toBe(false);
    network.latest.bufferedAmount = 0;
    expect(connection.sendAudio(Float32Array.of(0))).toBe(true);
    expect(told).toEqual(["connecting", "open", "slow", "fast again"]);
  });

  it("ends with the server's sentence when a neighbour is gone", () => {
    network.latest.accept();
    network.latest.tell(started);
    network.latest.tell({ type: "job:error", id: "s1", error: { reason: "BUS_UNAVAILABLE", detail: "…", status: 503 } });
    expect(told).toEqual(["connecting", "open", "closed", "failure BUS_UNAVAILABLE"]);
    network.pass(60_000);
    expect(network.sockets).toHaveLength(1);
  });

  it("ends with a sentence when it cannot read what the server says", () => {
    network.latest.accept();
    network.latest.tell({ type: "event", id: "s1", event: { sequence: "many" } });
    expect(told.at(-1)).toBe("failure EVENT_UNKNOWN");
  });

  it("goes on past what only a newer page would understand, and misses nothing by it", () => {
    network.latest.accept();
    network.latest.tell(started);
    network.latest.tell(frame(2, { weather: { rain: true } }));
    network.latest.tell(frame(3, { bar: { beats: 4 } }, 1));
    network.latest.tell(note(4, "a", "COMMITTED", 3));
    network.latest.tell(frame(5, { bar: { beats: 3 } }, 4));
    network.latest.tell(ended(6, 5));
    network.pass(60_000);
    expect(told).toEqual(["connecting", "open", "closed"]);
    expect(network.sockets).toHaveLength(1);
    expect([...connection.session.notes.keys()]).toEqual(["a"]);
  });

  it("asks again for one of those that never came", () => {
    network.latest.accept();
    network.latest.tell(started);
    network.latest.tell(note(4, "a", "COMMITTED", 3));
    network.pass(1000);
    network.latest.accept();
    expect(network.latest.messages).toEqual([{ type: "resume", id: "s1", after_sequence: 1 }]);
    network.latest.tell(frame(3, { bar: { beats: 4 } }, 1));
    network.latest.tell(note(4, "a", "COMMITTED", 3));
    expect([...connection.session.notes.keys()]).toEqual(["a"]);
  });
});

describe("a followed job", () => {
  beforeEach(() => {
    connection.follow("s1");
  });

  it("subscribes, then resumes by sequence after every cut, ever more patiently", () => {
    network.latest.accept();
    expect(network.latest.messages).toEqual([{ type: "subscribe:job", id: "s1", after_sequence: 0 }]);
    network.latest.tell(started);
    network.latest.hangUp();
    network.pass(retryDelayMs(0, 0.5));
    network.latest.hangUp();
    network.pass(retryDelayMs(0, 0.5));
    expect(network.sockets).toHaveLength(2);
    network.pass(retryDelayMs(1, 0.5));
    expect(network.sockets).toHaveLength(3);
    network.latest.accept();
    expect(network.latest.messages).toEqual([{ type: "resume", id: "s1", after_sequence: 1 }]);
  });

  it("takes silence for a broken line, and a heartbeat for a sign of life", () => {
    network.latest.accept();
    network.pass(SILENCE_LIMIT_MS - 1);
    network.latest.tell({ type: "heartbeat", time: 0 });
    network.pass(SILENCE_LIMIT_MS - 1);
    expect(told).toEqual(["connecting", "open"]);
    network.pass(1);
    expect(told.at(-1)).toBe("reconnecting");
  });

  it("waits for a neighbour that is away, and gives up on a job that does not exist", () => {
    network.latest.accept();
    network.latest.tell({ type: "job:error", id: "s1", error: { reason: "BUS_UNAVAILABLE", detail: "…", status: 503 } });
    expect(told.at(-1)).toBe("reconnecting");
    network.pass(10_000);
    network.latest.accept();
    const error = { reason: "SESSION_NOT_FOUND", detail: "…", status: 404 };
    network.latest.tell({ type: "error", error });
    expect(told.slice(-2)).toEqual(["closed", "failure SESSION_NOT_FOUND"]);
  });

  it("does nothing more once it is closed", () => {
    const socket = network.latest;
    socket.accept();
    connection.close();
    socket.tell(started);
    socket.hangUp();
    network.pass(60_000);
    expect(network.sockets).toHaveLength(1);
    expect(connection.session.sequence).toBe(0);
  });
});

describe("the delay before coming back", () => {
  it("doubles up to ten seconds, half of it by chance", () => {
    expect([0, 1, 2, 3].map((attempt) => retryDelayMs(attempt, 1))).toEqual([500, 1000, 2000, 4000]);
    expect(retryDelayMs(50, 1)).toBe(10_000);
    expect(retryDelayMs(0, 0)).toBe(250);
  });
});
