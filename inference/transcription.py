"""Basic Pitch behind the `Transcriber` port.

Bittner, Bosch, Rubinstein, Meseguer-Brocal, Ewert: "A lightweight instrument-agnostic model for polyphonic note
transcription and multipitch estimation", ICASSP 2022. The stock program steps 141.27 frames from window to window and
stretches the times afterwards; here windows step whole frames, so every frame lies on the session's clock.
"""

from __future__ import annotations

from collections.abc import Sequence

import anyio
import numpy as np
from numpy.typing import NDArray

from inference.model_spec import ModelSpec, TensorSpec, mismatch
from inference.onnx_runner import OnnxRunner
from music.activations import CONTOUR_BINS, PITCH_COUNT, Activations, FrameGrid
from music.audio import SAMPLE_RATE_HZ
from music.events import ModelReference
from music.windowing import Window, Windower, WindowGrid


class WindowedTranscriber:
    """A network that takes windows of fixed length and says onsets, sounding notes and contours a frame.

    Raises:
        Unavailable: MODEL_MISSING or MODEL_MISMATCH.
    """

    def __init__(self, spec: ModelSpec, threads: int) -> None:
        self.windows = window_grid(spec)
        self.reference = ModelReference(spec.role, spec.name, spec.sha256)
        self.grid = FrameGrid(self.windows.frame_hop, spec.integer("onset_lag"))
        self._samples = spec.tensor("samples")
        self._onset, self._frame, self._contour = (spec.tensor(m).name for m in ("onset", "frame", "contour"))
        self._runner = OnnxRunner(spec, threads)

    def open_stream(self) -> WindowStream:
        return WindowStream(self)

    async def transcribe(self, windows: Sequence[Window], duration: int | None = None) -> list[Activations]:
        """The frames that `windows` answer for, in their order.

        Args:
            windows: windows of one signal.
            duration: length of the signal in samples once it has ended; frames behind it are dropped.
        """
        results: list[Activations | None] = [None] * len(windows)
        waiting = iter(enumerate(windows))

        async def work() -> None:
            for place, window in waiting:
                results[place] = await self._run(window, duration)

        # No more tasks than runs at a time: a long file must not queue up before other sessions' windows.
        async with anyio.create_task_group() as group:
            for _ in range(min(self._runner.threads, len(windows))):
                group.start_soon(work)
        return [result for result in results if result is not None]

    async def _run(self, window: Window, duration: int | None) -> Activations:
        shape = [n or 1 for n in self._samples.shape]
        outputs = await self._runner.run({self._samples.name: window.samples.reshape(shape)})
        return self.windows.trim(
            window.index, outputs[self._onset], outputs[self._frame], outputs[self._contour], duration
        )


class WindowStream:
    """One session's `ActivationStream`."""

    def __init__(self, transcriber: WindowedTranscriber) -> None:
        self._transcriber = transcriber
        self._windower = Windower(transcriber.windows)

    async def push(self, samples: NDArray[np.float32]) -> list[Activations]:
        """See `ActivationStream.push`."""
        return await self._transcriber.transcribe(self._windower.push(samples))

    async def finish(self) -> list[Activations]:
        """See `ActivationStream.finish`."""
        return await self._transcriber.transcribe(self._windower.finish(), self._windower.duration)


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
