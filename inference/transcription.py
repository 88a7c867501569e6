"""Basic Pitch behind the `Transcriber` port.

Bittner, Bosch, Rubinstein, Meseguer-Brocal, Ewert: "A lightweight instrument-agnostic model for polyphonic note
transcription and multipitch estimation", ICASSP 2022. The stock program steps 141.27 frames from window to window and
stretches the times afterwards; here windows step whole frames, so every frame lies on the session's clock.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial

import anyio
import anyio.to_thread
import numpy as np
from numpy.typing import NDArray

from inference.model_spec import ModelSpec, TensorSpec, mismatch
from inference.networks import Network, Rows, Samples, open_network
from inference.ports import IN_THIS_PROCESS, RunsOn
from inference.tracking import tracking_rules
from music.activations import CONTOUR_BINS, PITCH_COUNT, Activations, FrameGrid
from music.audio import SAMPLE_RATE_HZ
from music.events import ModelReference
from music.tracking_rules import TrackingRules
from music.tuning import Instrument
from music.windowing import Window, Windower, WindowGrid

AskWindow = Callable[[Samples, int, int], Awaitable[Rows]]
"""`Network.run`, waited for."""

_CADENCE = SAMPLE_RATE_HZ // 10
"""Every preview is a run of the network: with this one stream costs an eighth of a core (bench/NOTES.md)."""


@dataclass(frozen=True, slots=True)
class _Known:
    """What a window says: the frames it settles, and provisionally those after them."""

    settled: Activations
    provisional: Activations


class WindowedTranscriber:
    """A network that takes windows of fixed length and says onsets, sounding notes and contours a frame.

    Args:
        spec: its configuration; the models it names as its parts lie beside it.
        threads: windows at a time, over all streams.
        ask: what asks the network about a window; None loads it into this process.

    Raises:
        Unavailable: MODEL_MISSING or MODEL_MISMATCH.
    """

    def __init__(self, spec: ModelSpec, threads: int, ask: AskWindow | None = None) -> None:
        self.windows = window_grid(spec)
        self.reference = ModelReference(spec.role, spec.name, spec.sha256)
        self.grid = FrameGrid(self.windows.frame_hop, spec.integer("onset_lag"))
        self.tracking = tracking_rules(spec, TrackingRules())
        self.cadence = _CADENCE
        self.grain = 0
        self._threads = threads
        self._ask = ask or _in_threads(open_network(spec, threads), threads)

    @property
    def runs_on(self) -> RunsOn:
        """See `Transcriber.runs_on`."""
        return IN_THIS_PROCESS

    def open_stream(self, instrument: Instrument) -> WindowStream:  # noqa: ARG002 - every instrument sounds alike here
        """See `Transcriber.open_stream`."""
        return WindowStream(self)

    async def transcribe(self, windows: Sequence[Window], duration: int | None = None) -> list[_Known]:
        """What `windows`, which settle frames, say, in their order.

        Args:
            windows: windows of one signal.
            duration: length of the signal in samples once it has ended; frames behind it are dropped.
        """
        results: list[_Known | None] = [None] * len(windows)
        waiting = iter(enumerate(windows))

        async def work() -> None:
            for place, window in waiting:
                results[place] = await self._settle(window, duration)

        # No more tasks than runs at a time: a long file must not queue up before other sessions' windows.
        async with anyio.create_task_group() as group:
            for _ in range(min(self._threads, len(windows))):
                group.start_soon(work)
        return [result for result in results if result is not None]

    async def foretell(self, window: Window) -> Activations:
        """Provisional activations of the frames from the settled ones to the window's end."""
        begin = self.windows.left_frames + self.windows.hop_frames - window.shift
        return self._provisional(window.index, await self._run(window, begin))

    async def _settle(self, window: Window, duration: int | None) -> _Known:
        begin, end = self.windows.settled_rows(window.index, duration)
        # The unsettled frames to the window's end come with it for a few frames more, and the result does not depend on
        # whether anybody asks for them.
        rows = await self._run(window, begin)
        settled = rows.part(0, end - begin)
        first = window.index * self.windows.hop_frames
        return _Known(
            Activations(first, settled.onset, settled.frame, settled.contour),
            self._provisional(window.index, rows.part(self.windows.hop_frames, self.windows.window_frames)),
        )

    def _provisional(self, index: int, rows: Rows) -> Activations:
        first = (index + 1) * self.windows.hop_frames
        return Activations(first, rows.onset, rows.frame, rows.contour, settled=False)

    async def _run(self, window: Window, begin: int) -> Rows:
        return await self._ask(window.samples, begin, self.windows.window_frames)


def _in_threads(network: Network, threads: int) -> AskWindow:
    limiter = anyio.CapacityLimiter(threads)

    async def ask(window: Samples, begin: int, end: int) -> Rows:
        return await anyio.to_thread.run_sync(partial(network.run, window, begin, end), limiter=limiter)

    return ask


class WindowStream:
    """One session's `ActivationStream`."""

    def __init__(self, transcriber: WindowedTranscriber) -> None:
        self._transcriber = transcriber
        self._windower = Windower(transcriber.windows)
        self._told: tuple[int, int] | None = None
        self._tail: Activations | None = None

    async def push(self, samples: NDArray[np.float32]) -> list[Activations]:
        """See `ActivationStream.push`."""
        known = await self._transcriber.transcribe(self._windower.push(samples))
        if known:
            self._tail = known[-1].provisional
        return [one.settled for one in known]

    async def preview(self, step_frames: int) -> Activations | None:
        """See `ActivationStream.preview`."""
        window = self._windower.newest(step_frames)
        tail, self._tail = self._tail, None
        if window is None:
            return tail
        if (window.index, window.shift) == self._told:
            return None
        self._told = (window.index, window.shift)
        return await self._transcriber.foretell(window)

    async def finish(self) -> list[Activations]:
        """See `ActivationStream.finish`."""
        known = await self._transcriber.transcribe(self._windower.finish(), self._windower.duration)
        return [one.settled for one in known]


def window_grid(spec: ModelSpec) -> WindowGrid:
    """The windows a transcriber's configuration describes.

    Raises:
        Unavailable: MODEL_MISMATCH, saying what does not fit the product's activations.
    """
    samples, onset, frame, contour = (spec.tensor(m) for m in ("samples", "onset", "frame", "contour"))
    if spec.integer("sample_rate_hz") != SAMPLE_RATE_HZ:
        raise mismatch(
            spec.name, f"it takes {spec.integer('sample_rate_hz')} Hz, transcribers get {SAMPLE_RATE_HZ} Hz."
        )
    window_frames, window_samples = onset.shape[0], samples.shape[0]
    if window_frames is None or window_samples is None:
        raise mismatch(spec.name, "a transcriber's window has a fixed length.")
    _expect(spec, onset, (window_frames, PITCH_COUNT))
    _expect(spec, frame, (window_frames, PITCH_COUNT))
    _expect(spec, contour, (window_frames, CONTOUR_BINS))
    try:
        return WindowGrid(
            window_samples=window_samples,
            window_frames=window_frames,
            frame_hop=spec.integer("frame_hop"),
            hop_frames=spec.integer("hop_frames"),
            left_frames=spec.integer("left_frames"),
        )
    except ValueError as error:
        raise mismatch(spec.name, f"its windows do not fit together: {error}.") from error


def _expect(spec: ModelSpec, tensor: TensorSpec, shape: tuple[int, ...]) -> None:
    if tensor.shape != shape or tensor.dtype != "float32":
        raise mismatch(spec.name, f"{tensor} should be float32{list(shape)}.", tensor=tensor.name)
