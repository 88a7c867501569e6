"""Activations to notes, frame by frame: a causal replacement of Basic Pitch's note creation.

Bittner et al., "A Lightweight Instrument-Agnostic Model for Polyphonic Note Transcription and Multipitch Estimation"
(ICASSP 2022), begin a note where the onset activation exceeds a threshold, walk a whole file backwards and scale by its
maximum.
Here every onset is judged by what lies around it, in the way that fits the network (`music.onset_judging`); each
decision looks at a fixed stretch of frames, so it is the same however the activations were cut into pieces, and nothing
after it is looked at.

Life of a track at one pitch: BORN at an onset that is likely a note one frame later → CONFIRMED, or DROPPED, once
the judge's `decision_frames` have followed → ENDED when the frame activation stayed down for `tolerance` frames or the
same pitch was confirmed anew, or its string was needed. An onset that looked unlikely at first and is a note after all
is born when it is confirmed.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import Enum

from music.activations import LOWEST_PITCH, PITCH_COUNT, Activations, Map, join
from music.contour import crest_deviation
from music.onset_judging import FIRST_AHEAD, Onset, OnsetJudge
from music.probability_judge import ProbabilityJudge
from music.tracking_rules import OnsetKind, TrackingRules
from music.tree_judge import TreeJudge

_TOGETHER_FRAMES = 5
_MOST_DEVIATIONS = 60 * 86
"""A minute's: no string rings longer, and what hums on for hours must not be remembered frame by frame."""


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
        shift: frames by which the note begins after `onset` (negative: before it).
        end: one past the last sounding frame, once ended; between two frames where the next stroke lies there.
        faded: whether it ended because it was not heard any more.
        level: mean frame activation since the onset, 0..1, fixed when confirmed.
        velocity: how hard it was struck, 0..1, where the network says so; known when confirmed.
        strings: probability of string 1, 2, … to 8, where the network says so; known when confirmed.
        deviations: for every frame of the first minute after the onset, semitones from the pitch to what sounds (NaN:
            not known).
    """

    number: int
    pitch: int
    onset: int
    strength: float
    confidence: float
    shift: float = 0.0
    state: TrackState = TrackState.BORN
    end: float | None = None
    faded: bool = False
    level: float = 0.0
    velocity: float | None = None
    strings: tuple[float, ...] = ()
    deviations: list[float] = field(default_factory=list)
    last_up: int = 0
    down: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """What one frame decided; a frame in which a note is born and confirmed at once makes several.

    Attributes:
        frame: the frame.
        changed: tracks that were born, confirmed, ended or dropped in it, in the order in which that happened.
        frontier: every onset whose peak lies before this frame is decided: confirmed or dropped.
    """

    frame: int
    changed: list[Track]
    frontier: int


class NoteTracker:
    """Follows the notes of one session between two pitches. A `fork` of it tries out unsettled frames.

    Args:
        lowest_pitch, highest_pitch: MIDI pitches of the instrument.
        rules: what the transcriber says of its activations.
        string_count: of the instrument; counts where the rules allow one note a string.
    """

    def __init__(
        self, lowest_pitch: int, highest_pitch: int, rules: TrackingRules | None = None, string_count: int = PITCH_COUNT
    ) -> None:
        self._rules = rules or TrackingRules()
        first = min(max(lowest_pitch - LOWEST_PITCH, 0), PITCH_COUNT)
        columns = range(first, max(first, min(highest_pitch - LOWEST_PITCH + 1, PITCH_COUNT)))
        self._judge = _judge(self._rules, columns)
        self._most = string_count if self._rules.one_note_a_string else PITCH_COUNT
        # What a decision looks back at, then the row waiting for the frame after it; before the session all is silent.
        self._past = self._judge.rows_before + self._judge.decision_frames
        self._held: Activations | None = None
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
    def decision_lag(self) -> int:
        """Frames from an onset's peak to the frame in which it is decided."""
        return self._judge.decision_frames - FIRST_AHEAD

    @property
    def onset_spread(self) -> float:
        """Frames by which a note may begin before its onset's peak."""
        return self._judge.spread

    @property
    def tracks(self) -> list[Track]:
        """Every track that is BORN or CONFIRMED, by number."""
        return sorted([*self._sounding.values(), *self._candidates.values()], key=lambda track: track.number)

    def advance(self, piece: Activations) -> Iterator[Step]:
        """The steps that `piece`, which abuts the one before, makes possible: all but the last frame."""
        if piece.contour is not None:
            piece = replace(piece, deviation=crest_deviation(piece.contour))
        yield from self._read(piece)

    def finish(self) -> Iterator[Step]:
        """The last frame, and then a step that ends or drops everything."""
        if self._held is not None and len(self._held) > self._past:
            yield from self._read(self._held.silence(self._held.end_frame, 1))
        changed = [self._drop(track) for track in list(self._candidates.values())]
        changed += [self._end(track, track.last_up + 1) for track in list(self._sounding.values())]
        yield Step(self._next, changed, self._next)

    def _detach(self) -> None:
        self._judge = copy.copy(self._judge)
        self._sounding = {column: replace(track, deviations=[]) for column, track in self._sounding.items()}
        self._candidates = {place: replace(track, deviations=[]) for place, track in self._candidates.items()}

    def _read(self, piece: Activations) -> Iterator[Step]:
        before = self._held
        if before is None:
            before = piece.silence(piece.first_frame - self._past, self._past)
        self._held = held = join([before, piece])
        count = len(held) - self._past - FIRST_AHEAD
        if count <= 0:
            return
        births = self._judge.first(held, self._past, count)
        decisions = self._judge.decided(held, self._past - self.decision_lag, count)
        for step in range(count):
            yield from self._step(held, step + self._past, births[step], decisions[step])
        self._held = held.rows(held.first_frame + count, held.end_frame)

    def _step(self, held: Activations, row: int, births: list[Onset], decisions: list[Onset]) -> Iterator[Step]:
        changed = self._follow(held, row)
        undecided = self._next - self.decision_lag
        if not births and not decisions and not self._candidates:
            self._next += 1
            yield Step(self._next - 1, changed, max(0, undecided + 1))
            return
        for onset in births:
            if onset.probability >= self._rules.birth_probability and not self._is_echo(onset):
                changed.append(self._bear(onset))
        late = []
        for onset in decisions:
            if onset.probability < self._rules.note_probability or self._is_echo(onset):
                continue
            if (onset.column, onset.frame) not in self._candidates:
                changed.append(self._bear(onset, held, row))
            late.append(onset)
        confirmed = {onset.column for onset in late}
        refused = [
            t for (column, frame), t in self._candidates.items() if frame == undecided and column not in confirmed
        ]
        changed += [self._drop(track) for track in refused]
        yield Step(self._next, changed, max(0, undecided))
        if self._rules.one_note_a_string:
            # The surest first, for there may be no string left for the others.
            late.sort(key=lambda onset: (-onset.probability, onset.column))
        settled = [track for onset in late for track in self._confirm(onset, held, row)]
        self._next += 1
        yield Step(self._next - 1, settled, max(0, undecided + 1))

    def _is_echo(self, onset: Onset) -> bool:
        """Whether the pitch was struck so shortly before that this is still the same stroke."""
        sounding = self._sounding.get(onset.column)
        return sounding is not None and onset.frame - sounding.onset <= self._rules.spacing

    def _follow(self, held: Activations, row: int) -> list[Track]:
        changed: list[Track] = []
        if not self._sounding and not self._candidates:
            return changed
        for track in self.tracks:
            self._hear(track, self._next, held, row)
            if track.state is TrackState.CONFIRMED and track.down >= self._rules.tolerance:
                track.faded = True
                changed.append(self._end(track, track.last_up + 1))
        return changed

    def _hear(self, track: Track, frame: int, held: Activations, row: int) -> None:
        column = track.pitch - LOWEST_PITCH
        level = float(held.frame[row, column])
        if len(track.deviations) < _MOST_DEVIATIONS:
            track.deviations.append(math.nan if held.deviation is None else float(held.deviation[row, column]))
        if level >= self._rules.frame_threshold:
            track.last_up, track.down = frame, 0
        elif frame - track.onset > self._rules.attack:
            track.down += 1
        if track.state is TrackState.BORN:
            track.level += (level - track.level) / (frame - track.onset)

    def _bear(self, onset: Onset, held: Activations | None = None, row: int = 0) -> Track:
        """A new track; one born late, when row `row` is heard, hears what it has missed."""
        self._born += 1
        pitch = onset.column + LOWEST_PITCH
        track = Track(
            self._born, pitch, onset.frame, onset.strength, onset.probability, onset.shift, last_up=onset.frame
        )
        self._candidates[onset.column, onset.frame] = track
        if held is not None:
            for frame in range(onset.frame + 1, self._next + 1):
                self._hear(track, frame, held, row + frame - self._next)
        return track

    def _confirm(self, onset: Onset, held: Activations, row: int) -> list[Track]:
        before = self._sounding.get(onset.column)
        if before is None and len(self._sounding) >= self._most:
            before = self._least_needed(onset, held, row)
            if before is None:
                return [self._drop(self._candidates[onset.column, onset.frame])]
        track = self._candidates.pop((onset.column, onset.frame))
        begin = onset.frame + onset.shift
        ended = [] if before is None else [self._end(before, max(before.onset + 1, min(before.last_up + 1, begin)))]
        track.state, track.confidence, track.shift = TrackState.CONFIRMED, onset.probability, onset.shift
        self._listen(track, held, row + onset.frame - self._next)
        self._sounding[onset.column] = track
        return [*ended, track]

    def _least_needed(self, onset: Onset, held: Activations, row: int) -> Track | None:
        """Whose string a new note most likely took: the one that sounds least; None when all were struck with it."""
        older = [t for t in self._sounding.values() if onset.frame - t.onset > _TOGETHER_FRAMES]
        return min(older, key=lambda t: (float(held.frame[row, t.pitch - LOWEST_PITCH]), t.number), default=None)

    def _listen(self, track: Track, held: Activations, row: int) -> None:
        """How the note of the onset in row `row` was struck, and where: means over the rows its probability is in."""
        column, around = track.pitch - LOWEST_PITCH, range(max(0, row - 1), row + 2)
        weights = [float(held.onset[at, column]) for at in around]
        if sum(weights) <= 0:
            return

        def mean(values: Map) -> float:
            return sum(w * float(values[at]) for w, at in zip(weights, around, strict=True)) / sum(weights)

        if held.velocity is not None:
            track.velocity = min(1.0, max(0.0, mean(held.velocity[:, column])))
        if held.strings is not None:
            track.strings = tuple(max(0.0, mean(string)) for string in held.strings[:, :, column].T)

    def _end(self, track: Track, end: float) -> Track:
        del self._sounding[track.pitch - LOWEST_PITCH]
        track.state, track.end = TrackState.ENDED, end
        return track

    def _drop(self, track: Track) -> Track:
        del self._candidates[track.pitch - LOWEST_PITCH, track.onset]
        track.state = TrackState.DROPPED
        return track


def _judge(rules: TrackingRules, columns: range) -> OnsetJudge:
    if rules.onsets is OnsetKind.PEAKS:
        return TreeJudge(columns)
    return ProbabilityJudge(columns, rules.reach, min(rules.birth_probability, rules.note_probability))
