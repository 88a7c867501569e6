/** One WebSocket with a watchdog: silence for too long counts as a broken line. */

import { credentials } from "./credentials";
import { TicketedSocket } from "./ticketed-socket";

/** The part of WebSocket that is used; tests bring their own. */
export interface Socket {
  binaryType: BinaryType;
  readonly readyState: number;
  readonly bufferedAmount: number;
  onopen: ((event: Event) => void) | null;
  onmessage: ((event: MessageEvent<unknown>) => void) | null;
  onclose: ((event: CloseEvent) => void) | null;
  send(data: string | ArrayBuffer): void;
  close(code?: number): void;
}

/** What the lines need from the world around them. */
export interface Environment {
  openSocket(path: string): Socket;
  /** Calls back once after `delayMs`; returns what calls it off. */
  after(delayMs: number, callback: () => void): () => void;
  /** Uniform in [0, 1). */
  random(): number;
}

export function browserEnvironment(): Environment {
  return {
    openSocket(path) {
      const address = new URL(path, location.href);
      address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
      if (!credentials.hasToken) return new WebSocket(address);
      return new TicketedSocket(credentials.protocols(), (protocols) => new WebSocket(address, protocols));
    },
    after(delayMs, callback) {
      const timer = setTimeout(callback, delayMs);
      return () => {
        clearTimeout(timer);
      };
    },
    random: Math.random,
  };
}

export interface LineHandlers {
  onOpen(): void;
  onMessage(data: unknown): void;
  /** Called once: the line broke, was closed by the server, or fell silent. Not called after `close`. */
  onLost(): void;
}

/** The server sends a heartbeat every 15 s; two may be lost. */
export const SILENCE_LIMIT_MS = 40_000;

const OPEN = 1;

export class Line {
  private readonly socket: Socket;
  private cancelWatchdog: () => void = () => undefined;
  private isOver = false;

  constructor(
    path: string,
    private readonly environment: Environment,
    private readonly handlers: LineHandlers,
  ) {
    this.socket = environment.openSocket(path);
    this.socket.binaryType = "arraybuffer";
    this.socket.onopen = () => {
      this.watch();
      handlers.onOpen();
    };
    this.socket.onmessage = ({ data }) => {
      if (this.isOver) return;
      this.watch();
      if (typeof data === "string") handlers.onMessage(JSON.parse(data));
    };
    this.socket.onclose = () => {
      this.lose();
    };
    this.watch();
  }

  get isOpen(): boolean {
    return !this.isOver && this.socket.readyState === OPEN;
  }

  /** Bytes handed over that the network has not taken yet. */
  get backlog(): number {
    return this.socket.bufferedAmount;
  }

  send(message: object | ArrayBuffer): void {
    if (this.isOpen) this.socket.send(message instanceof ArrayBuffer ? message : JSON.stringify(message));
  }

  /** Hangs up without telling the handlers. */
  close(): void {
    this.isOver = true;
    this.cancelWatchdog();
    this.socket.close(1000);
  }

  private watch(): void {
    this.cancelWatchdog();
    this.cancelWatchdog = this.environment.after(SILENCE_LIMIT_MS, () => {
      this.lose();
    });
  }

  private lose(): void {
    if (this.isOver) return;
    this.close();
    this.handlers.onLost();
  }
}
