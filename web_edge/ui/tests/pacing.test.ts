import { describe, expect, it } from "vitest";
import { Framer } from "../src/lib/audio/framing";
import { Backlog, mixDown, PacedFrames, type Samples } from "../src/lib/audio/pacing";

const RATE = 1000;

function ramp(length: number): Samples {
  return Float32Array.from({ length }, (_, i) => i);
}

function collector(isTaking = () => true) {
  const taken: number[][] = [];
  const send = (frame: Samples): boolean => {
    if (!isTaking()) return false;
    taken.push([...frame]);
    return true;
  };
  return { taken, send };
}

describe("frames paced by a clock", () => {
  it("leave only when the clock has passed their end", () => {
    const frames = new PacedFrames(ramp(100), RATE, 0.02);
    const { taken, send } = collector();
    frames.sendDue(0.019, send);
    expect(taken).toHaveLength(0);
    frames.sendDue(0.02, send);
    expect(taken.map(({ length }) => length)).toEqual([20]);
    expect(frames.sentS).toBeCloseTo(0.02);
  });

  it("catch up after a pause, in order and without a hole", () => {
    const frames = new PacedFrames(ramp(110), RATE, 0.02);
    const { taken, send } = collector();
    frames.sendDue(0.05, send);
    frames.sendDue(10, send);
    expect(taken.flat()).toEqual([...ramp(110)]);
    expect(taken.at(-1)).toHaveLength(10);
    expect(frames.isDone).toBe(true);
  });

  it("never run ahead of what is heard", () => {
    const frames = new PacedFrames(ramp(5000), RATE, 0.02);
    const { send } = collector();
    for (let now = 0; now < 5; now += 0.013) {
      frames.sendDue(now, send);
      expect(frames.sentS).toBeLessThanOrEqual(now + 1e-3);
    }
  });

  it("are offered again when they were refused", () => {
    let isOpen = false;
    const { taken, send } = collector(() => isOpen);
    const frames = new PacedFrames(ramp(40), RATE, 0.02);
    frames.sendDue(1, send);
    expect(frames.sentS).toBe(0);
    isOpen = true;
    frames.sendDue(1, send);
    expect(taken.flat()).toEqual([...ramp(40)]);
  });

  it("of an empty recording are none", () => {
    expect(new PacedFrames(ramp(0), RATE).isDone).toBe(true);
  });
});

describe("a microphone's backlog", () => {
  it("keeps the order while the network is away, and says when it is full", () => {
    let isOpen = false;
    const { taken, send } = collector(() => isOpen);
    const backlog = new Backlog(5);
    expect(backlog.push(Float32Array.of(1, 2), send)).toBe(true);
    expect(backlog.push(Float32Array.of(3, 4), send)).toBe(true);
    isOpen = true;
    expect(backlog.push(Float32Array.of(5), send)).toBe(true);
    expect(taken.flat()).toEqual([1, 2, 3, 4, 5]);
    isOpen = false;
    expect(backlog.push(ramp(6), send)).toBe(false);
  });
});

describe("framing", () => {
  it("cuts blocks of any length into frames of one, and gives out the rest at the end", () => {
    const framer = new Framer(5);
    const frames = [ramp(3), ramp(0), ramp(13)].flatMap((block) => framer.push(block));
    expect(frames.map((frame) => [...frame])).toEqual([
      [0, 1, 2, 0, 1],
      [2, 3, 4, 5, 6],
      [7, 8, 9, 10, 11],
    ]);
    expect([...framer.rest()]).toEqual([12]);
    expect([...framer.rest()]).toEqual([]);
  });

  it("never touches a frame again that it has given away", () => {
    const framer = new Framer(2);
    const [frame] = framer.push(Float32Array.of(1, 2, 3));
    if (frame) structuredClone(frame.buffer, { transfer: [frame.buffer] });
    expect(framer.push(Float32Array.of(4)).map((next) => [...next])).toEqual([[3, 4]]);
  });
});

describe("mixing down", () => {
  it("takes the mean of the channels", () => {
    expect([...mixDown([Float32Array.of(1, 0), Float32Array.of(0, -1)])]).toEqual([0.5, -0.5]);
  });

  it("copies a single channel", () => {
    const channel = Float32Array.of(0.25, 0.5);
    const mono = mixDown([channel]);
    expect([...mono]).toEqual([...channel]);
    expect(mono).not.toBe(channel);
  });
});
