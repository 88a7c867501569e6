/** Sends a recording as if it were being played: a frame leaves when the playback clock has passed its end. */

/** Length of a frame on the way up. */
export const FRAME_S = 0.02;

export type Samples = Float32Array<ArrayBuffer>;

/** Cuts a signal into frames that become due one by one. Pure: the clock is asked by whoever calls. */
export class PacedFrames {
  private position = 0;
  private readonly frameLength: number;

  /**
   * @param samples mono, -1..1
   * @param rateHz samples a second
   */
  constructor(
    private readonly samples: Samples,
    private readonly rateHz: number,
    frameS = FRAME_S,
  ) {
    this.frameLength = Math.max(1, Math.round(rateHz * frameS));
  }

  /** Seconds sent so far. */
  get sentS(): number {
    return this.position / this.rateHz;
  }

  get totalS(): number {
    return this.samples.length / this.rateHz;
  }

  get isDone(): boolean {
    return this.position >= this.samples.length;
  }

  /**
   * Offers every frame whose end lies at or before `nowS` to `send`; one that it refuses is offered again next time.
   */
  sendDue(nowS: number, send: (frame: Samples) => boolean): void {
    while (!this.isDone) {
      const end = Math.min(this.position + this.frameLength, this.samples.length);
      // Half a sample of tolerance: clocks count in floats.
      if (end - 0.5 > nowS * this.rateHz) return;
      if (!send(this.samples.subarray(this.position, end))) return;
      this.position = end;
    }
  }
}

/** Frames that could not be sent at once, up to a limit: a microphone does not wait. */
export class Backlog {
  private frames: Samples[] = [];
  private length = 0;

  constructor(private readonly maxSamples: number) {}

  /** Sends what waits and then `frame`, in order. False: the limit is passed and the frame is lost. */
  push(frame: Samples, send: (frame: Samples) => boolean): boolean {
    this.frames.push(frame);
    this.length += frame.length;
    for (let head = this.frames[0]; head && send(head); head = this.frames[0]) {
      this.frames.shift();
      this.length -= head.length;
    }
    return this.length <= this.maxSamples;
  }
}

/** Mean of the channels, as one array of its own. */
export function mixDown(channels: readonly Float32Array[]): Samples {
  const mono = new Float32Array(channels[0]?.length ?? 0);
  for (const channel of channels) {
    for (let i = 0; i < mono.length; i += 1) mono[i] = (mono[i] ?? 0) + (channel[i] ?? 0) / channels.length;
  }
  return mono;
}
