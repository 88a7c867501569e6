"""What is told of bars, chords and keys while a session runs: committed notes in, events out."""

from __future__ import annotations

from music.beats import NO_LOCK, BarState, RhythmLock
from music.beats_live import STEP, LiveBars, Told
from music.beats_onsets import TOGETHER
from music.events import BarsRevised, HarmonyRevised
from music.harmony_live import HarmonyTold, LiveHarmony
from music.note import Note

Revision = BarsRevised | HarmonyRevised


class LiveMusic:
    """One session's bars and harmony, a function of its committed notes.

    Args:
        lock: what a person has decided of the bars.
    """

    def __init__(self, lock: RhythmLock = NO_LOCK) -> None:
        self._bars = LiveBars(lock)
        self._harmony = LiveHarmony()
        self._waiting: list[Note] = []
        self._now = 0

    def add(self, note: Note) -> None:
        """A committed note, not before the watermark."""
        self._bars.add(note)
        self._waiting.append(note)

    def is_due(self, watermark: int) -> bool:
        """Whether `advance` would have anything to do."""
        return self._now + STEP <= watermark

    def advance(self, watermark: int) -> list[Revision]:
        """What changes at the steps that lie before the watermark."""
        revised: list[Revision] = []
        while self.is_due(watermark):
            self._now += STEP
            for told in self._bars.advance(self._now):
                revised += _of_bars(told)
            revised += _of_harmony(self._listen(self._now - TOGETHER, last=False))
        return revised

    def finish(self, duration: int) -> list[Revision]:
        """All notes are there; everything is committed."""
        told = self._bars.finish(duration)
        return [*_of_bars(told), *_of_harmony(self._listen(duration, last=True))]

    def _listen(self, until: int, *, last: bool) -> HarmonyTold:
        for note in self._waiting:
            if note.onset < until or last:
                self._harmony.add(note)
        self._waiting = [note for note in self._waiting if note.onset >= until and not last]
        return self._harmony.step(until, self._bars.known, last=last)


def _of_bars(told: Told) -> list[Revision]:
    revised: list[Revision] = []
    if told.committed:
        revised.append(BarsRevised(told.committed, BarState.COMMITTED))
    if told.tentative is not None:
        revised.append(BarsRevised(told.tentative, BarState.TENTATIVE))
    return revised


def _of_harmony(told: HarmonyTold) -> list[Revision]:
    revised: list[Revision] = []
    if told.committed or told.keys:
        revised.append(HarmonyRevised(told.committed, told.keys or (), BarState.COMMITTED))
    if told.tentative is not None:
        revised.append(HarmonyRevised(told.tentative, (), BarState.TENTATIVE))
    return revised
