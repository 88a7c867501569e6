"""What the rest of the product asks of a transcriber."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from music.activations import Activations, FrameGrid
from music.events import ModelReference
from music.tracking_rules import TrackingRules
from music.tuning import Instrument


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
    def grain(self) -> int:
        """Samples it takes at a time, counted from the session's start; 0 where every sample may complete something."""
        ...

    def open_stream(self, instrument: Instrument) -> ActivationStream:
        """A stream for a new session.

        Args:
            instrument: what is played in it; a network may know what to do with that.
        """
        ...
