/** Plays a decoded recording and says where it is. */

import { problem, ProblemError } from "../problems";
import { mixDown, type Samples } from "./pacing";

export class Player {
  private readonly source: AudioBufferSourceNode;
  private startedAt: number | null = null;
  private isStopped = false;

  private constructor(
    private readonly context: AudioContext,
    private readonly buffer: AudioBuffer,
  ) {
    this.source = new AudioBufferSourceNode(context, { buffer });
    this.source.connect(context.destination);
  }

  /**
   * Decodes a file of any kind the browser knows, and owns `context` from then on.
   *
   * @param context made during a user's action, or playback stays silent
   * @throws ProblemError when the browser cannot decode it
   */
  static async decode(bytes: ArrayBuffer, context: AudioContext): Promise<Player> {
    try {
      return new Player(context, await context.decodeAudioData(bytes));
    } catch {
      await context.close();
      const sentence = "The browser cannot play this file. Its tab is not affected; wav, mp3, flac and m4a usually play.";
      throw new ProblemError(problem("PLAYBACK_UNAVAILABLE", sentence));
    }
  }

  get durationS(): number {
    return this.buffer.duration;
  }

  get rateHz(): number {
    return this.buffer.sampleRate;
  }

  /** All channels mixed to one. */
  mono(): Samples {
    const channels = Array.from({ length: this.buffer.numberOfChannels }, (_, i) => this.buffer.getChannelData(i));
    return mixDown(channels);
  }

  async start(onEnded: () => void): Promise<void> {
    await this.context.resume();
    if (this.isStopped) return;
    this.source.onended = onEnded;
    this.startedAt = this.context.currentTime;
    this.source.start(this.startedAt);
  }

  /** Seconds played so far, 0 to the duration. */
  get positionS(): number {
    if (this.startedAt === null) return 0;
    return Math.min(this.context.currentTime - this.startedAt, this.durationS);
  }

  /** Falls silent and gives the sound device back. */
  async stop(): Promise<void> {
    if (this.isStopped) return;
    this.isStopped = true;
    this.source.onended = null;
    this.source.disconnect();
    await this.context.close();
  }
}
