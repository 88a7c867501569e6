"""The manner of a song: metre, key, where the hand puts chords, and rhythms with the bar or against it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TypeVar

import numpy as np

from inference.training.chords import draw_voicing
from inference.training.melodies import ladder
from inference.training.score import Chord
from music.tuning import Instrument, Position

Bar = tuple[tuple[float, Chord], ...]
"""Chords of a bar, each from a beat on."""
Rhythm = tuple[float, ...]
_Any = TypeVar("_Any")
TABLES: Mapping[int, tuple[Rhythm, ...]] = MappingProxyType(
    {
        4: (
            (0, 1, 2, 3),
            (0, 1, 1.5, 2.5, 3, 3.5),
            (0, 1, 2, 2.5, 3),
            (0, 1.5, 2, 3.5),
            (0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5),
            (0, 1, 1.5, 2, 3, 3.5),
            (0, 1.5, 2.5, 3),
            (0, 2, 3),
            (0, 1.5, 3),
            (0, 0.5, 1, 2, 2.5, 3),
            (0, 1.5, 2, 2.5, 3.5),
            (0, 2),
            (0, 0.5, 1.5, 2, 3),
            (0, 1, 2, 3, 3.5),
        ),
        3: (
            (0, 1, 2),
            (0, 0.5, 1, 1.5, 2, 2.5),
            (0, 1, 1.5, 2),
            (0, 1, 2, 2.5),
            (0, 1.5, 2),
            (0, 2),
            (0, 1, 1.5, 2, 2.5),
            (0, 0.5, 1, 2),
        ),
        2: (
            (0, 1),
            (0, 1 / 3, 2 / 3, 1, 4 / 3, 5 / 3),
            (0, 2 / 3, 1, 5 / 3),
            (0, 2 / 3, 1),
            (0, 1, 4 / 3, 5 / 3),
            (0, 1 / 3, 2 / 3, 1),
        ),
    }
)
"""Rhythms of a bar by its beats; every other one is spare."""
ORDERS: Mapping[str, tuple[tuple[int, ...], ...]] = MappingProxyType(
    {
        "even": (
            (0, 2, 3, 2), (0, 1, 2, 3, 2, 3, 2, 1), (0, 2, 1, 3), (0, 3, 2, 3), (0, 2, 3, 4, 3, 2, 3, 2), (0, 1, 3, 2),
        ),
        "six": ((0, 1, 2, 3, 2, 1), (0, 2, 3, 4, 3, 2), (0, 2, 3, 2, 3, 2), (0, 2, 1, 3, 1, 2)),
        "three": ((0, 1, 2), (0, 2, 3), (0, 2, 1), (0, 3, 2)),
    }
)  # fmt: skip
LOUD = 0.58


@dataclass(frozen=True, slots=True)
class Manner:
    """What a song keeps from its beginning to its end.

    Attributes:
        beats: of a bar; two are those of 6/8.
        step: smallest part of a beat that is played: 1/2, 1/4 or 1/3.
        tempo_bpm: beats a minute.
        swing: how much later than halfway its offbeats are, in beats.
        tonic, scale: its key.
        against: 0..1, how far rhythms are drawn against the metre.
        accent: how much louder a downbeat is than the weakest place.
        density: share of places that are struck.
        spare: whether its rhythms come from the tables that nothing is fitted on.
        shapes: where the hand puts each chord.
    """

    instrument: Instrument
    beats: int
    step: float
    tempo_bpm: float
    swing: float
    tonic: int
    scale: Sequence[int]
    against: float
    accent: float
    density: float
    spare: bool
    shapes: dict[Chord, list[Position]] = field(default_factory=dict)

    def weight(self, place: float) -> float:
        """How strong a place of the bar is, 0..1."""
        if place < 1e-6:
            return 1.0
        if abs(place % 1) < 1e-6:
            return 0.75 if self.beats == 4 and abs(place - 2) < 1e-6 else 0.55
        return 0.3 if abs(place % 1 - 0.5) < 1e-6 else 0.18

    def loudness(self, place: float) -> float:
        return LOUD + self.accent * (self.weight(place) - 0.4)

    def shape(self, random: np.random.Generator, chord: Chord) -> list[Position]:
        """The chord's places from low to high, the same whenever it comes."""
        if chord not in self.shapes:
            self.shapes[chord] = sorted(draw_voicing(random, chord, self.instrument), reverse=True)
        return self.shapes[chord]

    def root(self, chord: Chord, pitch_class: int | None = None) -> Position:
        """The lowest place of its root (or another pitch class) low on the neck."""
        wanted = chord.root if pitch_class is None else pitch_class
        strings = range(self.instrument.string_count, max(1, self.instrument.string_count - 3), -1)
        options = [
            Position(string, fret)
            for string in strings
            for fret in range(6)
            if self.instrument.pitch_at(Position(string, fret)) % 12 == wanted
        ]
        return options[0] if options else Position(self.instrument.string_count, (wanted - self._low()) % 12)

    def rungs(self, random: np.random.Generator) -> tuple[Position, ...]:
        """The scale in one place of the neck, on the upper strings."""
        low = int(random.choice([0, 0, 2, 4, 5, 7]))
        found = ladder(self.instrument, self.scale, self.tonic, low, 4).places
        upper = tuple(place for place in found if place.string <= max(3, self.instrument.string_count - 2))
        return upper if len(upper) > 4 else found

    def _low(self) -> int:
        return self.instrument.pitch_at(Position(self.instrument.string_count, 0))


def half(table: tuple[_Any, ...], *, spare: bool) -> tuple[_Any, ...]:
    """What of a table is fitted on, or what is spared for reports."""
    return table[int(spare) :: 2]


def draw_rhythm(random: np.random.Generator, manner: Manner) -> Rhythm:
    """Places of a bar that are struck: from the tables, or drawn with and against the metre."""
    table = half(TABLES[manner.beats], spare=manner.spare)
    if random.random() < 0.4 and (manner.step != 1 / 3 or manner.beats == 2):
        return table[int(random.integers(len(table)))]
    places = np.arange(round(manner.beats / manner.step)) * manner.step
    weights = np.asarray([manner.weight(place) for place in places])
    chances = np.clip(manner.density + (1 - manner.against) * 1.4 * (weights - 0.45), 0.02, 0.98)
    chances[0] = 1 - 0.2 * manner.against
    struck = places[random.random(len(places)) < chances]
    return tuple(struck.tolist()) if len(struck) >= 2 else (0.0, 1.0)


def chord_at(bar: Bar, place: float) -> Chord:
    return next(chord for begin, chord in reversed(bar) if begin <= place + 1e-6)


def with_changes(rhythm: Rhythm, bar: Bar) -> Rhythm:
    """A rhythm in which a chord that comes in the middle is struck when it comes."""
    return tuple(sorted({*rhythm, *(begin for begin, _ in bar[1:])}))


def lengths_of(rhythm: Rhythm, beats: int) -> list[float]:
    return [b - a for a, b in zip(rhythm, [*rhythm[1:], float(beats)], strict=True)]
