"""The ways to hold what sounds when a group of notes begins: the group, and the notes before it that ring on.

So a bass that is held keeps its finger and its string while a melody moves above it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from music.hand_model import Floats, HandWeights, holding_figures
from music.neck import ANYWHERE, Ints, Placements, Reach, frets_of, hands, liked
from music.tuning import Instrument

MAX_STATES = 160
"""States kept of one group, the cheapest to hold."""
_MOST_REMEMBERED = 2048
_Asked = TypeVar("_Asked")
_TOGETHER = 32
"""Chords whose states are worked out at once: enough to be quick, few enough to be small."""

Pitches = tuple[int, ...]
Chord = tuple[Pitches, Pitches]
"""Pitches that begin together, and those that ring on, the newest first."""


@dataclass(frozen=True, eq=False, slots=True)
class States:
    """Ways to hold what sounds together, the notes that begin first: one row a state, one column a note.

    Attributes:
        strings: i64[s, notes], 0 for a note that is given up.
        hand: i64[s], fret of the index finger.
        middle: f64[s], mean string of the notes that begin.
        figures: f32[s, HOLDING], what was weighed.
        cost: f64[s], of holding.
        place: i64[s, notes that begin], each note's string in a row of all strings of one note after the other.
    """

    strings: Ints
    hand: Ints
    middle: Floats
    figures: NDArray[np.float32]
    cost: Floats
    place: Ints

    def __len__(self) -> int:
        return len(self.hand)

    def only(self, rows: NDArray[np.intp] | slice) -> Self:
        return type(self)(*(getattr(self, field.name)[rows] for field in fields(self)))


class Neck:
    """The states of chords on one instrument; remembers those it has seen."""

    def __init__(self, instrument: Instrument, weights: HandWeights, reach: Reach = ANYWHERE) -> None:
        self.instrument = instrument
        self.weights = weights
        self._reach = reach
        self._seen: dict[Chord, States] = {}
        self._can_hold: dict[Pitches, bool] = {}
        self._frets: dict[int, tuple[Ints, bool]] = {}

    def has(self, pitch: int) -> bool:
        """Whether there is a place for a pitch."""
        return self._on_string(pitch)[1]

    def can_hold(self, pitches: Pitches) -> bool:
        """Whether a hand can hold notes that begin together."""
        if len(pitches) == 1:
            return self.has(pitches[0])
        return self.look_at([pitches])[pitches]

    def look_at(self, chords: Iterable[Pitches]) -> dict[Pitches, bool]:
        """Which chords can be held: many are found out about in a fraction of the time that one by one would take."""
        asked = dict.fromkeys(chords)
        told = {chord: self._can_hold[chord] for chord in asked if chord in self._can_hold}
        new = [chord for chord in asked if chord not in told]
        for alike in _alike(new, len):
            if len(alike[0]) > self.instrument.string_count:
                told |= dict.fromkeys(alike, False)
                continue
            found = self._spanned(alike).playable()
            ways = np.bincount(found.owner, minlength=len(alike))
            told |= zip(alike, (ways > 0).tolist(), strict=True)
        if new:
            if len(self._can_hold) + len(new) > _MOST_REMEMBERED:
                self._can_hold.clear()
            self._can_hold |= told
        return told

    def states(self, chord: Chord) -> States:
        """All states, or the `MAX_STATES` cheapest, of notes that begin over notes that ring on.

        What rings on is held as well, or, where no hand can do that, its newest part; or all of it is given up.
        """
        return self.states_of([chord])[0]

    def states_of(self, chords: Sequence[Chord]) -> list[States]:
        """The states of many chords, which takes a fraction of the time of working them out one by one."""
        found = {chord: self._seen[chord] for chord in chords if chord in self._seen}
        new = [chord for chord in dict.fromkeys(chords) if chord not in found]
        if new:
            for alike in _alike(new, lambda chord: (len(chord[0]), len(chord[1]))):
                found |= zip(alike, self._work_out(alike), strict=True)
            if len(self._seen) + len(new) > _MOST_REMEMBERED:
                self._seen.clear()
            self._seen |= found
        return [found[chord] for chord in chords]

    def _work_out(self, chords: Sequence[Chord]) -> Iterator[States]:
        """Of chords in which equally many notes begin and equally many ring on."""
        found = self._placements(chords)
        rows, hand = hands(found, self.instrument)
        beginning = len(chords[0][0])
        figures = holding_figures(found, rows, hand, beginning)
        strings = found.strings[rows]
        place = strings[:, :beginning] - 1 + np.arange(beginning) * self.instrument.string_count
        middle = strings[:, :beginning].mean(axis=1)
        cost = figures @ self.weights.holding
        every = States(strings, hand, middle, figures.astype(np.float32), cost, place)
        ends = np.searchsorted(found.owner[rows], np.arange(len(chords) + 1)).tolist()
        for begin, end in pairwise(ends):
            states = every.only(slice(begin, end))
            if len(states) > MAX_STATES:
                states = states.only(np.argsort(states.cost, kind="stable")[:MAX_STATES])
            yield states

    def _placements(self, chords: Sequence[Chord]) -> Placements:
        held = len(chords[0][1])
        partial = [self._spanned([pitches for pitches, _ in chords])]
        for column in range(held):
            partial.append(partial[-1].beside(self._on_neck([ringing[column] for _, ringing in chords])))
        begun = partial[0].playable()
        likes = liked(begun, self._reach)
        can_like = np.bincount(begun.owner, likes, minlength=len(chords)) > 0
        found = [begun.only(likes | ~can_like[begun.owner]).and_nothing(held)]
        is_open = np.ones(len(chords), bool)
        for count in range(held, 0, -1):
            whole = partial[count].only(is_open[partial[count].owner]).playable()
            whole = whole.only(liked(whole, self._reach) | ~can_like[whole.owner])
            is_open[whole.owner] = False
            found.append(whole.and_nothing(held - count))
        return _by_owner(found)

    def _spanned(self, chords: Sequence[Pitches]) -> Placements:
        """Ways to place notes that begin, before fingers are counted."""
        found = Placements.of_nothing(len(chords))
        for column in range(len(chords[0])):
            found = found.beside(self._on_neck([pitches[column] for pitches in chords]))
        return found

    def _on_neck(self, pitches: Sequence[int]) -> Ints:
        return np.array([self._on_string(pitch)[0] for pitch in pitches])

    def _on_string(self, pitch: int) -> tuple[Ints, bool]:
        """A pitch's fret on each string, as `frets_of`, and whether it has any."""
        known = self._frets.get(pitch)
        if known is None:
            frets = frets_of(pitch, self.instrument)
            known = self._frets[pitch] = frets, bool((frets >= 0).any())
        return known


def _alike(asked: Iterable[_Asked], shape: Callable[[_Asked], Hashable]) -> Iterator[list[_Asked]]:
    """What has one shape together, no more than `_TOGETHER` at once."""
    by_shape: dict[Hashable, list[_Asked]] = {}
    for each in asked:
        by_shape.setdefault(shape(each), []).append(each)
    for alike in by_shape.values():
        for begin in range(0, len(alike), _TOGETHER):
            yield alike[begin : begin + _TOGETHER]


def _by_owner(parts: Sequence[Placements]) -> Placements:
    """All ways, those of one chord together, those of earlier parts first."""
    if len(parts) == 1:
        return parts[0]
    columns = [np.concatenate(column) for column in zip(*(part.columns() for part in parts), strict=True)]
    order = np.argsort(columns[-1], kind="stable")
    return Placements(*(column[order] for column in columns))
