"""What the rest of the product asks of a transcriber and of a separator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from inference.model_spec import ModelSpec
from music.activations import Activations, FrameGrid
from music.events import ModelReference, Separation
from music.tracking_rules import TrackingRules
from music.tuning import Instrument
from music.window_schedule import WindowSchedule


class Runner(Protocol):
    """One model, ready to run, wherever that is; shared by all sessions."""

    @property
    def spec(self) -> ModelSpec: ...

    async def run(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Run the model on one item; a pure function of its inputs.

        Args:
            inputs: tensor name → array with the shape of the configuration, without a batch dimension.

        Returns:
            The same for the outputs.

        Raises:
            Unavailable: it cannot be run now.
        """
        ...


class BlockingRunner(Protocol):
    """A model that worker threads run: what separators do around a run is work for a thread as well."""

    def run_blocking(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """As `Runner.run`, in the calling thread."""
        ...


@dataclass(frozen=True, slots=True)
class RunsOn:
    """Where a transcriber's network runs now: "in_process" or "triton"; and why it is not where it was meant to be."""

    runner: str
    cause: str = ""


IN_THIS_PROCESS = RunsOn("in_process")


class ActivationStream(Protocol):
    """One session's signal on its way through a transcriber. Not shared between tasks."""

    async def push(self, samples: NDArray[np.float32]) -> list[Activations]:
        """Take more of the signal.

        Hand over everything at hand: windows that become complete in one push run side by side.

        Args:
            samples: f32[n], mono, 22 050 Hz, nominally -1..1, finite; any n.

        Returns:
            The settled activations that became known, in order, abutting; the same ones however the signal was cut.
        """
        ...

    async def preview(self, step_frames: int) -> Activations | None:
        """What can be said already about the frames after the settled ones: provisional activations, or None when there
        is nothing new. They change no settled activation, however often they are asked for.

        Args:
            step_frames: the newest samples are heard once this many frames have come since the last time; at least 1.
        """
        ...

    async def finish(self) -> list[Activations]:
        """The activations that are left, the signal followed by silence. Nothing may be pushed afterwards."""
        ...


class Transcriber(Protocol):
    """A transcription network, ready to run; shared by all sessions of a process."""

    @property
    def reference(self) -> ModelReference: ...

    @property
    def grid(self) -> FrameGrid: ...

    @property
    def tracking(self) -> TrackingRules:
        """How its activations become notes."""
        ...

    @property
    def cadence(self) -> int:
        """Samples from one preview to the next that suit it: as few as it takes little work for."""
        ...

    @property
    def runs_on(self) -> RunsOn:
        """Where the network runs now; it may change while streams are open."""
        ...

    @property
    def grain(self) -> int:
        """Samples it takes at a time, counted from the session's start; 0 where every sample may complete something."""
        ...

    def open_stream(self, instrument: Instrument) -> ActivationStream:
        """A stream for a new session.

        Args:
            instrument: what is played in it; a network may know what to do with that.
        """
        ...


class StemStream(Protocol):
    """One session's signal on its way through a separator. Not shared between tasks."""

    async def push(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Take more of the mix.

        Args:
            samples: f32[channels, n] at the separator's rate; any n.

        Returns:
            What of the stem became known, f32[channels, m], abutting; the same however the mix was cut.
        """
        ...

    async def finish(self) -> NDArray[np.float32]:
        """The rest; all pieces together are as long as what was pushed. Nothing may be pushed afterwards."""
        ...


class Separator(Protocol):
    """A separation network, ready to run; shared by all sessions of a process."""

    @property
    def reference(self) -> ModelReference: ...

    @property
    def separation(self) -> Separation:
        """What it does to a mix."""
        ...

    @property
    def sample_rate_hz(self) -> int: ...

    @property
    def channel_count(self) -> int: ...

    def choose_schedule(self, *, live: bool, budget_cores: float) -> WindowSchedule | None:
        """The windows a session gets: of a file the cheapest ones, of a live stream those that answer soonest of what
        the budget allows; None when it allows none.

        Args:
            live: somebody waits for the result.
            budget_cores: processor time over real time that one session may take.
        """
        ...

    def open_stream(self, schedule: WindowSchedule) -> StemStream:
        """A stream for a new session.

        Raises:
            InvalidInput: CONFIG_INVALID, the network takes no such windows.
        """
        ...

    async def voice_share(self, samples: NDArray[np.float32]) -> float:
        """How much of the energy is a voice, 0 to 1.

        Args:
            samples: f32[channels, `look_samples`] at the separator's rate.
        """
        ...

    @property
    def look_samples(self) -> int:
        """How much of a signal `voice_share` looks at; 0 for a network that cannot tell."""
        ...
