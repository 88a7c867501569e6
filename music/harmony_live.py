"""Chords and the key while the music plays, from committed notes and the bars so far.

Asked at the fixed moments of `music.beats_live` and only about onsets, pitches and velocities as they were committed:
where notes end comes later and would make what is said depend on when one asks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from music.audio import SAMPLE_RATE_HZ
from music.beats import Bar
from music.harmony import NO_CHORD, NO_KEY, ChordSpan, KeySpan
from music.harmony_tracking import KEYS, find_chords, key_scores, segments_of, sounding
from music.harmony_weights import HARMONY
from music.note import Note

HORIZON = 4 * SAMPLE_RATE_HZ
_CONTEXT = 4 * SAMPLE_RATE_HZ
_LONGEST_OPEN = 16 * SAMPLE_RATE_HZ
_RINGS = round(0.6 * SAMPLE_RATE_HZ)
_KEY_BLOCK = 2 * SAMPLE_RATE_HZ


@dataclass(frozen=True, slots=True)
class HarmonyTold:
    """What a step changed: chords now committed, all after them, the keys so far; None where it is as before."""

    committed: tuple[ChordSpan, ...]
    tentative: tuple[ChordSpan, ...] | None
    keys: tuple[KeySpan, ...] | None


class LiveHarmony:
    """The harmony of one session."""

    def __init__(self) -> None:
        self._notes: list[Note] = []
        self._settled = 0
        self._chords_until = 0
        self._tentative: tuple[ChordSpan, ...] = ()
        self._keys = _LiveKeys()

    def add(self, note: Note) -> None:
        """A committed note, in any order, not before the last step."""
        self._notes.append(replace(note, offset=note.onset + _RINGS))

    def step(self, until: int, bars: Sequence[Bar], *, last: bool = False) -> HarmonyTold:
        """Say what is known at `until` (a sample index before which every note is settled)."""
        begin = max(0, self._chords_until - _CONTEXT)
        self._notes = [note for note in self._notes if note.onset >= begin - _CONTEXT]
        known = [note for note in self._notes if note.onset < until]
        near = [bar for bar in bars if bar.end > begin]
        chords = [span for span in self._chords(known, near, begin, until) if span.end > self._chords_until]
        settled: list[ChordSpan] = []
        horizon = 0 if last else HORIZON
        while chords and chords[0].end <= until - horizon and (last or len(chords) > 1):
            settled.append(chords.pop(0))
        if chords and not last and until - chords[0].start > _LONGEST_OPEN:
            cut = until - horizon
            settled.append(replace(chords[0], end=cut))
            chords[0] = replace(chords[0], start=cut)
        if settled:
            self._chords_until = settled[-1].end
        after = tuple(chords)
        changed = _differ(after, self._tentative)
        if changed:
            self._tentative = after
        return HarmonyTold(tuple(settled), after if changed else None, self._keys.step(known, until, last=last))

    def _chords(self, notes: Sequence[Note], bars: Sequence[Bar], begin: int, until: int) -> list[ChordSpan]:
        if until <= begin:
            return []
        spans = find_chords(sounding(notes, *segments_of(bars, begin, until)))
        clipped = [replace(span, start=max(span.start, self._chords_until)) for span in spans]
        return [span for span in clipped if span.end > span.start]


class _LiveKeys:
    """A forward filter over blocks of two seconds."""

    def __init__(self) -> None:
        self._until = 0
        self._belief: NDArray[np.float64] = np.full(24, 1 / 24)
        self._spans: list[KeySpan] = []
        self._told: tuple[tuple[int, str], ...] = ()

    def step(self, notes: Sequence[Note], until: int, *, last: bool) -> tuple[KeySpan, ...] | None:
        while self._until + (1 if last else _KEY_BLOCK) <= until:
            end = min(until, self._until + _KEY_BLOCK)
            heard = sounding([note for note in notes if self._until <= note.onset < end], (self._until, end), (True,))
            # A block is worth the four beats that it lasts.
            scores = key_scores(heard)[0] * 4
            self._belief = self._belief * (1 - HARMONY.modulation * 4) + HARMONY.modulation * 4 / 24
            self._belief = self._belief * np.exp(scores - scores.max())
            self._belief /= self._belief.sum()
            self._note_key(self._until, end)
            self._until = end
        shown = tuple((span.start, span.key) for span in self._spans)
        if shown == self._told:
            return None
        self._told = shown
        return tuple(self._spans)

    def _note_key(self, begin: int, end: int) -> None:
        sure = float(self._belief.max())
        key = KEYS[int(self._belief.argmax())] if sure > HARMONY.least_key else NO_KEY
        if not self._spans and key == NO_KEY:
            return
        if self._spans and key in (self._spans[-1].key, NO_KEY):
            self._spans[-1] = replace(self._spans[-1], end=end, confidence=round(sure, 3))
        elif self._spans and self._spans[-1].end - self._spans[-1].start <= 8 * SAMPLE_RATE_HZ:
            # What was believed for a moment at first was not a key.
            self._spans[-1] = KeySpan(self._spans[-1].start, end, key, round(sure, 3))
        else:
            self._spans.append(KeySpan(begin if self._spans else 0, end, key, round(sure, 3)))


def _differ(spans: Sequence[ChordSpan], others: Sequence[ChordSpan]) -> bool:
    shown, before = ([(s.start, s.symbol) for s in row if s.symbol != NO_CHORD] for row in (spans, others))
    return shown != before
