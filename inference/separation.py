"""Separators: a network that takes windows of a mix, streamed by overlap-add."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol, TypeVar

import anyio
import anyio.to_thread
import numpy as np
from numpy.typing import NDArray

from inference.model_spec import ModelSpec, mismatch
from music.errors import InvalidInput, Reason
from music.events import ModelReference, Separation
from music.overlap_add import OverlapAdd, SignalWindow
from music.window_schedule import WindowSchedule, parse_schedule

Signal = NDArray[np.float32]
T = TypeVar("T")

CHANNELS = 2
_QUIETEST = 1e-8


class StemNetwork(Protocol):
    """What runs on one window; blocking, and free to be called from any thread.

    Attributes:
        normalises: whether it wants the mix less its mean and over its deviation, both over the track so far.
    """

    normalises: bool

    def fits(self, window: int) -> bool:
        """Whether it takes windows of so many samples."""
        ...

    def run(self, window: Signal) -> Signal:
        """The stem f32[2, n] of f32[2, n]."""
        ...

    def voice_share(self, window: Signal) -> float:
        """How much of a window's energy is voice; 0 where it cannot tell."""
        ...


class WindowedSeparator:
    """A `Separator` around a network.

    Args:
        spec: its configuration, with the parameters `separation`, `sample_rate_hz`, `schedule_file`, `schedules_live`
            and, where it can tell voices, `look_samples`.
        network: what runs; its file is loaded.
        threads: windows at a time, over all streams.
        clock: seconds, by which a window's cost is taken.

    Raises:
        Unavailable: MODEL_MISMATCH.
    """

    channel_count = CHANNELS

    def __init__(self, spec: ModelSpec, network: StemNetwork, threads: int, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.reference = ModelReference(spec.role, spec.name, spec.sha256)
        self.sample_rate_hz = spec.integer("sample_rate_hz")
        self.look_samples = spec.integer("look_samples") if "look_samples" in spec.parameters else 0
        try:
            self.separation = Separation(spec.text("separation"))
            self.file_schedule = parse_schedule(spec.text("schedule_file"))
            self.live_schedules = tuple(parse_schedule(text) for text in spec.text("schedules_live").split())
        except ValueError as error:
            raise mismatch(spec.name, f"{error}.") from error
        for schedule in (self.file_schedule, *self.live_schedules):
            if not network.fits(schedule.window):
                raise mismatch(spec.name, f"it does not take windows of {schedule.window} samples.")
        self.network = network
        self.windows_at_a_time = threads
        self._limiter = anyio.CapacityLimiter(threads)
        self._cost_s: dict[int, float] = {}

    def choose_schedule(self, *, live: bool, budget_cores: float) -> WindowSchedule | None:
        """See `Separator.choose_schedule`. The first time a window is run to see what it costs."""
        if not live:
            return self.file_schedule
        for schedule in self.live_schedules:
            if self.cores_of(schedule) <= budget_cores:
                return schedule
        return None

    def cores_of(self, schedule: WindowSchedule) -> float:
        """Processor time a schedule takes over the time its signal lasts."""
        if schedule.window not in self._cost_s:
            silence = np.zeros((CHANNELS, schedule.window), np.float32)
            self._cost_s[schedule.window] = min(self._cost_of_run(silence) for _ in range(2))
        return self._cost_s[schedule.window] / (schedule.hop / self.sample_rate_hz)

    def _cost_of_run(self, window: Signal) -> float:
        begun = self._clock()
        self.network.run(window)
        return self._clock() - begun

    def open_stream(self, schedule: WindowSchedule) -> OverlapStream:
        """See `Separator.open_stream`."""
        if not self.network.fits(schedule.window):
            raise InvalidInput(
                Reason.CONFIG_INVALID,
                f"{self.reference.name} takes no windows of {schedule.window} samples; leave the schedule out.",
            )
        return OverlapStream(self, schedule)

    async def separate(self, windows: Sequence[Signal]) -> list[Signal]:
        """The stems of some windows, side by side, in their order."""
        results: list[Signal] = [window[:, :0] for window in windows]
        waiting = iter(enumerate(windows))

        async def work() -> None:
            for place, window in waiting:
                results[place] = await self._run(partial(self.network.run, window))

        async with anyio.create_task_group() as group:
            for _ in range(min(self.windows_at_a_time, len(windows))):
                group.start_soon(work)
        return results

    async def voice_share(self, samples: Signal) -> float:
        """See `Separator.voice_share`."""
        return await self._run(partial(self.network.voice_share, samples))

    async def _run(self, work: Callable[[], T]) -> T:
        return await anyio.to_thread.run_sync(work, limiter=self._limiter)


class OverlapStream:
    """One session's `StemStream`."""

    def __init__(self, separator: WindowedSeparator, schedule: WindowSchedule) -> None:
        self._separator = separator
        self._overlap = OverlapAdd(schedule, CHANNELS)
        self._level = RunningLevel() if separator.network.normalises else None

    async def push(self, samples: Signal) -> Signal:
        """See `StemStream.push`."""
        return await self._through(self._overlap.push(samples))

    async def finish(self) -> Signal:
        """See `StemStream.finish`."""
        return await self._through(self._overlap.finish())

    async def _through(self, windows: Sequence[SignalWindow]) -> Signal:
        scales = [(0.0, 1.0) if self._level is None else self._level.after(window) for window in windows]
        stems = await self._separator.separate(
            [_scaled(window, *scale) for window, scale in zip(windows, scales, strict=True)]
        )
        pieces = [
            self._overlap.join(stem * np.float32(deviation) + np.float32(mean))
            for stem, (mean, deviation) in zip(stems, scales, strict=True)
        ]
        return np.concatenate(pieces, axis=1) if pieces else np.zeros((CHANNELS, 0), np.float32)


class RunningLevel:
    """Mean and deviation of a mix's mono sum up to a window's end.

    The `demucs` program takes both over the whole track. What is still to come cannot be known live, so here they run,
    live and offline alike.
    """

    def __init__(self) -> None:
        self._count = 0
        self._sum = 0.0
        self._squares = 0.0

    def after(self, window: SignalWindow) -> tuple[float, float]:
        """(mean, deviation) once the samples of `window` that are in none before it are counted."""
        mono = window.samples[:, window.fresh : window.end].mean(axis=0, dtype=np.float64)
        self._count += len(mono)
        self._sum += float(mono.sum())
        self._squares += float(mono @ mono)
        mean = self._sum / max(1, self._count)
        spread = (self._squares - self._count * mean * mean) / max(1, self._count - 1)
        return mean, max(_QUIETEST, spread) ** 0.5


def _scaled(window: SignalWindow, mean: float, deviation: float) -> Signal:
    if (mean, deviation) == (0.0, 1.0):
        return window.samples
    scaled = np.zeros_like(window.samples)
    within = slice(window.begin, window.end)
    scaled[:, within] = (window.samples[:, within] - np.float32(mean)) / np.float32(deviation)
    return scaled
