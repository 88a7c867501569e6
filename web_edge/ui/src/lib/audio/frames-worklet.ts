/** Runs on the audio thread: hands the microphone's sound over in frames of 20 ms, and null after the last one. */

import { Framer } from "./framing";

// The worklet's own globals, which the DOM types do not describe.
declare const sampleRate: number;
declare function registerProcessor(name: string, processor: new () => AudioWorkletProcessor): void;
declare abstract class AudioWorkletProcessor {
  readonly port: MessagePort;
}

class FrameCollector extends AudioWorkletProcessor {
  private readonly framer = new Framer(Math.round(sampleRate * 0.02));
  private isStopped = false;

  constructor() {
    super();
    this.port.onmessage = () => {
      this.isStopped = true;
      this.post(this.framer.rest());
      this.port.postMessage(null);
    };
  }

  process([input]: Float32Array[][]): boolean {
    if (this.isStopped) return false;
    const channel = input?.[0];
    if (channel) for (const frame of this.framer.push(channel)) this.post(frame);
    return true;
  }

  /** The frame's memory goes along; it must not be touched again here. */
  private post(frame: Float32Array<ArrayBuffer>): void {
    if (frame.length > 0) this.port.postMessage(frame, [frame.buffer]);
  }
}

registerProcessor("frame-collector", FrameCollector);
