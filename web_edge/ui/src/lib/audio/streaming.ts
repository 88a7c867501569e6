/** The two ways in that send audio while it sounds. Each owns its source and gives it back on `stop`. */

import type { Microphone } from "./microphone";
import { Backlog, FRAME_S, PacedFrames, type Samples } from "./pacing";
import type { Player } from "./player";

type Send = (frame: Samples) => boolean;

export interface Stream {
  /** Seconds of audio sent so far. */
  readonly sentS: number;
  /** Where the cursor stands. */
  readonly positionS: number;
  stop(): Promise<void>;
}

/** Plays a recording and sends what has been heard, frame by frame. */
export class PlaybackStream implements Stream {
  private readonly frames: PacedFrames;
  private timer: ReturnType<typeof setInterval> | undefined;

  constructor(
    private readonly player: Player,
    private readonly send: Send,
    private readonly onAllSent: () => void,
  ) {
    this.frames = new PacedFrames(player.mono(), player.rateHz);
  }

  get sentS(): number {
    return this.frames.sentS;
  }

  get positionS(): number {
    return this.player.positionS;
  }

  async start(): Promise<void> {
    await this.player.start(() => undefined);
    this.timer = setInterval(() => {
      this.frames.sendDue(this.player.positionS, this.send);
      if (this.frames.isDone) {
        clearInterval(this.timer);
        this.onAllSent();
      }
    }, FRAME_S * 1000);
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.player.stop();
  }
}

/** How much a microphone may run ahead of the network, beyond what the socket itself buffers. */
const MAX_WAITING_S = 10;

export class MicrophoneStream implements Stream {
  private readonly backlog: Backlog;
  private sent = 0;

  constructor(
    private readonly microphone: Microphone,
    private readonly send: Send,
    private readonly onOverflow: () => void,
  ) {
    this.backlog = new Backlog(MAX_WAITING_S * microphone.rateHz);
  }

  get sentS(): number {
    return this.sent / this.microphone.rateHz;
  }

  get positionS(): number {
    return this.sentS;
  }

  start(onLost: () => void): void {
    const send: Send = (frame) => {
      const isTaken = this.send(frame);
      if (isTaken) this.sent += frame.length;
      return isTaken;
    };
    this.microphone.start({
      onFrame: (frame) => {
        if (!this.backlog.push(frame, send)) this.onOverflow();
      },
      onLost,
    });
  }

  async stop(): Promise<void> {
    await this.microphone.stop();
  }
}
