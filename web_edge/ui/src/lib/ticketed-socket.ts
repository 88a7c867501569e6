/** A WebSocket that is opened once there is a ticket for it. */

import type { Socket } from "./line";

const CONNECTING = 0;
const CLOSED = 3;

export class TicketedSocket implements Socket {
  onopen: Socket["onopen"] = null;
  onmessage: Socket["onmessage"] = null;
  onclose: Socket["onclose"] = null;
  binaryType: BinaryType = "blob";
  private socket: WebSocket | null = null;
  private isClosed = false;

  constructor(protocols: Promise<string[]>, open: (protocols: string[]) => WebSocket) {
    protocols.then(
      (given) => {
        if (!this.isClosed) this.attach(open(given));
      },
      () => {
        // Without a ticket it is as if the line had broken; it is tried again.
        if (!this.isClosed) this.onclose?.(new CloseEvent("close"));
        this.isClosed = true;
      },
    );
  }

  get readyState(): number {
    return this.isClosed ? CLOSED : (this.socket?.readyState ?? CONNECTING);
  }

  get bufferedAmount(): number {
    return this.socket?.bufferedAmount ?? 0;
  }

  send(data: string | ArrayBuffer): void {
    this.socket?.send(data);
  }

  close(code?: number): void {
    this.isClosed = true;
    this.socket?.close(code);
  }

  private attach(socket: WebSocket): void {
    this.socket = socket;
    socket.binaryType = this.binaryType;
    socket.onopen = (event) => this.onopen?.(event);
    socket.onmessage = (event: MessageEvent<unknown>) => this.onmessage?.(event);
    socket.onclose = (event) => this.onclose?.(event);
  }
}
