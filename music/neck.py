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
    """Ways to place the notes of chords that have equally many: one row a way, one column a note; in span, on distinct
    strings. Many chords at once take hardly longer than one.

    Attributes:
        strings, frets: i64[ways, notes]; 0 and 0 for a note that sounds nowhere.
        lowest, highest: i64[ways], of the fretted notes; 99 and 0 where all strings are open.
        owner: i64[ways], ascending: which chord.
    """

    strings: Ints
    frets: Ints
    lowest: Ints
    highest: Ints
    owner: Ints

    @classmethod
    def of_nothing(cls, chords: int = 1) -> Self:
        """The one way to place no notes, for each of so many chords."""
        none = np.zeros((chords, 0), np.int64)
        return cls(none, none, np.full(chords, 99), np.zeros(chords, np.int64), np.arange(chords))

    def __len__(self) -> int:
        return len(self.strings)

    def columns(self) -> tuple[Ints, Ints, Ints, Ints, Ints]:
        return self.strings, self.frets, self.lowest, self.highest, self.owner

    def only(self, rows: NDArray[np.bool_]) -> Self:
        """Those for which `rows`, bool[ways], holds."""
        return self if rows.all() else type(self)(*(part[rows] for part in self.columns()))

    def playable(self) -> Self:
        """Those that four fingers can hold."""
        return self.only(self.fingers() <= MAX_FINGERS)

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

    def beside(self, frets_on: Ints) -> Self:
        """Every way with every place of one more note, where the hand still spans it.

        A tuning of eight equal strings has 8! ways to hold eight equal notes; only so many are kept at every step.

        Args:
            frets_on: i64[chords, strings], of each chord's next note on every string; −1 where it is not to be had.
        """
        fret = frets_on[self.owner]
        lowest = np.minimum(self.lowest[:, None], np.where(fret > 0, fret, 99))
        highest = np.maximum(self.highest[:, None], fret)
        taken = (1 << self.strings).sum(axis=1)
        fits = (fret >= 0) & ((taken[:, None] >> np.arange(1, fret.shape[1] + 1)) & 1 == 0)
        fits &= highest - lowest <= np.where(lowest < _HIGH_FRET, 4, 5)
        row, string = np.nonzero(fits)
        owner = self.owner[row]
        if len(row) > _MOST_TRIED:
            counts = np.bincount(owner)
            kept = np.arange(len(row)) - np.repeat(counts.cumsum() - counts, counts) < _MOST_TRIED
            row, string, owner = row[kept], string[kept], owner[kept]
        return type(self)(
            np.concatenate([self.strings[row], string[:, None] + 1], 1),
            np.concatenate([self.frets[row], fret[row, string][:, None]], 1),
            lowest[row, string],
            highest[row, string],
            owner,
        )

    def and_nothing(self, count: int) -> Self:
        """The same with so many more notes that sound nowhere."""
        nowhere = np.zeros((len(self), count), np.int64)
        strings, frets = (np.concatenate([part, nowhere], 1) for part in (self.strings, self.frets))
        return type(self)(strings, frets, self.lowest, self.highest, self.owner)


def placements(pitches: Sequence[int], instrument: Instrument) -> Placements:
    """Playable choices of one position for each pitch, in a fixed order: all of them on any real instrument."""
    found = Placements.of_nothing()
    for pitch in pitches:
        found = found.beside(frets_of(pitch, instrument)[None])
    # Fingers are counted at the end only: a note that comes later may turn the others into a barre.
    return found.playable()


def frets_of(pitch: int, instrument: Instrument) -> Ints:
    """i64[strings], the fret of a pitch on each string; −1 where it is not to be had."""
    frets = np.full(instrument.string_count, -1)
    for place in instrument.positions_of(pitch):
        frets[place.string - 1] = place.fret
    return frets


def within(found: Placements, reach: Reach) -> Placements:
    """The ways a player likes."""
    return found.only(liked(found, reach))


def liked(found: Placements, reach: Reach) -> NDArray[np.bool_]:
    """Whether a player likes each way: bool[ways]."""
    lowest, highest = np.minimum(found.lowest, found.highest), found.highest
    likes: NDArray[np.bool_] = highest - lowest <= reach.most_span
    likes &= (lowest >= reach.lowest_fret) & (highest <= reach.highest_fret)
    likes |= highest == 0
    return likes


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
