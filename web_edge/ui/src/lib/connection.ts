/**
 * One session over the network, folded as it arrives.
 *
 * Two lines, either of which may be absent:
 *   uplink    /ws/live  audio up, events down; cannot be resumed once cut
 *   downlink  /ws       events only; reconnects with backoff and resumes by sequence for as long as the session runs
 *
 * The downlink takes over when the uplink is cut or has lost a durable event; from then on the uplink's events are
 * ignored.
 *
 *   closed -> connecting -> open -> closed
 *                 |          |
 *                 +----------+-> reconnecting -> open
 */

import type { Rhythm } from "./api";
import { decodeEvent, type SessionEvent } from "./events";
import { Line, type Environment } from "./line";
import type { Player } from "./player";
import { isPassing, parseProblem, problem, type Problem } from "./problems";
import { SessionState } from "./session-state";

export type ConnectionState = "closed" | "connecting" | "open" | "reconnecting";

export interface LiveConfig extends Omit<Player, "tuning"> {
  readonly encoding: "pcm_f32le";
  readonly sample_rate_hz: number;
  readonly channel_count: number;
  /** A name, or MIDI pitches with string 1 first. */
  readonly tuning: string | readonly number[];
  readonly transcriber: string;
}

export interface ConnectionListener {
  onState(state: ConnectionState): void;
  /** The session's state has moved on. */
  onChange(): void;
  /** What was asked of the session cannot be; it goes on as it was. */
  onRefused(problem: Problem): void;
  /** The session is lost to this reader; the connection has closed itself. */
  onFailure(problem: Problem): void;
  /** Audio can no longer be sent, but the session is still followed. */
  onUplinkLost(): void;
  /** The network takes audio more slowly than it is made. */
  onSlow(isSlow: boolean): void;
}

/** About a second of 48 kHz mono floats: worth telling. */
export const SLOW_BACKLOG_BYTES = 192_000;
/** About ten seconds: nothing more is accepted. */
export const FULL_BACKLOG_BYTES = 1_920_000;

const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 10_000;

/** Doubling delay, of which the upper half is left to chance so that many pages do not return at once. */
export function retryDelayMs(attempt: number, random: number): number {
  const ceiling = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** attempt);
  return ceiling * (0.5 + random / 2);
}

export class SessionConnection {
  readonly session = new SessionState();
  private state: ConnectionState = "closed";
  private uplink: Line | null = null;
  private downlink: Line | null = null;
  private sessionId = "";
  /** Cleared for good once the downlink has to take over. */
  private hearsUplink = true;
  private retries = 0;
  private cancelRetry: () => void = () => undefined;
  private isSlow = false;

  constructor(
    private readonly listener: ConnectionListener,
    private readonly environment: Environment,
  ) {}

  /** Begins a session that audio is sent to. */
  startLive(config: LiveConfig): void {
    this.moveTo("connecting");
    this.uplink = new Line("/ws/live", this.environment, {
      onOpen: () => {
        this.uplink?.send({ type: "start", config });
        this.moveTo("open");
      },
      onMessage: (data) => {
        this.receive(data, true);
      },
      onLost: () => {
        this.loseUplink();
      },
    });
  }

  /** Follows a session that runs elsewhere, from its beginning. */
  follow(sessionId: string): void {
    this.sessionId = sessionId;
    this.moveTo("connecting");
    this.openDownlink();
  }

  /** Sends samples in -1..1. False: the backlog is full or there is no uplink, and nothing was taken. */
  sendAudio(samples: Float32Array<ArrayBuffer>): boolean {
    if (!this.uplink?.isOpen) return false;
    const { backlog } = this.uplink;
    this.tellSlow(backlog > SLOW_BACKLOG_BYTES);
    if (backlog > FULL_BACKLOG_BYTES) return false;
    const { buffer, byteOffset, byteLength } = samples;
    this.uplink.send(buffer.slice(byteOffset, byteOffset + byteLength));
    return true;
  }

  /** Asks for bars around what is decided; what is not said stays. */
  lockRhythm(rhythm: Partial<Rhythm>): void {
    this.uplink?.send({ type: "rhythm:lock", ...rhythm });
  }

  get canSend(): boolean {
    return this.uplink?.isOpen ?? false;
  }

  /** Says that all audio has been sent; the rest of the events still arrive. */
  finish(): void {
    this.uplink?.send({ type: "stop" });
  }

  /** Hangs up. */
  close(): void {
    this.cancelRetry();
    this.uplink?.close();
    this.downlink?.close();
    this.uplink = this.downlink = null;
    this.moveTo("closed");
  }

  private loseUplink(): void {
    this.uplink = null;
    this.hearsUplink = false;
    if (!this.sessionId) {
      const sentence = "The server could not be reached. Check that it is running, then start again.";
      this.fail(problem("CONNECTION_LOST", sentence));
      return;
    }
    this.listener.onUplinkLost();
    if (!this.downlink) this.retry();
  }

  private openDownlink(): void {
    this.downlink?.close();
    this.downlink = new Line("/ws", this.environment, {
      onOpen: () => {
        const after = this.session.sequence;
        const type = after > 0 ? "resume" : "subscribe:job";
        this.downlink?.send({ type, id: this.sessionId, after_sequence: after });
        this.moveTo("open");
      },
      onMessage: (data) => {
        this.receive(data, false);
      },
      onLost: () => {
        this.reopenDownlink();
      },
    });
  }

  private reopenDownlink(): void {
    this.downlink?.close();
    this.downlink = null;
    this.retry();
  }

  private retry(): void {
    if (!this.uplink) this.moveTo("reconnecting");
    const delay = retryDelayMs(this.retries, this.environment.random());
    this.retries += 1;
    this.cancelRetry();
    this.cancelRetry = this.environment.after(delay, () => {
      this.openDownlink();
    });
  }

  private receive(data: unknown, isUplink: boolean): void {
    const { type, event, error } = data as { type?: string; event?: unknown; error?: unknown };
    if (type === "heartbeat") return;
    if (event !== undefined) {
      if (!isUplink || this.hearsUplink) this.read(event);
    } else if (error !== undefined) {
      this.receiveProblem(parseProblem(error, problem("INTERNAL", "The server reported a failure it did not name.")));
    }
  }

  private read(json: unknown): void {
    let event;
    try {
      event = decodeEvent(json);
    } catch {
      this.fail(problem("EVENT_UNKNOWN", "The server said something that cannot be read. Reload the page."));
      return;
    }
    this.fold(event);
  }

  private fold(event: SessionEvent): void {
    if (this.session.hasMissed(event)) {
      this.session.rewind();
      this.hearsUplink = false;
      this.reopenDownlink();
      return;
    }
    this.sessionId ||= event.sessionId;
    this.session.apply(event);
    this.retries = 0;
    this.listener.onChange();
    if (this.session.isOver) this.close();
  }

  private receiveProblem(found: Problem): void {
    if (found.reason.startsWith("RHYTHM_LOCK_")) {
      this.listener.onRefused(found);
      return;
    }
    // A follower outlives a neighbour's absence; a recording does not, for its audio has nowhere to go.
    if (isPassing(found) && !this.uplink && this.sessionId) {
      this.reopenDownlink();
    } else {
      this.fail(found);
    }
  }

  private fail(found: Problem): void {
    this.close();
    this.listener.onFailure(found);
  }

  private tellSlow(isSlow: boolean): void {
    if (isSlow === this.isSlow) return;
    this.isSlow = isSlow;
    this.listener.onSlow(isSlow);
  }

  private moveTo(state: ConnectionState): void {
    if (state === this.state) return;
    this.state = state;
    this.listener.onState(state);
  }
}
