/** The microphone, in frames of 20 ms of mono floats. */

import { problem, ProblemError, type Problem } from "../problems";
import type { Samples } from "./pacing";
import workletAddress from "./frames-worklet.ts?worker&url";

/** Everything that makes a voice clearer makes a guitar worse. */
const CONSTRAINTS: MediaStreamConstraints = {
  audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false, channelCount: 1 },
};

const SENTENCES: Record<string, string> = {
  NotAllowedError:
    "The browser was not allowed to use the microphone. Allow it beside the address bar, then press Microphone again.",
  NotFoundError: "No microphone was found. Plug one in, then press Microphone again.",
  NotReadableError: "The microphone is in use by another program. Close that program, then press Microphone again.",
};

/** A sentence for what getUserMedia refused. */
export function microphoneProblem(error: unknown): Problem {
  const name = error instanceof Error || error instanceof DOMException ? error.name : "";
  const fallback = "The microphone could not be opened. Check it in the browser's settings, then try again.";
  return problem("MICROPHONE_UNAVAILABLE", SENTENCES[name] ?? fallback);
}

export interface MicrophoneHandlers {
  readonly onFrame: (frame: Samples) => void;
  /** The device went away by itself. */
  readonly onLost: () => void;
}

const LONGEST_GOODBYE_MS = 500;

export class Microphone {
  private isStopped = false;

  private constructor(
    private readonly context: AudioContext,
    private readonly stream: MediaStream,
    private readonly collector: AudioWorkletNode,
  ) {}

  /** @throws ProblemError with a sentence, when there is no microphone to be had */
  static async open(): Promise<Microphone> {
    // Browsers take the interface away on pages that came over plain http from another machine.
    const devices = navigator.mediaDevices as MediaDevices | undefined;
    if (!devices) {
      const sentence = "Browsers give the microphone only to pages opened over https or from this machine.";
      throw new ProblemError(problem("MICROPHONE_UNAVAILABLE", sentence));
    }
    let stream: MediaStream;
    try {
      stream = await devices.getUserMedia(CONSTRAINTS);
    } catch (error) {
      throw new ProblemError(microphoneProblem(error));
    }
    const context = new AudioContext({ latencyHint: "interactive" });
    try {
      await context.audioWorklet.addModule(workletAddress);
      await context.resume();
      const collector = new AudioWorkletNode(context, "frame-collector", { numberOfOutputs: 0, channelCount: 1 });
      return new Microphone(context, stream, collector);
    } catch (error) {
      release(stream);
      await context.close();
      throw new ProblemError(microphoneProblem(error));
    }
  }

  get rateHz(): number {
    return this.context.sampleRate;
  }

  start({ onFrame, onLost }: MicrophoneHandlers): void {
    this.collector.port.onmessage = ({ data }: MessageEvent<Samples | null>) => {
      if (data) onFrame(data);
    };
    for (const track of this.stream.getAudioTracks()) track.onended = onLost;
    this.context.createMediaStreamSource(this.stream).connect(this.collector);
  }

  /** Ends the recording; resolves once the last, shorter frame has been handed over. */
  async stop(): Promise<void> {
    if (this.isStopped) return;
    this.isStopped = true;
    const { port } = this.collector;
    await new Promise<void>((resolve) => {
      port.addEventListener("message", ({ data }: MessageEvent<Samples | null>) => {
        if (data === null) resolve();
      });
      // A device that is gone leaves an audio thread that never answers.
      setTimeout(resolve, LONGEST_GOODBYE_MS);
      port.postMessage("stop");
    });
    release(this.stream);
    await this.context.close();
  }
}

function release(stream: MediaStream): void {
  for (const track of stream.getTracks()) {
    track.onended = null;
    track.stop();
  }
}
