import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Unhurried } from "../src/lib/tab/unhurried";

describe("work in slices", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  /** Ten pieces of work that last 5 ms each. */
  function work(done: number[], from = 0): (() => void)[] {
    return Array.from({ length: 10 }, (_, i) => () => {
      vi.setSystemTime(Date.now() + 5);
      done.push(from + i);
    });
  }

  function withClock(): void {
    vi.spyOn(performance, "now").mockImplementation(() => Date.now());
  }

  it("does some at once, and the rest in order, a few at a time", () => {
    withClock();
    const done: number[] = [];
    new Unhurried().begin(work(done), 4);
    expect(done).toEqual([0, 1, 2, 3]);
    vi.advanceTimersToNextTimer();
    expect(done).toEqual([0, 1, 2, 3, 4, 5, 6]);
    vi.runAllTimers();
    expect(done).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("gives up what newer work takes the place of", () => {
    withClock();
    const done: number[] = [];
    const unhurried = new Unhurried();
    unhurried.begin(work(done), 1);
    unhurried.begin(work(done, 100), 2);
    vi.runAllTimers();
    expect(done).toEqual([0, ...Array.from({ length: 10 }, (_, i) => 100 + i)]);
  });

  it("finishes when it must", () => {
    const done: number[] = [];
    const unhurried = new Unhurried();
    unhurried.begin(work(done), 0);
    unhurried.finish();
    expect(done).toHaveLength(10);
    expect(vi.getTimerCount()).toBe(0);
  });
});
