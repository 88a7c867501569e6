"""What is told of bars, chords and keys while a session runs: committed notes in, events out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from music.audio import SAMPLE_RATE_HZ
from music.beats import NO_LOCK, Bar, BarState, RhythmLock
from music.beats_live import STEP, WINDOW, LiveBars, Told
from music.beats_onsets import TOGETHER
from music.events import BarsRevised, HarmonyRevised, RhythmLocked
from music.harmony_live import HarmonyTold, LiveHarmony
from music.note import Note
from music.rhythm_locks import LockRequest, LockRequests

Revision = BarsRevised | HarmonyRevised | RhythmLocked

REACH = 300 * SAMPLE_RATE_HZ
"""How far back bars are drawn anew when a person decides about them: most songs from their beginning on. A session may
last for days, and its notes wait while this is done."""


_SPARE = 30 * SAMPLE_RATE_HZ
"""Of notes before those within reach, for a bar that begins there."""


class LiveMusic:
    """One session's bars and harmony, a function of its committed notes and of what a person decides, and when.

    Args:
        held: what was decided in an earlier attempt at the session.
        step: samples between two looks, the same in every attempt at a session.
    """

    def __init__(self, held: Sequence[RhythmLocked] = (), step: int = STEP) -> None:
        self._step = step
        self._bars = LiveBars(step=step)
        self._harmony = LiveHarmony()
        self._waiting: list[Note] = []
        self._now = 0
        self._requests = LockRequests(held)
        self._lock = NO_LOCK
        self._revision = 0
        self._past = _Past()

    def add(self, note: Note) -> None:
        """A committed note, not before the watermark."""
        self._bars.add(note)
        self._waiting.append(note)
        self._past.add(note)

    def ask(self, request: LockRequest) -> None:
        """A person decides. Raises Overloaded: RHYTHM_LOCK_LIMIT."""
        self._requests.add(request)

    def is_due(self, watermark: int) -> bool:
        """Whether `advance` would have anything to do."""
        return self._now + self._step <= watermark or self._requests.is_due(self._now)

    def advance(self, watermark: int) -> list[Revision]:
        """What changes at the steps that lie before the watermark."""
        revised = self._take_requests()
        while self._now + self._step <= watermark:
            self._now += self._step
            self._past.trim(self._now)
            for told in self._bars.advance(self._now):
                revised += self._of_bars(told)
            revised += _of_harmony(self._listen(self._now - TOGETHER, last=False))
            revised += self._take_requests()
        return revised

    def finish(self, duration: int) -> list[Revision]:
        """All notes are there; everything is committed."""
        revised = self._take_requests(duration)
        told = self._bars.finish(duration)
        return [*revised, *self._of_bars(told), *_of_harmony(self._listen(duration, last=True))]

    def _take_requests(self, until: int = 0) -> list[Revision]:
        revised: list[Revision] = []
        for lock in self._requests.take(max(self._now, until)):
            if lock != self._lock:
                revised += self._draw_anew(lock)
        return revised

    def _draw_anew(self, lock: RhythmLock) -> list[Revision]:
        """All bars within reach, as if the lock had been known when they were played."""
        kept, notes = self._past.before(self._now)
        self._lock, self._revision = lock, self._revision + 1
        self._bars = LiveBars(lock, kept, self._step)
        for note in notes:
            self._bars.add(note)
        locked = RhythmLocked(lock, self._revision, self._now, kept[-1].end if kept else 0)
        self._past.forget_bars(locked.start)
        return [locked, *self._of_bars(self._bars.catch_up(self._now))]

    def _of_bars(self, told: Told) -> list[Revision]:
        revised: list[Revision] = []
        if told.committed:
            self._past.note_bars(told.committed)
            revised.append(BarsRevised(told.committed, BarState.COMMITTED, self._revision))
        if told.tentative is not None:
            revised.append(BarsRevised(told.tentative, BarState.TENTATIVE, self._revision))
        return revised

    def _listen(self, until: int, *, last: bool) -> HarmonyTold:
        for note in self._waiting:
            if note.onset < until or last:
                self._harmony.add(note)
        self._waiting = [note for note in self._waiting if note.onset >= until and not last]
        return self._harmony.step(until, self._bars.known, last=last)


def _of_harmony(told: HarmonyTold) -> list[Revision]:
    revised: list[Revision] = []
    if told.committed or told.keys:
        revised.append(HarmonyRevised(told.committed, told.keys or (), BarState.COMMITTED))
    if told.tentative is not None:
        revised.append(HarmonyRevised(told.tentative, (), BarState.TENTATIVE))
    return revised


class _Past:
    """What drawing bars anew takes: the notes within reach, the committed bars there, and some before those."""

    def __init__(self) -> None:
        self._notes: list[Note] = []
        self._bars: list[Bar] = []

    def add(self, note: Note) -> None:
        # Bars are made of onsets; what else a note says would only lie about.
        self._notes.append(replace(note, alternatives=(), string_evidence=()))

    def note_bars(self, bars: Sequence[Bar]) -> None:
        """Bars that are committed now."""
        self._bars += bars

    def trim(self, now: int) -> None:
        """Forget what will never be asked for again."""
        begin = now - REACH - _SPARE
        if self._notes and self._notes[0].onset < begin - _SPARE:
            self._notes = [note for note in self._notes if note.onset >= begin]
            first = next((index for index, bar in enumerate(self._bars) if bar.end > now - REACH), len(self._bars))
            del self._bars[: max(0, first - WINDOW)]

    def before(self, now: int) -> tuple[list[Bar], list[Note]]:
        """The bars that are out of reach by now, and the notes after them."""
        kept = [bar for bar in self._bars if bar.end <= now - REACH]
        begin = kept[-1].end - SAMPLE_RATE_HZ if kept else 0
        return kept, [note for note in self._notes if note.onset >= begin]

    def forget_bars(self, after: int) -> None:
        """Bars that are told anew."""
        self._bars = [bar for bar in self._bars if 0 < bar.end <= after]
