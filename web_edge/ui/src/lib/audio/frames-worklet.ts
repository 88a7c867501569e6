/** Runs on the audio thread: collects the microphone's blocks of 128 samples into frames of 20 ms. */

// The worklet's own globals, which the DOM types do not describe.
declare const sampleRate: number;
declare function registerProcessor(name: string, processor: new () => AudioWorkletProcessor): void;
declare abstract class AudioWorkletProcessor {
  readonly port: MessagePort;
}

class FrameCollector extends AudioWorkletProcessor {
  private frame = new Float32Array(Math.round(sampleRate * 0.02));
  private filled = 0;
  private isStopped = false;

  constructor() {
    super();
    this.port.onmessage = () => {
      this.isStopped = true;
      this.post(this.frame.slice(0, this.filled));
      this.port.postMessage(null);
    };
  }

  process([input]: Float32Array[][]): boolean {
    const channel = input?.[0];
    if (this.isStopped) return false;
    for (let read = 0; channel && read < channel.length; ) {
      const part = channel.subarray(read, read + this.frame.length - this.filled);
      this.frame.set(part, this.filled);
      this.filled += part.length;
      read += part.length;
      if (this.filled === this.frame.length) {
        this.post(this.frame);
        this.frame = new Float32Array(this.frame.length);
        this.filled = 0;
      }
    }
    return true;
  }

  private post(frame: Float32Array<ArrayBuffer>): void {
    if (frame.length > 0) this.port.postMessage(frame, [frame.buffer]);
  }
}

registerProcessor("frame-collector", FrameCollector);
