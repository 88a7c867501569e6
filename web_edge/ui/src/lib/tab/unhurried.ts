/** Much work in slices, so that the page stays at hand: some at once, the rest between the screen's frames. */

/** How long a slice may take, in milliseconds; a frame of the screen lasts 16. */
const SLICE_MS = 12;

export class Unhurried {
  private rest: (() => void)[] = [];
  private timer: ReturnType<typeof setTimeout> | null = null;

  /**
   * Gives up what is left of the work before.
   *
   * @param work in the order of its weight
   * @param atOnce how many of it are done before this returns
   */
  begin(work: readonly (() => void)[], atOnce: number): void {
    this.rest = work.slice(atOnce);
    for (const one of work.slice(0, atOnce)) one();
    this.goOn();
  }

  /** Does all that is left now. */
  finish(): void {
    const { rest } = this;
    this.rest = [];
    for (const one of rest) one();
    this.goOn();
  }

  private goOn(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = this.rest.length > 0 ? setTimeout(() => { this.slice(); }) : null;
  }

  private slice(): void {
    this.timer = null;
    const until = performance.now() + SLICE_MS;
    do this.rest.shift()?.();
    while (this.rest.length > 0 && performance.now() < until);
    this.goOn();
  }
}
