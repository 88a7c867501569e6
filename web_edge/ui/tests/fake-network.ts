/** Sockets and timers that a test moves by hand. */

import type { Environment, Socket } from "../src/lib/line";

export class FakeSocket implements Socket {
  binaryType: BinaryType = "blob";
  readyState = 0;
  bufferedAmount = 0;
  onopen: Socket["onopen"] = null;
  onmessage: Socket["onmessage"] = null;
  onclose: Socket["onclose"] = null;
  readonly sent: (string | ArrayBuffer)[] = [];

  constructor(readonly path: string) {}

  send(data: string | ArrayBuffer): void {
    this.sent.push(data);
  }

  close(): void {
    this.readyState = 3;
  }

  /** The text frames that were sent. */
  get messages(): unknown[] {
    return this.sent.filter((data) => typeof data === "string").map((data) => JSON.parse(data) as unknown);
  }

  accept(): void {
    this.readyState = 1;
    this.onopen?.({} as Event);
  }

  tell(message: object): void {
    this.onmessage?.({ data: JSON.stringify(message) } as MessageEvent<unknown>);
  }

  hangUp(): void {
    this.readyState = 3;
    this.onclose?.({} as CloseEvent);
  }
}

interface Timer {
  dueMs: number;
  callback: () => void;
}

export class FakeNetwork implements Environment {
  readonly sockets: FakeSocket[] = [];
  private nowMs = 0;
  private timers: Timer[] = [];

  openSocket(path: string): FakeSocket {
    const socket = new FakeSocket(path);
    this.sockets.push(socket);
    return socket;
  }

  after(delayMs: number, callback: () => void): () => void {
    const timer = { dueMs: this.nowMs + delayMs, callback };
    this.timers.push(timer);
    return () => {
      this.timers = this.timers.filter((other) => other !== timer);
    };
  }

  random(): number {
    return 0.5;
  }

  /** Lets time go by. */
  pass(ms: number): void {
    this.nowMs += ms;
    for (const timer of this.timers.filter(({ dueMs }) => dueMs <= this.nowMs)) {
      this.timers = this.timers.filter((other) => other !== timer);
      timer.callback();
    }
  }

  get latest(): FakeSocket {
    const socket = this.sockets.at(-1);
    if (!socket) throw new Error("no socket has been opened");
    return socket;
  }
}
