"""A transcriber without a network, and a sink that fails on cue; both obey the real ports."""

from __future__ import annotations

from collections.abc import Sequence

import anyio
import numpy as np
from numpy.typing import NDArray

from inference.ports import IN_THIS_PROCESS
from music.activations import Activations, FrameGrid
from music.errors import GenesisError
from music.events import ModelReference, SessionEvent
from music.session_state import fold
from music.tracking_rules import TrackingRules
from music.tuning import Instrument
from orchestrator.publisher import MemorySink
from tests.support.activation_maps import draw_maps

HOP = 256
LOUD = 0.1
PITCH = 64
RISE_FRAMES = 3
"""The drawn onset's peak comes this long after the signal is loud: the network's onsets rise before they peak."""
_DRAWN_FRAMES = 24


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
        self.grid = FrameGrid(HOP, RISE_FRAMES * HOP)
        self.tracking = TrackingRules()
        self.cadence = 2205
        self.runs_on = IN_THIS_PROCESS
        self.grain = 0
        self.error = error
        self.pushes_before_error = pushes_before_error
        self.gate = gate
        self.opened: list[FakeStream] = []
        self.instruments: list[Instrument] = []
        self.previews: list[int] = []

    async def work(self) -> None:
        """What a preview costs; nothing unless a test says otherwise."""

    def open_stream(self, instrument: Instrument) -> FakeStream:
        self.instruments.append(instrument)
        self.opened.append(FakeStream(self))
        return self.opened[-1]


class FakeStream:
    def __init__(self, transcriber: FakeTranscriber) -> None:
        self._transcriber = transcriber
        self._waiting = np.zeros(0, np.float32)
        self._frame = 0
        self._loud_for = 0
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
        drawn = draw_maps(_DRAWN_FRAMES, [(RISE_FRAMES, _DRAWN_FRAMES, PITCH, 0.9, 0.9)])
        rows = []
        for is_loud in loud:
            self._loud_for = self._loud_for + 1 if is_loud else 0
            rows.append(min(self._loud_for, _DRAWN_FRAMES) - 1 if is_loud else -1)
        quiet = draw_maps(1, [])
        assert drawn.contour is not None
        assert quiet.contour is not None
        maps = (drawn.onset, drawn.frame, drawn.contour)
        floors = (quiet.onset[0], quiet.frame[0], quiet.contour[0])
        onset, frame, contour = (
            np.array([floor if row < 0 else drawing[row] for row in rows], np.float32)
            for drawing, floor in zip(maps, floors, strict=True)
        )
        first, self._frame = self._frame, self._frame + count
        return [Activations(first, onset, frame, contour)]


class KeptLog(MemorySink):
    """A log in memory.

    Attributes:
        events: all of them, those `held` from earlier attempts first.
        snapshots: how many events it held whenever one was asked for.
    """

    def __init__(self, held: Sequence[SessionEvent] = ()) -> None:
        super().__init__()
        self.events = list(held)
        self.snapshots: list[int] = []
        self.state, self.folded = fold(held), fold(held)
        self.attempt = self.state.attempt + 1
        self.last_sequence, self.last_durable_sequence = self.state.sequence, self.state.durable_sequence

    async def append(self, event: SessionEvent) -> None:
        await super().append(event)
        self.events.append(event)

    async def save_snapshot(self) -> None:
        self.snapshots.append(len(self.events))


class FailingSink(KeptLog):
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
