"""Styles of one line at a time: scales, riffs, repeated notes, double stops, at any place of the neck."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from inference.training.chords import SCALES
from inference.training.score import HAMMER_ON, PALM_MUTE, PLUCK, Chord
from inference.training.strokes import Stroke
from music.tuning import Instrument, Position

# Lengths in beats that fill a bar of four from its front; other meters cut them.
_RHYTHMS: tuple[tuple[float, ...], ...] = (
    (1, 1, 1, 1),
    (0.5,) * 8,
    (0.25,) * 16,
    (1 / 3,) * 12,
    (1, 0.5, 0.5, 1, 0.5, 0.5),
    (0.75, 0.25, 0.75, 0.25, 0.75, 0.25, 0.75, 0.25),
    (0.5, 0.25, 0.25, 0.5, 0.25, 0.25, 0.5, 0.25, 0.25, 0.5, 0.25, 0.25),
    (1.5, 0.5, 1.5, 0.5),
    (2, 1, 1),
    (2 / 3, 1 / 3, 2 / 3, 1 / 3, 2 / 3, 1 / 3, 2 / 3, 1 / 3),
    (0.5, 1, 0.5, 0.5, 1, 0.5),
    (0.25, 0.25, 0.5, 1, 0.25, 0.25, 0.5, 1),
)
_DOUBLE_STOPS = (3, 4, 5, 7, 8, 9, 12)


@dataclass(frozen=True, slots=True)
class Ladder:
    """The notes of a scale within reach of one hand position, low to high."""

    places: tuple[Position, ...]

    @property
    def top(self) -> int:
        return len(self.places) - 1


def ladder(instrument: Instrument, scale: Sequence[int], tonic: int, low: int, span: int) -> Ladder:
    """A scale between two frets (from the capo) over all strings; at low = 0 open strings belong to it."""
    found: dict[int, Position] = {}
    last = instrument.fret_count - instrument.capo
    for string in range(instrument.string_count, 0, -1):
        for fret in range(low, min(low + span, last) + 1):
            place = Position(string, fret)
            pitch = instrument.pitch_at(place)
            if (pitch - tonic) % 12 in scale and pitch not in found:
                found[pitch] = place
    return Ladder(tuple(found[pitch] for pitch in sorted(found)))


def write_line(
    random: np.random.Generator, instrument: Instrument, tonic: int, chords: Sequence[Chord], beats_per_bar: int
) -> list[Stroke]:
    """A single-note line, a bar a chord: steps and leaps on a scale, repeats, hammer-ons, double stops, rests."""
    scale = SCALES[str(random.choice(list(SCALES)))]
    last = instrument.fret_count - instrument.capo
    low = int(random.integers(0, max(1, min(17, last - 4))))
    rungs = ladder(instrument, scale, tonic, low, int(random.integers(3, 6)))
    habits = {name: float(random.uniform(0, most)) for name, most in _HABITS.items()}
    palm = random.random() < 0.12
    at = int(random.integers(0, rungs.top + 1))
    strokes: list[Stroke] = []
    rhythm = _RHYTHMS[random.integers(len(_RHYTHMS))]
    for bar in range(len(chords)):
        if random.random() < 0.3:
            rhythm = _RHYTHMS[random.integers(len(_RHYTHMS))]
        if random.random() < 0.15:
            low = int(np.clip(low + random.integers(-5, 6), 0, max(0, last - 5)))
            rungs = ladder(instrument, scale, tonic, low, 4)
            at = min(at, rungs.top)
        beat = 0.0
        for length in rhythm:
            if beat >= beats_per_bar:
                break
            if random.random() >= habits["rest"]:
                at = _step(random, at, rungs.top, habits["repeat"], habits["leap"])
                strokes += _sound(random, instrument, rungs, at, bar * beats_per_bar + beat, length, habits, palm)
            beat += length
    return strokes


_HABITS = {"rest": 0.2, "repeat": 0.3, "leap": 0.3, "legato": 0.6, "double": 0.25, "short": 0.4, "ring": 0.4}


def _step(random: np.random.Generator, at: int, top: int, repeat: float, leap: float) -> int:
    if random.random() < repeat:
        return at
    reach = int(random.integers(2, 8)) if random.random() < leap else 1
    to = at + (reach if random.random() < 0.5 else -reach)
    if not 0 <= to <= top:
        to = at - (to - at)
    return int(np.clip(to, 0, top))


def _sound(
    random: np.random.Generator,
    instrument: Instrument,
    rungs: Ladder,
    at: int,
    beat: float,
    length: float,
    habits: dict[str, float],
    palm: bool,
) -> list[Stroke]:
    place = rungs.places[at]
    held = length * (float(random.uniform(0.35, 0.9)) if random.random() < habits["short"] else 0.99)
    if random.random() < habits["ring"]:
        held = length * float(random.uniform(1.5, 4))
    technique = PLUCK
    if palm and place.string > instrument.string_count // 2:  # the palm rests on the low strings
        technique = PALM_MUTE
    elif length <= 0.5 and random.random() < habits["legato"]:
        technique = HAMMER_ON
    velocity = 0.7 if beat % 1 == 0 else 0.58
    strokes = [Stroke(beat, place, held, velocity, technique)]
    if technique == PLUCK and random.random() < habits["double"]:
        pitch = instrument.pitch_at(place)
        above = [
            other
            for other in rungs.places
            if instrument.pitch_at(other) - pitch in _DOUBLE_STOPS and 0 < place.string - other.string <= 2
        ]
        if above:
            spread_s = float(random.uniform(0, 0.02))
            strokes.append(Stroke(beat, above[random.integers(len(above))], held, velocity, PLUCK, spread_s))
    return strokes
