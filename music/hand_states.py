"""The ways to hold what sounds when a group of notes begins: the group, and the notes before it that ring on.

So a bass that is held keeps its finger and its string while a melody moves above it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from music.hand_model import Floats, HandWeights, holding_figures
from music.neck import ANYWHERE, NO_NOTES, Ints, Placements, Reach, hands, places_of, within
from music.tuning import Instrument

MAX_STATES = 160
"""States kept of one group, the cheapest to hold."""
_MOST_REMEMBERED = 4096


@dataclass(frozen=True, eq=False, slots=True)
class States:
    """Ways to hold what sounds together, the notes that begin first: one row a state, one column a note.

    Attributes:
        strings: i64[s, notes], 0 for a note that is given up.
        hand: i64[s], fret of the index finger.
        middle: f64[s], mean string of the notes that begin.
        figures: f64[s, HOLDING].
    """

    strings: Ints
    hand: Ints
    middle: Floats
    figures: Floats

    def __len__(self) -> int:
        return len(self.hand)


class Neck:
    """The states of chords on one instrument; remembers those it has seen."""

    def __init__(self, instrument: Instrument, weights: HandWeights, reach: Reach = ANYWHERE) -> None:
        self.instrument = instrument
        self.weights = weights
        self._reach = reach
        self._seen: dict[tuple[tuple[int, ...], tuple[int, ...]], States] = {}
        self._begun: dict[tuple[int, ...], tuple[Placements, Placements]] = {}
        self._places: dict[int, tuple[Ints, Ints]] = {}

    def can_hold(self, pitches: tuple[int, ...]) -> bool:
        return len(pitches) <= self.instrument.string_count and len(self._beginning(pitches)[1]) > 0

    def states(self, pitches: tuple[int, ...], held: tuple[int, ...]) -> States:
        """All states, or the `MAX_STATES` cheapest, of notes that begin over notes that ring on, the newest first.

        What rings on is held as well, or, where no hand can do that, its newest part; or all of it is given up.
        """
        key = (pitches, held)
        if key not in self._seen:
            if len(self._seen) >= _MOST_REMEMBERED:
                self._seen.clear()
            self._seen[key] = self._work_out(pitches, held)
        return self._seen[key]

    def _work_out(self, pitches: tuple[int, ...], held: tuple[int, ...]) -> States:
        found = self._placements(pitches, held)
        rows, hand = hands(found, self.instrument)
        figures = holding_figures(found, rows, hand, len(pitches))
        if len(rows) > MAX_STATES:
            cheapest = np.argsort(figures @ self.weights.holding, kind="stable")[:MAX_STATES]
            rows, hand, figures = rows[cheapest], hand[cheapest], figures[cheapest]
        strings = found.strings[rows]
        return States(strings, hand, strings[:, : len(pitches)].mean(axis=1), figures)

    def _placements(self, pitches: tuple[int, ...], held: tuple[int, ...]) -> Placements:
        spanned, begun = self._beginning(pitches)
        partial = [spanned]
        for pitch in held:
            if not len(partial[-1]):
                break
            partial.append(partial[-1].beside(*self._places_of(pitch)))
        liked = within(begun, self._reach)
        for with_held in partial[:0:-1]:
            found = with_held.playable()
            found = within(found, self._reach) if len(liked) else found
            if len(found):
                found = _given_up(found, len(pitches) + len(held) - found.strings.shape[1])
                pairs = zip(
                    _given_up(liked if len(liked) else begun, len(held)).columns(), found.columns(), strict=True
                )
                return Placements(*(np.concatenate(pair) for pair in pairs))
        return _given_up(liked if len(liked) else begun, len(held))

    def _beginning(self, pitches: tuple[int, ...]) -> tuple[Placements, Placements]:
        """Ways to place notes that begin, before fingers are counted and after."""
        if pitches not in self._begun:
            if len(self._begun) >= _MOST_REMEMBERED:
                self._begun.clear()
            found = NO_NOTES
            for pitch in pitches:
                found = found.beside(*self._places_of(pitch))
            self._begun[pitches] = found, found.playable()
        return self._begun[pitches]

    def _places_of(self, pitch: int) -> tuple[Ints, Ints]:
        if pitch not in self._places:
            self._places[pitch] = places_of(pitch, self.instrument)
        return self._places[pitch]


def _given_up(found: Placements, count: int) -> Placements:
    """The same with so many more notes that sound nowhere."""
    if not count:
        return found
    nowhere = np.zeros((len(found), count), np.int64)
    strings, frets = (np.concatenate([part, nowhere], 1) for part in (found.strings, found.frets))
    return Placements(strings, frets, found.lowest, found.highest)
