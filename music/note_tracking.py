"""Activations to notes, frame by frame: a causal replacement of Basic Pitch's note creation.

Bittner et al., "A Lightweight Instrument-Agnostic Model for Polyphonic Note Transcription and Multipitch Estimation"
(ICASSP 2022), begin a note where the onset activation exceeds a threshold, walk a whole file backwards and scale by its
maximum.
Here every peak of the onset activation, weak ones too, is judged by what lies around it (`music.onset_evidence`) with
trees fitted on rendered guitars (`music.boosted_trees`); each decision looks at a fixed stretch of frames,
so it is the same however the activations were cut into pieces, and nothing after it is looked at.

Life of a track at one pitch: BORN at a peak that is likely a note one frame later → CONFIRMED, or DROPPED, once
`DECISION_FRAMES` have followed the peak → ENDED when the frame activation stayed down for `tolerance` frames or the
same pitch was confirmed anew. A peak that looked unlikely at first and is a note after all is born when
it is confirmed.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from music.activations import BINS_PER_SEMITONE, CONTOUR_BINS, LOWEST_PITCH, PITCH_COUNT, Activations
from music.boosted_trees import load_trees
from music.onset_evidence import FRAMES_BEFORE, evidence, peaks

DECISION_FRAMES = 6
"""Frames (11.6 ms) behind a peak that decide about it."""
_EARLY_FRAMES = 1


@dataclass(frozen=True, slots=True)
class TrackingRules:
    """Thresholds of the tracker; times in frames (11.6 ms). Chosen on rendered pieces that no tree was fitted on.

    Attributes:
        birth_probability: a peak at least this likely to be a note is BORN one frame later.
        note_probability: a peak at least this likely to be a note when it is decided is CONFIRMED.
        frame_threshold: least frame activation of a sounding note.
        min_frames: a note is decided this long after its onset; the trees are fitted for one value.
        spacing: the same pitch is not struck again sooner.
        tolerance: frames the activation may stay down within one note.
    """

    birth_probability: float = 0.5
    note_probability: float = 0.5
    frame_threshold: float = 0.3
    min_frames: int = DECISION_FRAMES - 1
    spacing: int = 4
    tolerance: int = 11


class TrackState(Enum):
    BORN = "born"
    CONFIRMED = "confirmed"
    ENDED = "ended"
    DROPPED = "dropped"


@dataclass(slots=True)
class Track:
    """A note being followed; only its tracker changes it.

    Attributes:
        number: counts births from 1, in the order in which they were noticed.
        pitch: MIDI pitch.
        onset: frame of the onset's peak.
        strength: activation of that peak, 0..1.
        confidence: how likely this is a note, 0..1: at birth from the first frame after the onset, from the frames
            up to the decision once confirmed. Calibrated on rendered pieces, see bench/NOTES.md.
        end: one past the last sounding frame, once ended.
        level: mean frame activation since the onset, 0..1, fixed when confirmed.
        deviations: for every frame after the onset, semitones from the pitch to the contour's crest (NaN: no crest).
    """

    number: int
    pitch: int
    onset: int
    strength: float
    confidence: float
    state: TrackState = TrackState.BORN
    end: int | None = None
    level: float = 0.0
    deviations: list[float] = field(default_factory=list)
    last_up: int = 0
    down: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """What one frame decided; a frame in which a note is born and confirmed at once makes several.

    Attributes:
        frame: the frame.
        changed: tracks that were born, confirmed, ended or dropped in it, in the order in which that happened.
        frontier: every onset before this frame is decided: confirmed or dropped.
    """

    frame: int
    changed: list[Track]
    frontier: int


@dataclass(frozen=True, slots=True)
class _Peak:
    """A candidate: frame, column, activation, and how likely it is a note."""

    frame: int
    column: int
    strength: float
    probability: float


class NoteTracker:
    """Follows the notes of one session between two pitches. A `fork` of it tries out unsettled frames."""

    def __init__(self, lowest_pitch: int, highest_pitch: int, rules: TrackingRules | None = None) -> None:
        self._rules = rules or TrackingRules()
        first = min(max(lowest_pitch - LOWEST_PITCH, 0), PITCH_COUNT)
        self._columns = range(first, max(first, min(highest_pitch - LOWEST_PITCH + 1, PITCH_COUNT)))
        # What a decision looks back at, then the row waiting for the frame after it; before the session all is silent.
        self._past = FRAMES_BEFORE + DECISION_FRAMES
        self._onset, self._frame, self._centre, self._deviation = (
            np.zeros((self._past, PITCH_COUNT), np.float32) for _ in range(4)
        )
        self._next = 0
        self._born = 0
        self._sounding: dict[int, Track] = {}
        self._candidates: dict[tuple[int, int], Track] = {}

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
        centre = piece.contour[:, 1:CONTOUR_BINS:BINS_PER_SEMITONE]
        yield from self._read(piece.onset, piece.frame, centre, crest_deviation(piece.contour))

    def finish(self) -> Iterator[Step]:
        """The last frame, and then a step that ends or drops everything."""
        silence = np.zeros((1, PITCH_COUNT), np.float32)
        if len(self._onset) > self._past:
            yield from self._read(silence, silence, silence, silence)
        changed = [self._drop(track) for track in list(self._candidates.values())]
        changed += [self._end(track, track.last_up + 1) for track in list(self._sounding.values())]
        yield Step(self._next, changed, self._next)

    def _detach(self) -> None:
        self._sounding = {column: replace(track, deviations=[]) for column, track in self._sounding.items()}
        self._candidates = {place: replace(track, deviations=[]) for place, track in self._candidates.items()}

    def _read(self, *rows: NDArray[np.float32]) -> Iterator[Step]:
        held = (self._onset, self._frame, self._centre, self._deviation)
        self._onset, self._frame, self._centre, self._deviation = (
            np.concatenate([before, new]) for before, new in zip(held, rows, strict=True)
        )
        count = len(self._onset) - self._past - 1
        if count <= 0:
            return
        births = self._judged("tracker_early", _EARLY_FRAMES, self._past, count)
        decisions = self._judged("tracker_late", DECISION_FRAMES, self._past - self._rules.min_frames, count)
        for step in range(count):
            yield from self._step(step + self._past, births[step], decisions[step])
        self._onset, self._frame, self._centre, self._deviation = (
            maps[count:] for maps in (self._onset, self._frame, self._centre, self._deviation)
        )

    def _judged(self, table: str, ahead: int, begin: int, count: int) -> list[list[_Peak]]:
        """The peaks in `count` rows from `begin` on, row by row, by column."""
        cut = slice(begin - FRAMES_BEFORE, begin + count + ahead)
        found: list[list[_Peak]] = [[] for _ in range(count)]
        columns = slice(self._columns.start, self._columns.stop)
        rows, places = np.nonzero(peaks(self._onset[begin - 1 : begin + count + 1, columns]))
        if len(rows):
            places += self._columns.start
            maps = (self._onset[cut], self._frame[cut], self._centre[cut])
            _, figures = evidence(*maps, rows + FRAMES_BEFORE, places, ahead)
            likely = load_trees(table).probability(figures)
            strengths = self._onset[rows + begin, places]
            first = self._next + begin - self._past
            for row, column, strength, probability in zip(rows, places, strengths, likely, strict=True):
                peak = _Peak(first + int(row), int(column), min(1.0, float(strength)), float(probability))
                found[int(row)].append(peak)
        return found

    def _step(self, row: int, births: list[_Peak], decisions: list[_Peak]) -> Iterator[Step]:
        changed = self._follow(row)
        for peak in births:
            if peak.probability >= self._rules.birth_probability and not self._is_echo(peak):
                changed.append(self._bear(peak))
        undecided = self._next - self._rules.min_frames
        late = []
        for peak in decisions:
            if peak.probability < self._rules.note_probability or self._is_echo(peak):
                changed += self._dropped(peak)
                continue
            if (peak.column, peak.frame) not in self._candidates:
                changed.append(self._bear(peak, row))
            late.append(peak)
        yield Step(self._next, changed, max(0, undecided))
        confirmed = [track for peak in late for track in self._confirm(peak)]
        self._next += 1
        yield Step(self._next - 1, confirmed, max(0, undecided + 1))

    def _is_echo(self, peak: _Peak) -> bool:
        """Whether the pitch was struck so shortly before that this is still the same stroke."""
        sounding = self._sounding.get(peak.column)
        return sounding is not None and peak.frame - sounding.onset <= self._rules.spacing

    def _follow(self, row: int) -> list[Track]:
        changed = []
        levels, deviations = self._frame[row].tolist(), self._deviation[row].tolist()
        for track in self.tracks:
            column = track.pitch - LOWEST_PITCH
            self._hear(track, self._next, levels[column], deviations[column])
            if track.state is TrackState.CONFIRMED and track.down >= self._rules.tolerance:
                changed.append(self._end(track, track.last_up + 1))
        return changed

    def _hear(self, track: Track, frame: int, level: float, deviation: float) -> None:
        track.deviations.append(deviation)
        if level >= self._rules.frame_threshold:
            track.last_up, track.down = frame, 0
        else:
            track.down += 1
        if track.state is TrackState.BORN:
            track.level += (level - track.level) / (frame - track.onset)

    def _bear(self, peak: _Peak, row: int | None = None) -> Track:
        """A new track; one born late, when `row` is heard, hears what it has missed."""
        self._born += 1
        pitch = peak.column + LOWEST_PITCH
        track = Track(self._born, pitch, peak.frame, peak.strength, peak.probability, last_up=peak.frame)
        self._candidates[peak.column, peak.frame] = track
        if row is not None:
            for frame in range(peak.frame + 1, self._next + 1):
                at = row + frame - self._next, peak.column
                self._hear(track, frame, float(self._frame[at]), float(self._deviation[at]))
        return track

    def _confirm(self, peak: _Peak) -> list[Track]:
        track = self._candidates.pop((peak.column, peak.frame))
        before = self._sounding.get(peak.column)
        ended = (
            [] if before is None else [self._end(before, max(before.onset + 1, min(before.last_up + 1, peak.frame)))]
        )
        track.state, track.confidence = TrackState.CONFIRMED, peak.probability
        self._sounding[peak.column] = track
        return [*ended, track]

    def _dropped(self, peak: _Peak) -> list[Track]:
        track = self._candidates.get((peak.column, peak.frame))
        return [] if track is None else [self._drop(track)]

    def _end(self, track: Track, end: int) -> Track:
        del self._sounding[track.pitch - LOWEST_PITCH]
        track.state, track.end = TrackState.ENDED, end
        return track

    def _drop(self, track: Track) -> Track:
        del self._candidates[track.pitch - LOWEST_PITCH, track.onset]
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
