"""A network that hears the signal once, step by step, and remembers in a state what it needs of the past.

Step k is samples [k * step_samples, (k + 1) * step_samples), counted from the session's start, and one run; however the
signal came, the runs are the same ones. What a run hears it says twice: at once about its newest frames (`early`, which
previews tell), and all of it a fixed number of frames later (what is settled).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import anyio
import anyio.to_thread
import numpy as np
from numpy.typing import NDArray

from inference.model_spec import ModelSpec, TensorSpec, mismatch
from inference.onnx_runner import BoundRun, OnnxRunner, check_outputs, zeros_for
from inference.ports import IN_THIS_PROCESS, RunsOn
from inference.tracking import tracking_rules
from music.activations import LOWEST_PITCH, PITCH_COUNT, Activations, FrameGrid, Map
from music.audio import SAMPLE_RATE_HZ
from music.events import ModelReference
from music.fret_map import fret_map
from music.tracking_rules import GUITAR_RULES
from music.tuning import MAX_STRINGS, Instrument

_STEPS_A_TURN = 8
"""Runs in a row before other sessions get the thread: about as long as one of Basic Pitch's windows takes."""
_SETTLED = ("onset", "frame", "velocity", "deviation", "strings")


@dataclass(frozen=True, slots=True)
class StepGrid:
    """The steps of one network.

    Attributes:
        step_samples: new samples a run takes.
        frame_hop: samples between frames.
        early_delay, late_delay: row t of run k is frame k * step_frames + t - delay, of the early and settled maps.
        lowest_pitch: MIDI pitch of column 0.
        pitch_count: columns.
    """

    step_samples: int
    frame_hop: int
    early_delay: int
    late_delay: int
    lowest_pitch: int
    pitch_count: int

    def __post_init__(self) -> None:
        if min(self.step_samples, self.frame_hop, self.pitch_count) < 1 or self.step_samples % self.frame_hop:
            raise ValueError(f"a step of {self.step_samples} samples is no whole number of frames")
        if not 0 <= self.early_delay <= self.late_delay:
            raise ValueError(f"what is settled, {self.late_delay} frames later, comes before what is early")
        first = self.lowest_pitch - LOWEST_PITCH
        if first < 0 or first + self.pitch_count > PITCH_COUNT:
            raise ValueError(f"pitches from {self.lowest_pitch} on, {self.pitch_count} of them, are too many")

    @property
    def step_frames(self) -> int:
        """Frames a run says something about."""
        return self.step_samples // self.frame_hop

    @property
    def columns(self) -> slice:
        """Where the network's pitches are among those of `Activations`."""
        first = self.lowest_pitch - LOWEST_PITCH
        return slice(first, first + self.pitch_count)

    def step_count(self, duration: int) -> int:
        """How many runs settle all frames of a signal of `duration` samples."""
        frames = -(-duration // self.frame_hop)
        return -(-(frames + self.late_delay) // self.step_frames) if frames else 0


class StreamingTranscriber:
    """A network with a state; every stream keeps its own, and all of them share the loaded file.

    Args:
        spec: its configuration.
        threads: runs at a time, over all streams.

    Raises:
        Unavailable: MODEL_MISSING or MODEL_MISMATCH.
    """

    def __init__(self, spec: ModelSpec, threads: int) -> None:
        self.steps = step_grid(spec)
        self.reference = ModelReference(spec.role, spec.name, spec.sha256)
        self.grid = FrameGrid(self.steps.frame_hop, spec.integer("onset_lag"))
        self.tracking = tracking_rules(spec, GUITAR_RULES)
        self.cadence = self.grain = self.steps.step_samples
        self.limiter = anyio.CapacityLimiter(threads)
        self._runner = OnnxRunner(spec, threads)
        # Lengths that the file leaves open are known after a run; it is wanted anyway, the first one takes longer.
        check_outputs(spec, self._runner.run_blocking(zeros_for(spec)))

    def open_stream(self, instrument: Instrument) -> StepStream:
        """See `Transcriber.open_stream`."""
        return StepStream(self, instrument)

    @property
    def runs_on(self) -> RunsOn:
        """See `Transcriber.runs_on`."""
        return IN_THIS_PROCESS

    def bound_runs(self, frets: NDArray[np.float32]) -> tuple[BoundRun, BoundRun]:
        """Two runs for one stream, the next state of each being the state of the other."""
        spec = self._runner.spec
        arrays = {t.name: np.zeros([1, *(n or 1 for n in t.shape)], t.dtype) for t in (*spec.inputs, *spec.outputs)}
        state, frets_name, next_state = (spec.tensor(m).name for m in ("state", "frets", "next_state"))
        arrays[frets_name][0] = frets
        swapped = {**arrays, state: arrays[next_state], next_state: arrays[state]}
        return self._runner.bind(arrays), self._runner.bind(swapped)

    def tensor_name(self, meaning: str) -> str:
        """What the file calls a tensor."""
        return self._runner.spec.tensor(meaning).name


class StepStream:
    """One session's `ActivationStream`."""

    def __init__(self, transcriber: StreamingTranscriber, instrument: Instrument) -> None:
        self._grid = grid = transcriber.steps
        self._limiter = transcriber.limiter
        self._runs = transcriber.bound_runs(fret_map(instrument, grid.lowest_pitch, grid.pitch_count))
        names = {meaning: transcriber.tensor_name(meaning) for meaning in ("samples", "early", *_SETTLED)}
        # Both runs read and write the same arrays, but for the states.
        self._said = {meaning: self._runs[0].arrays[name][0] for meaning, name in names.items()}
        self._waiting = np.zeros(0, np.float32)
        self._received = 0
        self._steps = 0
        # What was said early of the frames after the settled ones, oldest first; and up to where that was told.
        self._early = np.zeros((grid.late_delay - grid.early_delay, *self._said["early"].shape[1:]), np.float32)
        self._told_until = -grid.early_delay

    async def push(self, samples: NDArray[np.float32]) -> list[Activations]:
        """See `ActivationStream.push`."""
        self._received += len(samples)
        self._waiting = np.concatenate([self._waiting, samples])
        count = len(self._waiting) // self._grid.step_samples
        return [piece for piece in await self._take(count) if len(piece)]

    async def preview(self, step_frames: int) -> Activations | None:
        """See `ActivationStream.preview`; it costs no run."""
        end = self._steps * self._grid.step_frames - self._grid.early_delay
        if end - self._told_until < step_frames or end <= 0 or not len(self._early):
            return None
        self._told_until = end
        maps = np.zeros((2, len(self._early), PITCH_COUNT), np.float32)
        maps[:, :, self._grid.columns] = self._early.swapaxes(0, 1)
        return Activations(end - len(self._early), maps[0], maps[1], settled=False).rows(0, end)

    async def finish(self) -> list[Activations]:
        """See `ActivationStream.finish`."""
        count = self._grid.step_count(self._received) - self._steps
        missing = count * self._grid.step_samples - len(self._waiting)
        self._waiting = np.concatenate([self._waiting, np.zeros(max(0, missing), np.float32)])
        end = -(-self._received // self._grid.frame_hop)
        cut = [piece.rows(0, end) for piece in await self._take(max(0, count))]
        return [piece for piece in cut if len(piece)]

    async def _take(self, count: int) -> list[Activations]:
        """Run `count` steps, a few at a time: a long file must not keep a thread from other sessions' steps."""
        found = []
        for begin in range(0, count, _STEPS_A_TURN):
            run = partial(self._run, min(_STEPS_A_TURN, count - begin))
            found.append(await anyio.to_thread.run_sync(run, limiter=self._limiter))
        return found

    def _run(self, count: int) -> Activations:
        """Run `count` steps of what waits. Blocks."""
        grid, rows = self._grid, self._grid.step_frames
        first = self._steps * rows - grid.late_delay
        maps: dict[str, Map] = {m: _empty(count * rows, self._said[m]) for m in _SETTLED}
        for step in range(count):
            begin = step * grid.step_samples
            self._said["samples"][:] = self._waiting[begin : begin + grid.step_samples]
            self._runs[self._steps % 2].run()
            self._steps += 1
            for meaning, said in maps.items():
                said[step * rows : (step + 1) * rows, ..., grid.columns] = self._said[meaning]
            if len(self._early):
                self._early = np.concatenate([self._early, self._said["early"]])[-len(self._early) :]
        self._waiting = self._waiting[count * grid.step_samples :].copy()
        return Activations(first, settled=True, **maps).rows(0, first + count * rows)


def _empty(rows: int, said: Map) -> Map:
    """Zeros for `rows` frames of a map f32[t, …, pitches], with all the pitches of `Activations`."""
    return np.zeros((rows, *said.shape[1:-1], PITCH_COUNT), np.float32)


def step_grid(spec: ModelSpec) -> StepGrid:
    """The steps a transcriber's configuration describes.

    Raises:
        Unavailable: MODEL_MISMATCH, saying what does not fit the product's activations.
    """
    rate_hz = spec.integer("sample_rate_hz")
    if rate_hz != SAMPLE_RATE_HZ:
        raise mismatch(spec.name, f"it takes {rate_hz} Hz, transcribers get {SAMPLE_RATE_HZ} Hz.")
    if not spec.max_batch_size:
        raise mismatch(spec.name, "its tensors need a batch dimension in front.")
    pitches = spec.tensor("onset").shape[-1] or 0
    try:
        grid = StepGrid(
            step_samples=spec.integer("step_samples"),
            frame_hop=spec.integer("frame_hop"),
            early_delay=spec.integer("early_delay_frames"),
            late_delay=spec.integer("late_delay_frames"),
            lowest_pitch=spec.integer("lowest_pitch"),
            pitch_count=pitches,
        )
    except ValueError as error:
        raise mismatch(spec.name, f"its steps do not fit together: {error}.") from error
    rows = grid.step_frames
    _expect(spec, "samples", (grid.step_samples,))
    _expect(spec, "frets", (MAX_STRINGS, pitches))
    _expect(spec, "next_state", _expect(spec, "state", None).shape)
    _expect(spec, "early", (rows, 2, pitches))
    for meaning in ("onset", "frame", "velocity", "deviation"):
        _expect(spec, meaning, (rows, pitches))
    _expect(spec, "strings", (rows, MAX_STRINGS, pitches))
    return grid


def _expect(spec: ModelSpec, meaning: str, shape: tuple[int | None, ...] | None) -> TensorSpec:
    tensor = spec.tensor(meaning)
    wanted = tensor.shape if shape is None else shape
    if tensor.shape != wanted or tensor.dtype != "float32" or None in wanted:
        raise mismatch(spec.name, f"{tensor} should be float32{list(wanted)}.", tensor=tensor.name)
    return tensor
