"""What the beat tracker hears: notes struck together are one onset.

An onset is final as soon as every note that could join it is settled, so the list is a function of the committed notes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from music.audio import SAMPLE_RATE_HZ
from music.note import Note

TOGETHER = round(0.045 * SAMPLE_RATE_HZ)
"""Notes this close to the first one are one stroke: a slow strum takes 40 ms, sixteenths at 200 bpm are 75 ms apart."""


@dataclass(frozen=True, slots=True)
class Onset:
    """One stroke.

    Attributes:
        time: sample index of its first note.
        strength: sum of its notes' velocities, each at least 0.05; a louder or fuller stroke has more.
        pitches: MIDI pitches, low to high.
    """

    time: int
    strength: float
    pitches: tuple[int, ...]

    @property
    def lowest(self) -> int:
        return self.pitches[0]

    @property
    def pitch_classes(self) -> frozenset[int]:
        return frozenset(pitch % 12 for pitch in self.pitches)


def onsets_of(notes: Iterable[Note]) -> list[Onset]:
    """The strokes of notes, in time."""
    gathered: list[list[Note]] = []
    for note in sorted(notes, key=lambda n: (n.onset, n.pitch, n.id)):
        if gathered and note.onset - gathered[-1][0].onset <= TOGETHER:
            gathered[-1].append(note)
        else:
            gathered.append([note])
    return [_onset(group) for group in gathered]


def _onset(group: list[Note]) -> Onset:
    strength = float(np.sum([max(note.velocity, 0.05) for note in group]))
    return Onset(group[0].onset, strength, tuple(sorted(note.pitch for note in group)))


def lasting(notes: Iterable[Note], onsets: Sequence[Onset]) -> list[int]:
    """Samples that the longest note of each stroke sounds; one second where nobody has heard it end."""
    times = np.asarray([onset.time for onset in onsets])
    held = [1] * len(onsets)
    for note in notes:
        at = int(np.searchsorted(times, note.onset, side="right")) - 1
        end = note.onset + SAMPLE_RATE_HZ if note.offset is None else note.offset
        held[at] = max(held[at], end - note.onset)
    return held


MARKS = ("strength", "fuller", "lower", "new", "bass_moves", "waited", "first")
_MEMORY = SAMPLE_RATE_HZ
_RECENT = 16


class Marker:
    """Describes onsets one after the other by what sets a beat or a downbeat apart; nothing later is asked for.

    The figures are `MARKS`: log strength and number of notes above the last ones' mean; octaves below their mean
    lowest note; share of pitch classes that did not sound within the last second; whether the lowest note is low and
    another than the last low one; log of the wait since the onset before, above the usual; whether none came before.
    """

    def __init__(self) -> None:
        self._levels: deque[float] = deque(maxlen=_RECENT)
        self._counts: deque[int] = deque(maxlen=_RECENT)
        self._lows: deque[int] = deque(maxlen=_RECENT)
        self._waits: deque[float] = deque(maxlen=_RECENT)
        self._heard: dict[int, int] = {}
        self._bass: int | None = None
        self._last: int | None = None

    def mark(self, onset: Onset) -> NDArray[np.float64]:
        """f64[len(MARKS)], each about −2 to 2."""
        level, count, low = float(np.log(onset.strength)), len(onset.pitches), onset.lowest
        figures = np.zeros(len(MARKS))
        if self._last is not None:
            figures[0] = np.clip(level - np.mean(self._levels), -1.5, 1.5)
            figures[1] = np.clip((count - np.mean(self._counts)) / 3, -1, 1)
            figures[2] = np.clip((np.mean(self._lows) - low) / 12, -1.5, 1.5)
            fresh = [p for p in onset.pitch_classes if onset.time - self._heard.get(p, -(10**12)) > _MEMORY]
            figures[3] = len(fresh) / len(onset.pitch_classes)
            is_low = low <= np.mean(self._lows) - 2
            figures[4] = float(is_low and self._bass is not None and self._bass != low)
            wait = np.log(max(onset.time - self._last, 1))
            figures[5] = np.clip(wait - np.mean(self._waits), -1.5, 1.5) if self._waits else 0.0
            self._waits.append(float(wait))
            if is_low:
                self._bass = low
        else:
            figures[6] = 1.0
        self._levels.append(level)
        self._counts.append(count)
        self._lows.append(low)
        self._last = onset.time
        for pitch in onset.pitch_classes:
            self._heard[pitch] = onset.time
        return figures
