"""A long signal through a network that takes windows of it, the results faded into each other.

Every boundary is fixed in sample index from the signal's start, so how the signal was cut on its way here leaves no
trace: streamed and whole are the same windows and the same sums. Window k begins `left` samples before sample k * hop
and answers for the `hop + fade` samples from there on; what two windows answer for is faded from one to the other.
Before the signal and after its end the windows hold zeros.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from music.window_schedule import WindowSchedule

Signal = NDArray[np.float32]
"""f32[channels, n]."""


@dataclass(frozen=True, slots=True)
class SignalWindow:
    """One window: f32[channels, window]; only [begin, end) of it lies within the signal, and of that what lies from
    `fresh` on is in no window before it.
    """

    samples: Signal
    begin: int
    end: int
    fresh: int


class OverlapAdd:
    """Samples in, in pieces of any length; windows out; their results back in; the joined result out, in order.

    Args:
        schedule: which windows.
        channels: of the signal.
    """

    def __init__(self, schedule: WindowSchedule, channels: int) -> None:
        self._schedule = schedule
        self._next = 0
        self._received = 0
        self._held: Signal = np.zeros((channels, schedule.left), np.float32)
        self._tail: Signal | None = None
        self._delivered = 0
        self._is_over = False
        rising = (np.arange(schedule.fade, dtype=np.float32) + np.float32(0.5)) / np.float32(max(1, schedule.fade))
        self._rising = rising.astype(np.float32)

    def push(self, samples: Signal) -> list[SignalWindow]:
        """The windows that became complete with `samples`, any number of them."""
        self._received += samples.shape[1]
        self._held = np.concatenate([self._held, samples.astype(np.float32, copy=False)], axis=1)
        hop = self._schedule.hop
        return self._take(max(0, (self._held.shape[1] - self._schedule.window) // hop + 1))

    def finish(self) -> list[SignalWindow]:
        """The windows that answer for what is left; nothing may be pushed after it."""
        self._is_over = True
        count = max(0, -(-(self._received - self._next * self._schedule.hop) // self._schedule.hop))
        missing = max(0, (count - 1) * self._schedule.hop + self._schedule.window - self._held.shape[1])
        if count:
            self._held = np.pad(self._held, ((0, 0), (0, missing)))
        return self._take(count)

    def join(self, result: Signal) -> Signal:
        """What became final with the next window's result, f32[channels, window]."""
        schedule = self._schedule
        kept = result[:, schedule.left : schedule.left + schedule.hop + schedule.fade]
        out = kept[:, : schedule.hop].astype(np.float32)
        if self._tail is not None and schedule.fade:
            out[:, : schedule.fade] *= self._rising
            out[:, : schedule.fade] += self._tail * (1 - self._rising)
        self._tail = kept[:, schedule.hop :].astype(np.float32)
        if self._is_over:
            out = out[:, : max(0, self._received - self._delivered)]
        self._delivered += out.shape[1]
        return out

    def _take(self, count: int) -> list[SignalWindow]:
        schedule, windows = self._schedule, []
        for number in range(count):
            samples = self._held[:, number * schedule.hop : number * schedule.hop + schedule.window].copy()
            start = self._next * schedule.hop - schedule.left
            fresh = schedule.window - schedule.hop if self._next else schedule.left
            end = min(schedule.window, self._received - start)
            windows.append(SignalWindow(samples, max(0, -start), end, min(fresh, end)))
            self._next += 1
        if count:
            self._held = self._held[:, count * schedule.hop :].copy()
        return windows
