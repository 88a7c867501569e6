"""From activations to the notes of the session's log: the whole pure pipeline behind the network."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from music.activations import Activations, FrameGrid
from music.arranging import LiveArranger
from music.audio import SAMPLE_RATE_HZ
from music.events import NoteRevised
from music.note import SETTLED, Note, NoteState, PitchBend
from music.note_tracking import NoteTracker, Step, Track, TrackingRules, TrackState
from music.tuning import Instrument

LOOKAHEAD_SAMPLES = SAMPLE_RATE_HZ * 350 // 1000
"""How much of what follows a group is heard before its place on the neck is settled."""

_LEAST_BEND_SEMITONES = 0.2
_BEND_STEP_FRAMES = 4


@dataclass(slots=True)
class _Entry:
    """A note on its way through the log: its track, and its revision as last reported (None: not yet)."""

    track: Track
    reported: Note | None = None
    confirmed: bool = False


class Scribe:
    """Writes down one session.

    Every COMMITTED, ENDED and RETRACTED note is decided at a frame that depends on the activations alone, so the
    settled notes, their ids and their order do not depend on how the activations were cut into pieces. TENTATIVE
    revisions do: a note that is settled by the piece that brought it is never reported as tentative.

    Attributes:
        processed_until: the watermark, a sample index: every note with an earlier onset is COMMITTED or ENDED.
    """

    def __init__(self, instrument: Instrument, grid: FrameGrid, rules: TrackingRules | None = None) -> None:
        self.processed_until = 0
        self._grid = grid
        self._tracker = NoteTracker(instrument.lowest_pitch, instrument.highest_pitch, rules)
        self._minimum_frames = (rules or TrackingRules()).min_frames
        self._arranger = LiveArranger(instrument, LOOKAHEAD_SAMPLES)
        self._entries: dict[str, _Entry] = {}
        self._end = math.inf

    def advance(self, activations: Activations) -> list[NoteRevised]:
        """The revisions that `activations`, which abut those before, bring, in order."""
        revised: list[Note] = []
        for step in self._tracker.advance(activations):
            revised += self._take(step)
        revised += self._tentative()
        return [NoteRevised(note) for note in revised]

    def finish(self, duration: int) -> list[NoteRevised]:
        """The last revisions: every note is ENDED or RETRACTED after them, no later than `duration` (samples)."""
        self._end = duration
        revised: list[Note] = []
        for step in self._tracker.finish():
            revised += self._take(step)
        revised += self._settled(self._arranger.finish(self._offsets()))
        self.processed_until = max(self.processed_until, duration)
        return [NoteRevised(note) for note in revised]

    def _take(self, step: Step) -> list[Note]:
        revised: list[Note] = []
        for track in step.changed:
            revised += self._change(track)
        known_until = self._grid.sample_of(step.frontier)
        revised += self._settled(self._arranger.advance(known_until, self._offsets()))
        open_onset = self._arranger.first_unsettled
        watermark = known_until if open_onset is None else min(known_until, open_onset)
        self.processed_until = max(self.processed_until, watermark)
        return revised

    def _change(self, track: Track) -> list[Note]:
        name = f"n{track.number}"
        match track.state:
            case TrackState.BORN:
                self._entries[name] = _Entry(track)
            case TrackState.CONFIRMED:
                self._entries[name].confirmed = True
                self._arranger.add(self._note(track, NoteState.TENTATIVE))
            case TrackState.DROPPED:
                reported = self._entries.pop(name).reported
                return [] if reported is None else [replace(reported, state=NoteState.RETRACTED, stability=0.0)]
            case TrackState.ENDED:
                reported = self._entries[name].reported
                if reported is not None and reported.state in SETTLED:
                    return [self._ended(reported, track)]
        return []

    def _settled(self, placed: list[Note]) -> list[Note]:
        revised = []
        for note in placed:
            entry = self._entries[note.id]
            entry.reported = replace(note, state=NoteState.COMMITTED, stability=1.0, offset=None)
            revised.append(entry.reported)
            if entry.track.state is TrackState.ENDED:
                revised.append(self._ended(entry.reported, entry.track))
        return revised

    def _tentative(self) -> list[Note]:
        """Notes that are still open, where they are new or have changed since they were reported."""
        revised = []
        for entry in self._entries.values():
            if entry.reported is not None and entry.reported.state in SETTLED:
                continue
            note = self._note(entry.track, NoteState.TENTATIVE)
            if entry.reported != note:
                entry.reported = note
                revised.append(note)
        return revised

    def _offsets(self) -> dict[str, int | None]:
        return {
            name: self._offset(entry.track)
            for name, entry in self._entries.items()
            if entry.confirmed and entry.track.end is not None
        }

    def _offset(self, track: Track) -> int:
        """A note's end: past its onset, not past the end of the signal."""
        onset = self._grid.sample_of(track.onset)
        end = onset if track.end is None else max(onset + self._grid.hop, self._grid.sample_of(track.end))
        return int(min(end, self._end))

    def _note(self, track: Track, state: NoteState) -> Note:
        age = self._tracker.next_frame - track.onset
        confirmed = track.state is not TrackState.BORN
        stability = 1.0 if confirmed else track.confidence * min(1.0, age / (self._minimum_frames + 1))
        return Note(
            id=f"n{track.number}",
            state=state,
            onset=self._grid.sample_of(track.onset),
            pitch=track.pitch,
            velocity=track.level,
            confidence=track.confidence,
            stability=stability,
        )

    def _ended(self, note: Note, track: Track) -> Note:
        del self._entries[note.id]
        return replace(note, state=NoteState.ENDED, offset=self._offset(track), bends=self._bends(track))

    def _bends(self, track: Track) -> tuple[PitchBend, ...]:
        """Course of the pitch, a point every 46 ms, from just before it leaves the note's pitch to just after."""
        length = (track.end or track.onset) - track.onset
        points: list[PitchBend] = []
        for begin in range(0, length, _BEND_STEP_FRAMES):
            heard = sorted(
                d for d in track.deviations[begin : min(begin + _BEND_STEP_FRAMES, length)] if not math.isnan(d)
            )
            if heard:
                at = self._grid.sample_of(track.onset + min(begin + _BEND_STEP_FRAMES // 2, length))
                points.append(PitchBend(int(min(at, self._end)), round(heard[len(heard) // 2], 3)))
        bent = [index for index, point in enumerate(points) if abs(point.semitones) >= _LEAST_BEND_SEMITONES]
        return tuple(points[max(0, bent[0] - 1) : bent[-1] + 2]) if bent else ()
