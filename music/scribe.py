"""From activations to the notes of the session's log: the whole pure pipeline behind the network."""

from __future__ import annotations

import math
import sys
from collections import Counter
from dataclasses import dataclass, replace

from music.activations import Activations, FrameGrid, join
from music.arranging import LiveArranger
from music.audio import SAMPLE_RATE_HZ
from music.events import NoteRevised
from music.note import Note, NoteState, PitchBend
from music.note_names import NoteNames, stretch_end
from music.note_tracking import NoteTracker, Step, Track, TrackState
from music.preferences import DEFAULT_PREFERENCES, Preferences
from music.stability import AS_CONFIDENT, StabilityCurve, stability
from music.techniques import Sounded, TechniqueReader
from music.tracking_rules import OnsetKind, TrackingRules
from music.tuning import Instrument

LOOKAHEAD_SAMPLES = SAMPLE_RATE_HZ * 100 // 1000
"""How much of what follows a group is heard before its place on the neck is settled."""

_SAME_ONSET_FRAMES = 5
_SURER = 0.2
_LEAST_BEND_SEMITONES = 0.2
_BEND_STEP_FRAMES = 4


@dataclass(slots=True)
class _Entry:
    """A settled track on its way through the log: its name once it is confirmed, its revision once it is committed."""

    track: Track
    name: str = ""
    committed: Note | None = None


@dataclass(frozen=True, slots=True)
class _Shown:
    """A tentative note as it was last told, the frame of its onset, and the one it was named after."""

    note: Note
    onset: int
    first_onset: int


class Scribe:
    """Writes down one session.

    Every COMMITTED and ENDED note is decided at a frame that depends on the settled activations alone, so the settled
    notes, their ids and their order do not depend on how the activations were cut into pieces, nor on what was
    previewed. TENTATIVE notes come from previews: the tracker's rules tried on activations that may still change. Under
    the name they are foretold they are committed later, or retracted.

    Args:
        instrument: what is played.
        grid: where the transcriber's frames lie.
        rules: how its activations become notes.
        curve: how stable tentative notes are.
        preferences: whose hand the notes are arranged for.
        techniques: reads how notes are played; a new one unless given.

    Attributes:
        processed_until: the watermark, a sample index: every note with an earlier onset is COMMITTED or ENDED.
    """

    def __init__(
        self,
        instrument: Instrument,
        grid: FrameGrid,
        rules: TrackingRules | None = None,
        curve: StabilityCurve = AS_CONFIDENT,
        preferences: Preferences = DEFAULT_PREFERENCES,
        techniques: TechniqueReader | None = None,
    ) -> None:
        self.processed_until = 0
        self._instrument = instrument
        self._grid = grid
        self._rules = rules or TrackingRules()
        self._curve = curve
        self._tracker = NoteTracker(
            instrument.lowest_pitch, instrument.highest_pitch, self._rules, instrument.string_count
        )
        self._arranger = LiveArranger(instrument, LOOKAHEAD_SAMPLES, preferences)
        self._techniques = techniques or TechniqueReader(
            grid.hop / SAMPLE_RATE_HZ, is_judged=self._rules.onsets is not OnsetKind.PEAKS
        )
        self._names = NoteNames()
        self._entries: dict[int, _Entry] = {}
        self._by_name: dict[str, _Entry] = {}
        self._shown: dict[str, _Shown] = {}
        self._frontier = 0
        self._end = math.inf

    def advance(self, activations: Activations) -> list[NoteRevised]:
        """The revisions that settled `activations`, which abut those before, bring, in order."""
        revised: list[Note] = []
        for step in self._tracker.advance(activations):
            revised += self._take(step)
        self._names.close(self._frontier)
        revised += self._withdraw()
        return [NoteRevised(note) for note in revised]

    def preview(self, activations: Activations) -> list[NoteRevised]:
        """What changes about the TENTATIVE notes by provisional `activations` of the frames after the settled ones.

        Nothing is retracted here: what is no longer heard may be heard again, and what is settled decides.
        """
        tracks = self._foreseen(activations)
        foretold: Counter[tuple[int, int]] = Counter()
        claimed: set[str] = set()
        revised: list[Note] = []
        for track in tracks:
            entry = self._entries.get(track.number)
            name = entry.name if entry is not None else ""
            cell = (track.pitch, stretch_end(track.onset))
            if not name:
                name = self._shown_near(track, claimed)
                name = name or self._names.foretell(track.pitch, track.onset, foretold[cell])
                foretold[cell] += 1
            is_sure = entry is not None and bool(entry.name)
            if name in claimed or not (is_sure or name in self._shown or self._may_show(track)):
                continue
            claimed.add(name)
            revised += self._show(name, track, activations.end_frame, is_sure=is_sure)
        return [NoteRevised(note) for note in revised]

    def finish(self, duration: int) -> list[NoteRevised]:
        """The last revisions: every note is ENDED or RETRACTED after them, no later than `duration` (samples)."""
        self._end = duration
        revised: list[Note] = []
        for step in self._tracker.finish():
            revised += self._take(step)
        revised += self._settled(self._arranger.finish(self._offsets()))
        revised += self._techniques.release(None)
        self.processed_until = max(self.processed_until, duration)
        self._frontier = sys.maxsize
        revised += self._withdraw()
        return [NoteRevised(note) for note in revised]

    def _take(self, step: Step) -> list[Note]:
        revised: list[Note] = []
        for track in step.changed:
            revised += self._change(track)
        self._frontier = step.frontier
        known_until = self._grid.sample_of(step.frontier - self._tracker.onset_spread)
        revised += self._settled(self._arranger.advance(known_until, self._offsets()))
        open_onset = self._arranger.first_unsettled
        watermark = known_until if open_onset is None else min(known_until, open_onset)
        self.processed_until = max(self.processed_until, watermark)
        return revised + self._techniques.release(self.processed_until)

    def _change(self, track: Track) -> list[Note]:
        match track.state:
            case TrackState.BORN:
                self._entries[track.number] = _Entry(track)
            case TrackState.CONFIRMED:
                entry = self._entries[track.number]
                entry.name = self._names.give(track.pitch, track.onset)
                self._by_name[entry.name] = entry
                self._arranger.add(self._note(entry.name, track, NoteState.TENTATIVE))
            case TrackState.DROPPED:
                del self._entries[track.number]
            case TrackState.ENDED:
                entry = self._entries[track.number]
                if entry.committed is not None:
                    self._close(entry.committed, entry)
        return []

    def _settled(self, placed: list[Note]) -> list[Note]:
        revised = []
        for note in placed:
            entry = self._by_name[note.id]
            if self._is_blip(entry.track):
                revised += self._refused(entry)
                continue
            entry.committed = replace(note, state=NoteState.COMMITTED, stability=1.0, offset=None)
            self._shown.pop(note.id, None)
            revised.append(entry.committed)
            self._techniques.settle(Sounded(entry.committed, entry.track.deviations))
            if entry.track.state is TrackState.ENDED:
                self._close(entry.committed, entry)
        return revised

    def _is_blip(self, track: Track) -> bool:
        """Whether a note that is about to be settled has faded too soon for one of its confidence."""
        fades = track.faded and (track.end or 0) - track.onset < self._rules.brief
        return fades and track.confidence < self._rules.brief_probability

    def _refused(self, entry: _Entry) -> list[Note]:
        del self._by_name[entry.name]
        del self._entries[entry.track.number]
        shown = self._shown.pop(entry.name, None)
        return [] if shown is None else [replace(shown.note, state=NoteState.RETRACTED, stability=0.0)]

    def _foreseen(self, activations: Activations) -> list[Track]:
        """The tracks, by onset and pitch, that are not committed and would be there if `activations` were settled."""
        tracker = self._tracker.fork()
        if self._rules.show_newest:
            activations = join([activations, activations.silence(activations.end_frame, 1)])
        ended: list[Track] = []
        for step in tracker.advance(activations):
            ended += [track for track in step.changed if track.state is TrackState.ENDED]
        tracks = sorted([*ended, *tracker.tracks], key=lambda track: (track.onset, track.pitch))
        entries = ((track, self._entries.get(track.number)) for track in tracks)
        return [track for track, entry in entries if entry is None or entry.committed is None]

    def _may_show(self, track: Track) -> bool:
        """Whether to show a note for the first time, as it stands if the provisional activations hold."""
        is_decided = track.state is not TrackState.BORN
        least = self._rules.show_decided_probability if is_decided else self._rules.show_probability
        return track.confidence >= least

    def _shown_near(self, track: Track, claimed: set[str]) -> str:
        """The tentative note that this one is, a little moved; "" if there is none."""
        near = [
            (abs(shown.onset - track.onset), name)
            for name, shown in self._shown.items()
            if shown.note.pitch == track.pitch and name not in claimed and name not in self._by_name
        ]
        distance, name = min(near, default=(math.inf, ""))
        return name if distance <= _SAME_ONSET_FRAMES else ""

    def _show(self, name: str, track: Track, known_until: int, *, is_sure: bool) -> list[Note]:
        """A note's tentative revision, if it is new, has moved or is much surer."""
        shown = self._shown.get(name)
        likely = 1.0 if is_sure else stability(track.confidence, known_until - track.onset, self._curve)
        note = replace(self._note(name, track, NoteState.TENTATIVE), stability=likely)
        if note.onset < self.processed_until:
            return []
        if shown is not None and shown.onset == track.onset and abs(shown.note.stability - note.stability) < _SURER:
            return []
        self._shown[name] = _Shown(note, track.onset, track.onset if shown is None else shown.first_onset)
        return [note]

    def _withdraw(self) -> list[Note]:
        """Tentative notes whose name nothing can get any more."""
        gone = [
            name
            for name, shown in self._shown.items()
            if name not in self._by_name and stretch_end(shown.first_onset) <= self._frontier
        ]
        return [replace(self._shown.pop(name).note, state=NoteState.RETRACTED, stability=0.0) for name in gone]

    def _offsets(self) -> dict[str, int | None]:
        return {name: self._offset(entry.track) for name, entry in self._by_name.items() if entry.track.end is not None}

    def _offset(self, track: Track) -> int:
        """A note's end: past its onset, not past the end of the signal."""
        onset = self._grid.sample_of(track.onset + track.shift)
        end = onset if track.end is None else max(onset + self._grid.hop, self._grid.sample_of(track.end))
        return int(min(end, self._end))

    def _note(self, name: str, track: Track, state: NoteState) -> Note:
        return Note(
            id=name,
            state=state,
            onset=self._grid.sample_of(track.onset + track.shift),
            pitch=track.pitch,
            velocity=track.level if track.velocity is None else track.velocity,
            confidence=track.confidence,
            stability=1.0,
            string_evidence=self._string_evidence(track),
        )

    def _string_evidence(self, track: Track) -> tuple[float, ...]:
        """What was heard of the note's string, over those that can play it."""
        strings = {position.string for position in self._instrument.positions_of(track.pitch)}
        heard = [
            share if string in strings else 0.0
            for string, share in enumerate(track.strings[: self._instrument.string_count], start=1)
        ]
        total = sum(heard)
        return tuple(round(share / total, 3) for share in heard) if total > 0 else ()

    def _close(self, note: Note, entry: _Entry) -> None:
        """A note's last revision, which is told when it is known what the note leads to."""
        del self._by_name[entry.name]
        del self._entries[entry.track.number]
        track = entry.track
        ended = replace(note, state=NoteState.ENDED, offset=self._offset(track), bends=self._bends(track))
        length = max(1, int((track.end or track.onset) - track.onset))
        self._techniques.end(Sounded(ended, track.deviations[:length]))

    def _bends(self, track: Track) -> tuple[PitchBend, ...]:
        """Course of the pitch, a point every 46 ms, from just before it leaves the note's pitch to just after."""
        length = int((track.end or track.onset) - track.onset)
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
