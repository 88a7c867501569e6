"""Which windows of the signal a network sees, and which frames of each window count.

Every boundary is fixed in sample index from the session's start, so how the signal was cut into chunks on its way here
leaves no trace. Window k begins `left_frames` before frame k * hop_frames and answers for the hop_frames frames from
there on; what it says about the frames left and right of those is dropped, because a network knows little near an
edge. Before the signal and after its end the windows hold zeros.

Between two of these windows lie others, a frame or more later than the first, that say what can be said already about
the newest frames; they settle nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class WindowGrid:
    """The windows of one network.

    Attributes:
        window_samples: samples the network takes.
        window_frames: frames it returns; frame i of a window lies i * frame_hop samples after the window's start.
        frame_hop: samples between frames.
        hop_frames: frames from one window to the next, each of which counts once.
        left_frames: frames dropped at a window's start; right of the counted ones the rest is dropped.
    """

    window_samples: int
    window_frames: int
    frame_hop: int
    hop_frames: int
    left_frames: int

    def __post_init__(self) -> None:
        if min(self.window_samples, self.frame_hop, self.hop_frames) < 1 or self.left_frames < 0:
            raise ValueError("a window grid needs positive lengths")
        if self.left_frames + self.hop_frames > self.window_frames:
            raise ValueError(f"a window of {self.window_frames} frames cannot settle {self.hop_frames} of them")
        if self.window_samples < self.hop_frames * self.frame_hop:
            raise ValueError("windows must not leave samples out between them")

    def start_of(self, index: int) -> int:
        """Sample index at which a window begins; negative where it begins before the signal."""
        return (index * self.hop_frames - self.left_frames) * self.frame_hop

    def complete_count(self, received: int) -> int:
        """How many windows lie entirely within the first `received` samples."""
        return max(0, (received - self.window_samples - self.start_of(0)) // (self.hop_frames * self.frame_hop) + 1)

    def frame_count(self, duration: int) -> int:
        """How many frames a signal of `duration` samples has: those that begin inside it."""
        return -(-duration // self.frame_hop)

    def window_count(self, duration: int) -> int:
        """How many windows answer for all frames of a signal of `duration` samples."""
        return -(-self.frame_count(duration) // self.hop_frames)

    @property
    def edge_frames(self) -> int:
        """Frames right of those a window settles: their activations may still change."""
        return self.window_frames - self.left_frames - self.hop_frames

    def settled_rows(self, index: int, duration: int | None = None) -> tuple[int, int]:
        """Rows [begin, end) of a window whose frames it answers for.

        Args:
            index: which window.
            duration: length of the whole signal once it has ended; frames behind it are dropped.
        """
        first = index * self.hop_frames
        count = self.hop_frames if duration is None else min(self.hop_frames, self.frame_count(duration) - first)
        return self.left_frames, self.left_frames + max(0, count)


@dataclass(frozen=True, slots=True)
class Window:
    """One window of the signal.

    Attributes:
        index: which window of the grid it is, or was before it moved on.
        samples: f32[window_samples], mono.
        shift: frames by which it begins later than the grid's window; 0 for those that settle frames.
    """

    index: int
    samples: NDArray[np.float32]
    shift: int = 0


class Windower:
    """Samples in, in pieces of any length; windows out, in order. Holds less than two windows and a piece."""

    def __init__(self, grid: WindowGrid) -> None:
        self._grid = grid
        self._next = 0
        self._received = 0
        # The signal from the start of the window before the next one on; what lies before the signal is silence.
        self._held = np.zeros(max(0, -grid.start_of(-1)), np.float32)
        self._held_from = min(0, grid.start_of(-1))

    @property
    def duration(self) -> int:
        """Samples received so far."""
        return self._received

    def push(self, samples: NDArray[np.float32]) -> list[Window]:
        """The windows that became complete with `samples` (f32[n], mono, any n)."""
        self._received += len(samples)
        self._held = np.concatenate([self._held, samples.astype(np.float32, copy=False)])
        return self._take(self._grid.complete_count(self._received))

    def newest(self, step_frames: int) -> Window | None:
        """The window that ends nearest to the newest sample, a whole number of steps after the last one that settled
        frames; None when that is the last one itself.

        Args:
            step_frames: frames from one such window to the next.
        """
        last = self._grid.start_of(self._next - 1)
        step = step_frames * self._grid.frame_hop
        steps = (self._received - self._grid.window_samples - last) // step
        return self._cut(self._next - 1, steps * step_frames) if steps > 0 else None

    def finish(self) -> list[Window]:
        """The windows that answer for the remaining frames, padded with zeros; nothing may be pushed after it."""
        count = self._grid.window_count(self._received)
        missing = self._grid.start_of(count - 1) + self._grid.window_samples - self._received
        if count > self._next and missing > 0:
            self._held = np.concatenate([self._held, np.zeros(missing, np.float32)])
        return self._take(count)

    def _take(self, count: int) -> list[Window]:
        windows = [self._cut(index) for index in range(self._next, count)]
        if windows:
            self._next = count
            begin = max(0, self._grid.start_of(count - 1) - self._held_from)
            self._held = self._held[begin:].copy()
            self._held_from += begin
        return windows

    def _cut(self, index: int, shift: int = 0) -> Window:
        begin = self._grid.start_of(index) + shift * self._grid.frame_hop - self._held_from
        return Window(index, self._held[begin : begin + self._grid.window_samples].copy(), shift)
