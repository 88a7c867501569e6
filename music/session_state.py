"""`session = fold(events)`: the one reducer.

Its twin is web_edge/ui/src/lib/session-state.ts; both are tested on tests/vectors.
"""

from __future__ import annotations

from collections.abc import Iterable

from music.beats import NO_LOCK, Bar, BarState, RhythmLock
from music.events import (
    BarsRevised,
    CadenceChanged,
    GapFound,
    HarmonyRevised,
    NoteRevised,
    Payload,
    Progressed,
    RhythmLocked,
    SeparationChosen,
    SessionEnded,
    SessionEvent,
    SessionFailed,
    SessionStarted,
    SnapshotTaken,
    is_durable,
)
from music.harmony import ChordSpan, KeySpan
from music.note import SETTLED, Note, NoteState


class SessionState:
    """A session as its events have told so far. Applying an event twice, or an old one, changes nothing.

    Attributes:
        sequence: of the last event applied.
        durable_sequence: of the last durable event applied.
        processed_until: the watermark, a sample index.
        separation: what is heard, as it was told last.
        cadence: samples between two looks for tentative notes, 0 for none; None until it is told.
        notes: the latest revision of every note that is not retracted, by id.
        bars, chords: the committed ones, in order; tentative_bars, tentative_chords: what comes after them for now.
        keys: all so far.
        rhythm_locks: what a person has decided about the bars, in order.
    """

    def __init__(self) -> None:
        self.session_id = ""
        self.sequence = 0
        self.durable_sequence = 0
        self.attempt = 0
        self.processed_until = 0
        self.received_until = 0
        self.duration: int | None = None
        self.cadence: int | None = None
        self.started: SessionStarted | None = None
        self.separation: SeparationChosen | None = None
        self.notes: dict[str, Note] = {}
        self.gaps: list[GapFound] = []
        self.ended: SessionEnded | None = None
        self.failed: SessionFailed | None = None
        self.bars: list[Bar] = []
        self.tentative_bars: list[Bar] = []
        self.chords: list[ChordSpan] = []
        self.tentative_chords: list[ChordSpan] = []
        self.keys: list[KeySpan] = []
        self.rhythm_locks: list[RhythmLocked] = []
        self._tentative: dict[str, int] = {}  # onsets by id; few, while the notes are many

    @property
    def is_over(self) -> bool:
        return self.ended is not None or self.failed is not None

    @property
    def lock(self) -> RhythmLock:
        """What holds of the bars."""
        return self.rhythm_locks[-1].lock if self.rhythm_locks else NO_LOCK

    @property
    def lock_revision(self) -> int:
        """Of the lock that holds; 0 for none."""
        return self.rhythm_locks[-1].revision if self.rhythm_locks else 0

    def has_missed(self, event: SessionEvent) -> bool:
        """Whether a durable event before `event` never arrived: the reader must `rewind` and resume."""
        return (
            event.sequence > self.sequence
            and is_durable(event.payload)
            and event.previous_durable_sequence != self.durable_sequence
        )

    def rewind(self) -> None:
        """Forget everything after the last durable event. Tentative events may have carried `sequence` past a durable
        one that was lost; without this its second delivery would be taken for an old event.
        """
        self.sequence = self.durable_sequence
        self._drop_tentative()
        self._drop_tentative_music()

    def apply(self, event: SessionEvent) -> None:
        """Fold one event in."""
        if isinstance(event.payload, SnapshotTaken):
            self._replace(event, event.payload)
            return
        if event.sequence <= self.sequence:
            return
        self.session_id = event.session_id
        self.sequence = event.sequence
        self.attempt = max(self.attempt, event.attempt)
        if is_durable(event.payload):
            self.durable_sequence = event.sequence
        self._apply_payload(event.payload)
        self._raise_watermark(event.processed_until)

    def _apply_payload(self, payload: Payload) -> None:
        match payload:
            case SessionStarted() as started:
                self.started = started
                self._drop_tentative()
                self._drop_tentative_music()
            case NoteRevised(note):
                self._revise(note)
            case Progressed(received_until, duration):
                self.received_until = max(self.received_until, received_until)
                self.duration = self.duration if duration is None else duration
            case CadenceChanged(cadence):
                self.cadence = cadence
            case BarsRevised() | HarmonyRevised() | RhythmLocked():
                self._revise_music(payload)
            case SeparationChosen() as chosen:
                self.separation = chosen
            case GapFound() as gap:
                self._add_gap(gap)
            case SessionEnded() as ended:
                self.ended = ended
                self._close(ended.duration)
            case SessionFailed() as failed:
                self.failed = failed
                self._close(failed.duration)

    def snapshot(self) -> SnapshotTaken:
        """The durable part of the state."""
        return SnapshotTaken(
            sequence=self.durable_sequence,
            attempt=self.attempt,
            processed_until=self.processed_until,
            started=self.started,
            notes=tuple(note for note in self.sorted_notes() if note.state in SETTLED),
            gaps=tuple(self.gaps),
            ended=self.ended,
            failed=self.failed,
            bars=tuple(self.bars),
            chords=tuple(self.chords),
            keys=tuple(self.keys),
            separation=self.separation,
            rhythm_locks=tuple(self.rhythm_locks),
        )

    def sorted_notes(self) -> list[Note]:
        """Notes by onset, then pitch, then id."""
        return sorted(self.notes.values(), key=by_onset)

    def _revise(self, note: Note) -> None:
        known = self.notes.get(note.id)
        if known is not None and known.state is NoteState.ENDED:
            return
        if known is not None and known.state is NoteState.COMMITTED and note.state not in SETTLED:
            return
        self._tentative.pop(note.id, None)
        late = note.state is NoteState.TENTATIVE and note.onset < self.processed_until
        if late or note.state is NoteState.RETRACTED:
            self.notes.pop(note.id, None)
            return
        self.notes[note.id] = note
        if note.state is NoteState.TENTATIVE:
            self._tentative[note.id] = note.onset

    def _add_gap(self, gap: GapFound) -> None:
        if gap not in self.gaps:
            self.gaps.append(gap)

    def _revise_music(self, revised: BarsRevised | HarmonyRevised | RhythmLocked) -> None:
        match revised:
            case RhythmLocked() as locked:
                self._lock_rhythm(locked)
            case BarsRevised(bars, state, revision):
                # A later attempt tells the bars of before a lock again too.
                if revision == self.lock_revision:
                    self._revise_bars(bars, state)
            case HarmonyRevised() as harmony:
                self._revise_harmony(harmony)

    def _lock_rhythm(self, locked: RhythmLocked) -> None:
        if locked.revision <= self.lock_revision:
            return
        self.rhythm_locks.append(locked)
        self.bars = [bar for bar in self.bars if 0 < bar.end <= locked.start]
        self.tentative_bars = []

    def _revise_bars(self, bars: Iterable[Bar], state: BarState) -> None:
        for bar in bars if state is BarState.COMMITTED else ():
            # A later attempt tells the same bars again.
            if not self.bars or bar.number > self.bars[-1].number:
                self.bars.append(bar)
        after = self.bars[-1].number if self.bars else -1
        rest = bars if state is BarState.TENTATIVE else self.tentative_bars
        self.tentative_bars = [bar for bar in rest if bar.number > after]

    def _revise_harmony(self, harmony: HarmonyRevised) -> None:
        for chord in harmony.chords if harmony.state is BarState.COMMITTED else ():
            if not self.chords or chord.start >= self.chords[-1].end:
                self.chords.append(chord)
        after = self.chords[-1].end if self.chords else 0
        rest = harmony.chords if harmony.state is BarState.TENTATIVE else self.tentative_chords
        self.tentative_chords = [chord for chord in rest if chord.start >= after]
        if harmony.keys:
            self.keys = list(harmony.keys)

    def _raise_watermark(self, processed_until: int) -> None:
        if processed_until <= self.processed_until:
            return
        self.processed_until = processed_until
        # A retraction may have expired unread; the watermark says the same thing and never expires.
        self._drop_tentative(before=processed_until)

    def _drop_tentative(self, before: int | None = None) -> None:
        for note_id, onset in list(self._tentative.items()):
            if before is None or onset < before:
                del self._tentative[note_id]
                self.notes.pop(note_id, None)

    def _close(self, duration: int) -> None:
        self.duration = duration
        self._drop_tentative()
        self._drop_tentative_music()

    def _drop_tentative_music(self) -> None:
        self.tentative_bars = []
        self.tentative_chords = []

    def _replace(self, event: SessionEvent, snapshot: SnapshotTaken) -> None:
        if snapshot.sequence <= self.sequence:
            return
        self.session_id = event.session_id
        self.sequence = snapshot.sequence
        self.durable_sequence = snapshot.sequence
        self.attempt = snapshot.attempt
        self.processed_until = max(self.processed_until, snapshot.processed_until)
        self.started = snapshot.started
        self.notes = {note.id: note for note in snapshot.notes}
        self._tentative.clear()
        self.gaps = list(snapshot.gaps)
        self.bars, self.chords, self.keys = list(snapshot.bars), list(snapshot.chords), list(snapshot.keys)
        self.rhythm_locks = list(snapshot.rhythm_locks)
        self._drop_tentative_music()
        self.ended = snapshot.ended
        self.failed = snapshot.failed
        self.separation = snapshot.separation
        over = snapshot.ended or snapshot.failed
        if over is not None:
            self.duration = over.duration
            self.received_until = max(self.received_until, over.duration)


def by_onset(note: Note) -> tuple[int, int, str]:
    """The key of a session's order of notes: by onset, then pitch, then id."""
    return note.onset, note.pitch, note.id


def fold(events: Iterable[SessionEvent]) -> SessionState:
    """The state after `events`, in order."""
    state = SessionState()
    for event in events:
        state.apply(event)
    return state
