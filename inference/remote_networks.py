"""Transcription networks whose runs are awaited, for they happen on a server.

`networks` and `streaming` have the same networks in this process, where a run blocks a thread and its memory is bound.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference.model_spec import ModelSpec, read_model_spec
from inference.networks import Rows, Samples
from inference.ports import Runner, RunsOn
from inference.streaming import StepGrid, step_grid
from inference.tracking import tracking_rules
from inference.transcription import AskWindow, WindowedTranscriber
from music.activations import PITCH_COUNT, Activations, FrameGrid, Map
from music.events import ModelReference
from music.fret_map import fret_map
from music.tracking_rules import GUITAR_RULES
from music.tuning import Instrument

RunnerOf = Callable[[ModelSpec], Runner]

_SETTLED = ("onset", "frame", "velocity", "deviation", "strings")


def parts_of(spec: ModelSpec) -> tuple[ModelSpec, ...]:
    """The models that run when a transcriber does: itself, or its front end and its head.

    Raises:
        Unavailable: MODEL_MISSING or MODEL_MISMATCH, a part has no valid configuration.
    """
    if "front_end" not in spec.parameters:
        return (spec,)
    return tuple(read_model_spec(spec.directory.parent / spec.text(part)) for part in ("front_end", "head"))


def asking(spec: ModelSpec, runner_of: RunnerOf) -> AskWindow:
    """What `networks.open_network` makes of a configuration, over runners."""
    parts = [(part, runner_of(part)) for part in parts_of(spec)]
    (first_spec, first), (last_spec, last) = parts[0], parts[-1]
    samples = first_spec.tensor("samples")
    shape = [n or 1 for n in samples.shape]
    names = tuple(last_spec.tensor(meaning).name for meaning in ("onset", "frame", "contour"))

    async def whole(window: Samples, begin: int, end: int) -> Rows:
        outputs = await first.run({samples.name: window.reshape(shape)})
        return _rows(outputs, names).part(begin, end)

    async def two_parts(window: Samples, begin: int, end: int) -> Rows:
        margin = last_spec.integer("margin_frames")
        outputs = await first.run({samples.name: window.reshape(shape)})
        features = outputs[first_spec.tensor("features").name]
        skipped = max(0, begin - margin)
        outputs = await last.run({last_spec.tensor("features").name: features[skipped : end + margin]})
        return _rows(outputs, names).part(begin - skipped, end - skipped)

    return whole if len(parts) == 1 else two_parts


def _rows(outputs: dict[str, NDArray[Any]], names: tuple[str, ...]) -> Rows:
    onset, frame, contour = (outputs[name] for name in names)
    return Rows(onset, frame, contour)


class RemoteWindowedTranscriber(WindowedTranscriber):
    """A network that takes windows, over runners.

    Args:
        spec: its configuration.
        windows: that one stream asks for at a time.
        runner_of: what runs a model.
        place: where that happens now.
    """

    def __init__(self, spec: ModelSpec, windows: int, runner_of: RunnerOf, place: Callable[[], RunsOn]) -> None:
        super().__init__(spec, windows, asking(spec, runner_of))
        self._place = place

    @property
    def runs_on(self) -> RunsOn:
        """See `Transcriber.runs_on`."""
        return self._place()


class RemoteStreamingTranscriber:
    """A network with a state, over a runner; every stream keeps its own state and sends it along with each step.

    Args:
        spec: its configuration.
        runner: what runs it.
        place: where that happens now.

    Raises:
        Unavailable: MODEL_MISMATCH.
    """

    def __init__(self, spec: ModelSpec, runner: Runner, place: Callable[[], RunsOn]) -> None:
        self.steps = step_grid(spec)
        self.reference = ModelReference(spec.role, spec.name, spec.sha256)
        self.grid = FrameGrid(self.steps.frame_hop, spec.integer("onset_lag"))
        self.tracking = tracking_rules(spec, GUITAR_RULES)
        self.cadence = self.grain = self.steps.step_samples
        self.spec = spec
        self.runner = runner
        self._place = place

    @property
    def runs_on(self) -> RunsOn:
        """See `Transcriber.runs_on`."""
        return self._place()

    def open_stream(self, instrument: Instrument) -> RemoteStepStream:
        """See `Transcriber.open_stream`."""
        return RemoteStepStream(self, fret_map(instrument, self.steps.lowest_pitch, self.steps.pitch_count))


class RemoteStepStream:
    """One session's `ActivationStream`.

    Args:
        transcriber: whose.
        frets: f32[strings, pitches], as the network wants them.
    """

    def __init__(self, transcriber: RemoteStreamingTranscriber, frets: NDArray[np.float32]) -> None:
        spec = transcriber.spec
        self._grid: StepGrid = transcriber.steps
        self._runner = transcriber.runner
        meanings = ("samples", "frets", "state", "early", "next_state", *_SETTLED)
        self._names = {meaning: spec.tensor(meaning).name for meaning in meanings}
        self._frets = frets
        self._state = np.zeros([n or 1 for n in spec.tensor("state").shape], np.float32)
        self._waiting = np.zeros(0, np.float32)
        self._received = 0
        self._steps = 0
        # What was said early of the frames after the settled ones, oldest first; and up to where that was told.
        shape = [n or 1 for n in spec.tensor("early").shape[1:]]
        self._early = np.zeros((self._grid.late_delay - self._grid.early_delay, *shape), np.float32)
        self._told_until = -self._grid.early_delay

    async def push(self, samples: NDArray[np.float32]) -> list[Activations]:
        """See `ActivationStream.push`."""
        self._received += len(samples)
        self._waiting = np.concatenate([self._waiting, samples])
        return [piece for piece in await self._take(len(self._waiting) // self._grid.step_samples) if len(piece)]

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
        count = max(0, self._grid.step_count(self._received) - self._steps)
        missing = max(0, count * self._grid.step_samples - len(self._waiting))
        self._waiting = np.concatenate([self._waiting, np.zeros(missing, np.float32)])
        end = -(-self._received // self._grid.frame_hop)
        return [cut for piece in await self._take(count) if len(cut := piece.rows(0, end))]

    async def _take(self, count: int) -> list[Activations]:
        return [await self._step() for _ in range(count)]

    async def _step(self) -> Activations:
        """One run; nothing has changed when it fails."""
        grid, names = self._grid, self._names
        outputs = await self._runner.run(
            {
                names["samples"]: self._waiting[: grid.step_samples],
                names["frets"]: self._frets,
                names["state"]: self._state,
            }
        )
        first = self._steps * grid.step_frames - grid.late_delay
        self._state = outputs[names["next_state"]]
        self._waiting = self._waiting[grid.step_samples :]
        self._steps += 1
        if len(self._early):
            self._early = np.concatenate([self._early, outputs[names["early"]]])[-len(self._early) :]
        maps = {meaning: self._widened(outputs[names[meaning]]) for meaning in _SETTLED}
        return Activations(first, settled=True, **maps).rows(0, first + grid.step_frames)

    def _widened(self, said: Map) -> Map:
        """With all the pitches of `Activations`."""
        wide = np.zeros((*said.shape[:-1], PITCH_COUNT), np.float32)
        wide[..., self._grid.columns] = said
        return wide
