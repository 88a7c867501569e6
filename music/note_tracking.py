"""Activations to notes, frame by frame: a causal replacement of Basic Pitch's note creation.

The rules follow Bittner et al., "A Lightweight Instrument-Agnostic Model for Polyphonic Note Transcription and
Multipitch Estimation" (ICASSP 2022): a note begins where the onset activation has a peak, sounds while the frame
activation stays up, and must last a minimum time. The published post-processing walks a whole file backwards and scales
by its maximum; here every decision is taken at a frame that depends on the activations alone, so it is the same however
they were cut into pieces, and nothing after it is looked at.

Life of a track at one pitch: BORN at an onset peak (one frame of look-ahead) → CONFIRMED once the frame activation is
up at least `min_frames` after the onset → ENDED when it stayed down for `tolerance` frames or a confirmed re-strike of
the same pitch took over; DROPPED instead when it falls silent, or is struck again, before it was confirmed.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from music.activations import BINS_PER_SEMITONE, CONTOUR_BINS, LOWEST_PITCH, PITCH_COUNT, Activations


@dataclass(frozen=True, slots=True)
class TrackingRules:
    """Thresholds of the tracker; times in frames (11.6 ms).

    Onset, frame and length are Basic Pitch's published defaults. The other two were chosen on rendered notes (sampled
    nylon guitar and the plucks of tests/support), where they lift F1 from .69 to .90 and from .74 to .93.

    Attributes:
        onset_threshold, frame_threshold: least activation of an onset, and of a sounding frame.
        restrike_threshold: least onset activation that strikes a pitch anew while it sounds. When another string is
            struck, the onset activation of the pitches that ring on stirs as well.
        overtone_ratio: a note that begins with, or during, a note an octave, twelfth, two octaves or two octaves and a
            third below it counts only if its frame activation is at least this share of the lower one's.
        min_frames: a note is confirmed when it sounds this long after its onset.
        tolerance: frames the activation may stay down within one note.
    """

    onset_threshold: float = 0.5
    frame_threshold: float = 0.3
    restrike_threshold: float = 0.7
    overtone_ratio: float = 0.7
    min_frames: int = 11
    tolerance: int = 11


_OVERTONES = (12, 19, 24, 28)
_TOGETHER_FRAMES = 3


class TrackState(Enum):
    BORN = "born"
    CONFIRMED = "confirmed"
    ENDED = "ended"
    DROPPED = "dropped"


@dataclass(slots=True)
class Track:
    """A note being followed; only its tracker changes it.

    Attributes:
        number: counts births from 1, by frame, then pitch.
        pitch: MIDI pitch.
        onset: frame of the onset's peak.
        strength: activation of that peak, 0..1.
        end: one past the last sounding frame, once ended.
        level: mean frame activation since the onset, 0..1, fixed when confirmed.
        deviations: for every frame after the onset, semitones from the pitch to the contour's crest (NaN: no crest).
    """

    number: int
    pitch: int
    onset: int
    strength: float
    state: TrackState = TrackState.BORN
    end: int | None = None
    level: float = 0.0
    deviations: list[float] = field(default_factory=list)
    last_up: int = 0
    down: int = 0

    @property
    def confidence(self) -> float:
        """Mean of the onset's strength and of the level after it, 0..1: grows with either; not calibrated."""
        return (self.strength + self.level) / 2


@dataclass(frozen=True, slots=True)
class Step:
    """What one frame decided.

    Attributes:
        frame: the frame.
        changed: tracks that were born, confirmed, ended or dropped in it, in the order in which that happened.
        frontier: every onset before this frame is decided: confirmed or dropped.
    """

    frame: int
    changed: list[Track]
    frontier: int


class NoteTracker:
    """Follows the notes of one session between two pitches. A `fork` of it tries out unsettled frames."""

    def __init__(self, lowest_pitch: int, highest_pitch: int, rules: TrackingRules | None = None) -> None:
        self._rules = rules or TrackingRules()
        self._low = max(lowest_pitch, LOWEST_PITCH)
        first = min(self._low - LOWEST_PITCH, PITCH_COUNT)
        self._columns = slice(first, max(first, min(highest_pitch - LOWEST_PITCH + 1, PITCH_COUNT)))
        width = self._columns.stop - first
        # Rows not yet stepped over (one, waiting for the frame after it) and, for the peaks, the one before.
        self._onset = np.zeros((1, width), np.float32)
        self._frame = np.zeros((0, width), np.float32)
        self._deviation = np.zeros((0, width), np.float32)
        self._next = 0
        self._born = 0
        self._sounding: dict[int, Track] = {}
        self._candidates: dict[int, Track] = {}

    def fork(self) -> NoteTracker:
        """A tracker that goes on from here by itself; its tracks keep their numbers and lose their deviations."""
        forked = copy.copy(self)
        forked._detach()  # noqa: SLF001 - its own copy
        return forked

    @property
    def next_frame(self) -> int:
        """The first frame not stepped over yet."""
        return self._next

    @property
    def tracks(self) -> list[Track]:
        """Every track that is BORN or CONFIRMED, by number."""
        return sorted([*self._sounding.values(), *self._candidates.values()], key=lambda track: track.number)

    def advance(self, piece: Activations) -> Iterator[Step]:
        """The steps that `piece`, which abuts the one before, makes possible: all but the last frame."""
        columns = self._columns
        self._onset = np.concatenate([self._onset, piece.onset[:, columns]])
        self._frame = np.concatenate([self._frame, piece.frame[:, columns]])
        self._deviation = np.concatenate([self._deviation, crest_deviation(piece.contour)[:, columns]])
        yield from self._steps(len(self._deviation) - 1)

    def finish(self) -> Iterator[Step]:
        """The last frame, and then a step that ends or drops everything."""
        silence = np.zeros((1, self._onset.shape[1]), np.float32)
        self._onset = np.concatenate([self._onset, silence])
        yield from self._steps(len(self._deviation))
        changed = [self._drop(track) for track in list(self._candidates.values())]
        changed += [self._end(track, track.last_up + 1) for track in list(self._sounding.values())]
        yield Step(self._next, changed, self._next)

    def _detach(self) -> None:
        self._sounding = {column: replace(track, deviations=[]) for column, track in self._sounding.items()}
        self._candidates = {column: replace(track, deviations=[]) for column, track in self._candidates.items()}

    def _steps(self, count: int) -> Iterator[Step]:
        if count <= 0:
            return
        peaks: list[list[int]] = [[] for _ in range(count)]
        for row, column in np.argwhere(self._is_peak(self._onset[: count + 2])):
            peaks[row].append(int(column))
        levels = self._frame[:count].tolist()
        deviations = self._deviation[:count].tolist()
        for row in range(count):
            changed = self._follow(levels[row], deviations[row])
            for column in peaks[row]:
                changed += self._bear(column, float(self._onset[row + 1, column]))
            self._next += 1
            onsets = [track.onset for track in self._candidates.values()]
            yield Step(self._next - 1, changed, min([self._next, *onsets]))
        self._onset = self._onset[count:]
        self._frame = self._frame[count:]
        self._deviation = self._deviation[count:]

    def _is_peak(self, onset: NDArray[np.float32]) -> NDArray[np.bool_]:
        here = onset[1:-1]
        return (here >= self._rules.onset_threshold) & (here > onset[:-2]) & (here >= onset[2:])

    def _follow(self, levels: list[float], deviations: list[float]) -> list[Track]:
        changed = []
        for track in self.tracks:
            column = track.pitch - self._low
            track.deviations.append(deviations[column])
            if levels[column] >= self._rules.frame_threshold:
                track.last_up, track.down = self._next, 0
            else:
                track.down += 1
            age = self._next - track.onset
            if track.state is TrackState.BORN:
                track.level += (levels[column] - track.level) / age
                if age >= self._rules.min_frames and track.down == 0:
                    is_overtone = track.level < self._rules.overtone_ratio * self.explained(track)
                    changed += [self._drop(track)] if is_overtone else self._confirm(track)
            if track.down >= self._rules.tolerance and track.state is not TrackState.ENDED:
                confirmed = track.state is TrackState.CONFIRMED
                changed.append(self._end(track, track.last_up + 1) if confirmed else self._drop(track))
        return changed

    def explained(self, track: Track) -> float:
        """The highest level, 0..1, of the lower tracks whose overtone a track may be, because they begin with it or
        sound already; 0 if there is none.
        """
        column = track.pitch - self._low
        below = [
            lower
            for interval in _OVERTONES
            for lower in (self._candidates.get(column - interval), self._sounding.get(column - interval))
            if lower is not None and lower.onset <= track.onset + _TOGETHER_FRAMES
        ]
        return max((lower.level for lower in below), default=0.0)

    def _bear(self, column: int, strength: float) -> list[Track]:
        if strength < self._rules.restrike_threshold and column in self._sounding:
            return []
        before = self._candidates.get(column)
        dropped = [] if before is None else [self._drop(before)]
        self._born += 1
        track = Track(self._born, self._low + column, self._next, min(1.0, strength), last_up=self._next)
        self._candidates[column] = track
        return [*dropped, track]

    def _confirm(self, track: Track) -> list[Track]:
        column = track.pitch - self._low
        del self._candidates[column]
        before = self._sounding.get(column)
        ended = [] if before is None else [self._end(before, min(before.last_up + 1, track.onset))]
        track.state = TrackState.CONFIRMED
        self._sounding[column] = track
        return [*ended, track]

    def _end(self, track: Track, end: int) -> Track:
        del self._sounding[track.pitch - self._low]
        track.state, track.end = TrackState.ENDED, end
        return track

    def _drop(self, track: Track) -> Track:
        del self._candidates[track.pitch - self._low]
        track.state = TrackState.DROPPED
        return track


_REACH = 5
# The network's contour never falls much below 0.1, so less than twice that says nothing.
_LEAST_SALIENCE = 0.2


def crest_deviation(contour: NDArray[np.float32]) -> NDArray[np.float32]:
    """Where the contour's crest lies near every pitch.

    Args:
        contour: f32[t, 264], see `Activations`.

    Returns:
        f32[t, 88]: semitones above (+) or below (-) the pitch, within ± 5/3; NaN where there is no salience.
    """
    span = 2 * _REACH + 1
    padded = np.pad(contour, ((0, 0), (_REACH, _REACH)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, span, axis=1)[:, 1:CONTOUR_BINS:BINS_PER_SEMITONE]
    # Nearer crests count more, or a louder neighbour's contour is taken for a bend.
    nearness = np.exp(-0.5 * (np.arange(-_REACH, _REACH + 1) / 2.5) ** 2).astype(np.float32)
    weighted = windows * nearness
    crest = weighted.argmax(axis=2)
    deviation: NDArray[np.float32] = ((crest - _REACH) / BINS_PER_SEMITONE).astype(np.float32)
    deviation[weighted.max(axis=2) < _LEAST_SALIENCE] = np.nan
    return deviation
