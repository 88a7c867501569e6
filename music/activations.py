"""What a transcription network says: for every frame and pitch, how likely a note sounds, begins, and at which bend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

LOWEST_PITCH = 21
"""MIDI pitch of column 0 (A0)."""
PITCH_COUNT = 88
BINS_PER_SEMITONE = 3
CONTOUR_BINS = PITCH_COUNT * BINS_PER_SEMITONE


@dataclass(frozen=True, slots=True)
class FrameGrid:
    """Where frames lie on the session's clock.

    Attributes:
        hop: samples from one frame to the next.
        onset_lag: samples by which the frame where a network's onset peaks lies after the onset itself (negative:
            before it). A property of the network, measured on rendered notes whose onsets are exact.
    """

    hop: int
    onset_lag: int = 0

    def sample_of(self, frame: float) -> int:
        """Sample index (≥ 0) of an onset that peaks in `frame`, which may lie between two."""
        return max(0, round(frame * self.hop) - self.onset_lag)

    def frame_count(self, duration: int) -> int:
        """How many frames a signal of `duration` samples has: those that begin inside it."""
        return -(-duration // self.hop)


Map = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Activations:
    """Activations of consecutive frames; consecutive settled pieces abut, a provisional one abuts the settled ones.

    The maps that may be None are those a network does not give; over one session it is always the same ones, but that
    provisional pieces may lack some of them.

    Attributes:
        first_frame: index of row 0, counted from the session's first frame.
        onset: f32[t, 88], probability that a note of this pitch begins in the frame, 0..1; column 0 is MIDI pitch 21.
        frame: f32[t, 88], probability that this pitch sounds, 0..1.
        contour: f32[t, 264], salience in thirds of a semitone, 0..1; bin 3p + 1 is the centre of column p's pitch.
        settled: whether they are final; provisional ones are replaced by what comes next.
        velocity: f32[t, 88], how hard a note that begins here is struck, 0..1.
        deviation: f32[t, 88], semitones from the pitch to what sounds.
        strings: f32[t, 8, 88], probability that a note that begins here is on string 1, 2, …
    """

    first_frame: int
    onset: Map
    frame: Map
    contour: Map | None = None
    settled: bool = True
    velocity: Map | None = None
    deviation: Map | None = None
    strings: Map | None = None

    def __len__(self) -> int:
        return int(self.onset.shape[0])

    @property
    def end_frame(self) -> int:
        """One past the last frame."""
        return self.first_frame + len(self)

    def rows(self, start: int, end: int) -> Activations:
        """Frames [start, end), counted from the session's first frame and cut to what is here."""
        begin = min(max(start - self.first_frame, 0), len(self))
        cut = slice(begin, max(begin, end - self.first_frame))
        return Activations(
            self.first_frame + begin,
            self.onset[cut],
            self.frame[cut],
            None if self.contour is None else self.contour[cut],
            self.settled,
            None if self.velocity is None else self.velocity[cut],
            None if self.deviation is None else self.deviation[cut],
            None if self.strings is None else self.strings[cut],
        )

    def silence(self, first_frame: int, count: int) -> Activations:
        """Zeros in every map that is here, for `count` frames from `first_frame` on."""

        def zeros(maps: Map) -> Map:
            return np.zeros((count, *maps.shape[1:]), np.float32)

        return Activations(
            first_frame,
            zeros(self.onset),
            zeros(self.frame),
            None if self.contour is None else zeros(self.contour),
            self.settled,
            None if self.velocity is None else zeros(self.velocity),
            None if self.deviation is None else zeros(self.deviation),
            None if self.strings is None else zeros(self.strings),
        )


OPTIONAL_MAPS = ("contour", "velocity", "deviation", "strings")


def join(pieces: Sequence[Activations]) -> Activations:
    """Abutting pieces as one; it has the maps that all of them have.

    Raises:
        ValueError: there is no piece, or two do not abut.
    """
    if not pieces:
        raise ValueError("nothing to join")
    for before, after in pairwise(pieces):
        if before.end_frame != after.first_frame:
            raise ValueError(f"frames {before.first_frame}..{before.end_frame} do not abut {after.first_frame}")

    return Activations(
        pieces[0].first_frame,
        np.concatenate([piece.onset for piece in pieces]),
        np.concatenate([piece.frame for piece in pieces]),
        _joined([piece.contour for piece in pieces]),
        all(piece.settled for piece in pieces),
        _joined([piece.velocity for piece in pieces]),
        _joined([piece.deviation for piece in pieces]),
        _joined([piece.strings for piece in pieces]),
    )


def _joined(parts: Sequence[Map | None]) -> Map | None:
    there = [part for part in parts if part is not None]
    return np.concatenate(there) if len(there) == len(parts) else None


def beside_silence(maps: Map, below: int, above: int) -> Map:
    """f32[t, n] between columns of zeros: f32[t, below + n + above]. `np.pad` takes ten times as long."""
    wide = np.zeros((len(maps), below + maps.shape[1] + above), np.float32)
    wide[:, below : below + maps.shape[1]] = maps
    return wide
