"""What one hand can hold: the shapes in which notes that sound together lie on the neck.

Playable means, as in docs and benchmarks: one note a string, at most four fingers where a barre counts one, and a span
of at most 4 frets below fret 7 and 5 above. Frets are counted from the capo, as positions are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from music.tuning import Instrument, Position

MAX_FINGERS = 4
_HIGH_FRET = 7
# Four fingers on neighbouring frets reach three frets up without stretching.
RELAXED_SPAN = 3
_MOST_TRIED = 4096

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Reach:
    """What a player allows the hand.

    Attributes:
        most_span: frets between the lowest and the highest finger, at most what is playable at all.
        lowest_fret, highest_fret: where fingers go as long as the notes can be had there; open strings always may.
    """

    most_span: int = 5
    lowest_fret: int = 1
    highest_fret: int = 36


ANYWHERE = Reach()


def span_limit(lowest_fret: int) -> int:
    """Frets the hand can span when its lowest finger is on `lowest_fret`."""
    return 4 if lowest_fret < _HIGH_FRET else 5


def finger_count(positions: Sequence[Position]) -> int:
    """Fingers needed; the index finger bars the notes of the lowest fret if no open string lies between them."""
    fretted = [position for position in positions if position.fret > 0]
    if not fretted:
        return 0
    lowest = min(position.fret for position in fretted)
    barred = [position.string for position in fretted if position.fret == lowest]
    inside = range(min(barred), max(barred) + 1)
    if any(position.fret == 0 and position.string in inside for position in positions):
        return len(fretted)
    return len(fretted) - len(barred) + 1


def is_playable(positions: Sequence[Position]) -> bool:
    """Whether one hand can hold these positions at once."""
    if len({position.string for position in positions}) < len(positions):
        return False
    frets = [position.fret for position in positions if position.fret > 0]
    if frets and max(frets) - min(frets) > span_limit(min(frets)):
        return False
    return finger_count(positions) <= MAX_FINGERS


@dataclass(frozen=True, eq=False, slots=True)
class Placements:
    """Ways to place some notes: one row a way, one column a note; in span, on distinct strings.

    Attributes:
        strings, frets: i64[ways, notes].
        lowest, highest: i64[ways], of the fretted notes; 99 and 0 where all strings are open.
    """

    strings: Ints
    frets: Ints
    lowest: Ints
    highest: Ints

    def __len__(self) -> int:
        return len(self.strings)

    def columns(self) -> tuple[Ints, Ints, Ints, Ints]:
        return self.strings, self.frets, self.lowest, self.highest

    def playable(self) -> Self:
        """Those that four fingers can hold."""
        rows = self.fingers() <= MAX_FINGERS
        return self if rows.all() else type(self)(*(part[rows] for part in self.columns()))

    def fingers(self) -> Ints:
        """As `finger_count`, of every way: i64[ways]."""
        pressed = self.frets > 0
        barred = pressed & (self.frets == self.lowest[:, None])
        first = np.where(barred, self.strings, 99).min(axis=1, initial=99)
        last = np.where(barred, self.strings, 0).max(axis=1, initial=0)
        between = ~pressed & (self.strings >= first[:, None]) & (self.strings <= last[:, None])
        saved = np.where(between.any(axis=1), 0, np.maximum(0, barred.sum(axis=1) - 1))
        fingers: Ints = pressed.sum(axis=1) - saved
        return fingers

    def beside(self, strings: Ints, frets: Ints) -> Self:
        """Every way with every place of one more note, where the hand still spans it.

        A tuning of eight equal strings has 8! ways to hold eight equal notes; only so many are kept at every step.
        """
        lowest = np.where(frets > 0, np.minimum(self.lowest[:, None], frets), self.lowest[:, None])
        highest = np.maximum(self.highest[:, None], frets)
        fits = highest - lowest <= np.where(lowest < _HIGH_FRET, 4, 5)
        fits &= (self.strings[:, :, None] != strings).all(axis=1)
        row, choice = (index[:_MOST_TRIED] for index in np.nonzero(fits))
        return type(self)(
            np.concatenate([self.strings[row], strings[choice, None]], 1),
            np.concatenate([self.frets[row], frets[choice, None]], 1),
            lowest[row, choice],
            highest[row, choice],
        )


NO_NOTES = Placements(np.zeros((1, 0), np.int64), np.zeros((1, 0), np.int64), np.full(1, 99), np.zeros(1, np.int64))


def placements(pitches: Sequence[int], instrument: Instrument) -> Placements:
    """Playable choices of one position for each pitch, in a fixed order: all of them on any real instrument."""
    found = NO_NOTES
    for pitch in pitches:
        found = found.beside(*places_of(pitch, instrument))
    # Fingers are counted at the end only: a note that comes later may turn the others into a barre.
    return found.playable()


def places_of(pitch: int, instrument: Instrument) -> tuple[Ints, Ints]:
    """Strings and frets of a pitch."""
    places = instrument.positions_of(pitch)
    return np.array([place.string for place in places], np.int64), np.array([place.fret for place in places], np.int64)


def within(found: Placements, reach: Reach) -> Placements:
    """The ways a player likes."""
    lowest, highest = np.minimum(found.lowest, found.highest), found.highest
    likes = (highest - lowest <= reach.most_span) & (lowest >= reach.lowest_fret) & (highest <= reach.highest_fret)
    rows = likes | (highest == 0)
    return found if rows.all() else Placements(*(part[rows] for part in found.columns()))


def hands(found: Placements, instrument: Instrument) -> tuple[Ints, Ints]:
    """Every place of the hand (fret of the index finger, ≥ 1) for every way: i64[states] rows of `found`, i64[states].

    Open strings alone leave the hand where it likes.
    """
    last = max(1, instrument.fret_count - instrument.capo)
    pressed = found.highest > 0
    first = np.where(pressed, np.maximum(1, np.minimum(found.lowest, found.highest - RELAXED_SPAN)), 1)
    count = np.where(pressed, found.lowest, last) - first + 1
    rows = np.repeat(np.arange(len(found)), count)
    begin = np.repeat(np.cumsum(count) - count, count)
    hand: Ints = np.arange(len(rows)) - begin + first[rows]
    return rows, hand
