"""A separator without a network; obeys the real port."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from music.events import ModelReference, Separation
from music.overlap_add import OverlapAdd
from music.window_schedule import WindowSchedule

SCHEDULE = WindowSchedule(16_384, 4_096, 1_024, 2_048)


class FakeSeparator:
    """Its stem is the mix at half the level; a voice is whatever is louder than 0.5.

    Attributes:
        looks: the pieces it was asked about.
        fits: whether a live session's schedule is found.
    """

    reference = ModelReference("separator", "fake", "1" * 64)
    separation = Separation.VOCALS_REMOVED
    sample_rate_hz = 44_100
    channel_count = 2
    look_samples = 8_192

    def __init__(self, *, fits: bool = True) -> None:
        self.looks: list[NDArray[np.float32]] = []
        self.opened: list[WindowSchedule] = []
        self.fits = fits

    def choose_schedule(self, *, live: bool, budget_cores: float) -> WindowSchedule | None:  # noqa: ARG002 - the port's
        return SCHEDULE if self.fits or not live else None

    def open_stream(self, schedule: WindowSchedule) -> FakeStemStream:
        self.opened.append(schedule)
        return FakeStemStream(schedule)

    async def voice_share(self, samples: NDArray[np.float32]) -> float:
        self.looks.append(samples)
        return 0.5 if float(np.abs(samples).max()) > 0.5 else 0.001


class FakeStemStream:
    def __init__(self, schedule: WindowSchedule) -> None:
        self._overlap = OverlapAdd(schedule, 2)

    async def push(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        return self._joined(self._overlap.push(samples))

    async def finish(self) -> NDArray[np.float32]:
        return self._joined(self._overlap.finish())

    def _joined(self, windows: list) -> NDArray[np.float32]:  # type: ignore[type-arg]
        pieces = [self._overlap.join(window.samples / 2) for window in windows]
        return np.concatenate(pieces, axis=1) if pieces else np.zeros((2, 0), np.float32)
