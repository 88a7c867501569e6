/** Collects blocks of any length into frames of one length. Pure; runs on the audio thread. */

export class Framer {
  private frame: Float32Array<ArrayBuffer>;
  private filled = 0;

  constructor(private readonly frameLength: number) {
    this.frame = new Float32Array(frameLength);
  }

  /** Takes a block and returns the frames that it completed; they belong to the caller. */
  push(block: Float32Array): Float32Array<ArrayBuffer>[] {
    const complete: Float32Array<ArrayBuffer>[] = [];
    for (let read = 0; read < block.length; ) {
      const part = block.subarray(read, read + this.frameLength - this.filled);
      this.frame.set(part, this.filled);
      this.filled += part.length;
      read += part.length;
      if (this.filled === this.frameLength) complete.push(this.takeFrame());
    }
    return complete;
  }

  /** The samples of the frame that was not completed. */
  rest(): Float32Array<ArrayBuffer> {
    const rest = this.frame.slice(0, this.filled);
    this.filled = 0;
    return rest;
  }

  private takeFrame(): Float32Array<ArrayBuffer> {
    const frame = this.frame;
    this.frame = new Float32Array(this.frameLength);
    this.filled = 0;
    return frame;
  }
}
