"""A transcriber without a network, and a sink that fails on cue; both obey the real ports."""

from __future__ import annotations

import anyio
import numpy as np
from numpy.typing import NDArray

from music.activations import CONTOUR_BINS, LOWEST_PITCH, PITCH_COUNT, Activations, FrameGrid
from music.errors import GenesisError
from music.events import ModelReference, SessionEvent
from orchestrator.publisher import MemorySink

HOP = 256
LOUD = 0.1


class FakeTranscriber:
    """Hears pitch 64 wherever a frame of the signal is loud.

    Args:
        error: raised by the push after `pushes_before_error` good ones.
        gate: every push waits for it.
    """

    def __init__(
        self, *, error: Exception | None = None, pushes_before_error: int = 0, gate: anyio.Event | None = None
    ) -> None:
        self.reference = ModelReference("transcriber", "fake", "0" * 64)
        self.grid = FrameGrid(HOP)
        self.error = error
        self.pushes_before_error = pushes_before_error
        self.gate = gate
        self.opened: list[FakeStream] = []
        self.previews: list[int] = []

    async def work(self) -> None:
        """What a preview costs; nothing unless a test says otherwise."""

    def open_stream(self) -> FakeStream:
        self.opened.append(FakeStream(self))
        return self.opened[-1]


class FakeStream:
    def __init__(self, transcriber: FakeTranscriber) -> None:
        self._transcriber = transcriber
        self._waiting = np.zeros(0, np.float32)
        self._frame = 0
        self._was_loud = False
        self.pushes = 0

    async def push(self, samples: NDArray[np.float32]) -> list[Activations]:
        if self._transcriber.gate is not None:
            await self._transcriber.gate.wait()
        if self._transcriber.error is not None and self.pushes == self._transcriber.pushes_before_error:
            raise self._transcriber.error
        self.pushes += 1
        return self._take(samples)

    async def preview(self, step_frames: int) -> Activations | None:
        self._transcriber.previews.append(step_frames)
        await self._transcriber.work()
        return None

    async def finish(self) -> list[Activations]:
        return self._take(np.zeros(-len(self._waiting) % HOP, np.float32))

    def _take(self, samples: NDArray[np.float32]) -> list[Activations]:
        self._waiting = np.concatenate([self._waiting, samples])
        count = len(self._waiting) // HOP
        if not count:
            return []
        frames = self._waiting[: count * HOP].reshape(count, HOP)
        self._waiting = self._waiting[count * HOP :]
        loud = np.abs(frames).max(axis=1) > LOUD
        begins = loud & ~np.concatenate([[self._was_loud], loud[:-1]])
        self._was_loud = bool(loud[-1])
        onset, frame = np.zeros((count, PITCH_COUNT), np.float32), np.zeros((count, PITCH_COUNT), np.float32)
        onset[begins, 64 - LOWEST_PITCH] = 0.9
        frame[loud, 64 - LOWEST_PITCH] = 0.9
        first, self._frame = self._frame, self._frame + count
        return [Activations(first, onset, frame, np.zeros((count, CONTOUR_BINS), np.float32))]


class FailingSink(MemorySink):
    """Refuses every event after `good` ones."""

    def __init__(self, good: int, error: GenesisError) -> None:
        super().__init__()
        self._good = good
        self._error = error

    async def append(self, event: SessionEvent) -> None:
        if len(self.events) >= self._good:
            raise self._error
        await super().append(event)


def beeps(seconds: float, rate_hz: int = 22_050, every_s: float = 0.5, long_s: float = 0.25) -> NDArray[np.int16]:
    """Loud for `long_s` of every `every_s`, beginning with silence."""
    t = np.arange(round(seconds * rate_hz)) / rate_hz
    loud = t % every_s >= every_s - long_s
    return np.where(loud, 16_000 * np.sin(2 * np.pi * 440 * t), 0).astype(np.int16)
