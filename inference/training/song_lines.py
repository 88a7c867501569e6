"""Lines as songs have them: solos in boxes, riffs, bass lines, runs, doubled strings, drones.

A writer gets a number of bars of four beats and returns strokes; frets are where the idiom puts them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from inference.training.chords import SCALES
from inference.training.melodies import ladder
from inference.training.score import HAMMER_ON, PALM_MUTE, PLUCK, PULL_OFF
from inference.training.strokes import Stroke
from music.tuning import Instrument, Position

BEATS = 4
_FIGURES: tuple[tuple[float, ...], ...] = (
    (1, 1, 1, 1),
    (0.5,) * 8,
    (0.25,) * 16,
    (1 / 3,) * 12,
    (1, 0.5, 0.5, 1, 1),
    (0.5, 0.5, 1, 0.5, 0.5, 1),
    (1.5, 0.5, 1, 1),
    (0.25, 0.25, 0.5, 0.25, 0.25, 0.5, 1, 1),
    (0.75, 0.25, 0.5, 0.5, 2),
    (2, 0.5, 0.5, 1),
)
_BOX_STEPS = {"pentatonic_minor": (0, 3, 5, 7, 10), "blues": (0, 3, 5, 7, 10), "pentatonic_major": (0, 2, 4, 7, 9)}
_Rungs = Sequence[Position]


def repeat(random: np.random.Generator, bars: int, write: Callable[[], list[Stroke]], again: float) -> list[Stroke]:
    """Bars in a row, each new, or one of those before once more with probability `again`."""
    written: list[list[Stroke]] = []
    for _ in range(bars):
        old = written and random.random() < again
        written.append(written[int(random.integers(len(written)))] if old else write())
    return [replace(s, beat=s.beat + bar * BEATS) for bar, strokes in enumerate(written) for s in strokes]


def write_solo(random: np.random.Generator, instrument: Instrument, bars: int) -> list[Stroke]:
    """A solo in boxes: the first box lies at the tonic of the lowest string, the others follow it up the neck."""
    name = str(random.choice(["pentatonic_minor", "blues", "pentatonic_major", "minor", "dorian", "major"]))
    tonic = int(random.integers(12))
    boxes = _boxes(instrument, tonic, _BOX_STEPS.get(name, (0, 2, 5, 7, 9)))
    first = (tonic - instrument.pitch_at(Position(instrument.string_count, 0))) % 12
    home = int(random.choice([box for box in boxes if box % 12 == first] if random.random() < 0.5 else boxes))
    span = 3 if name in _BOX_STEPS else 4
    depth = int(random.integers(3, instrument.string_count + 1))
    at_fret, at = [home], [0]
    leap = float(random.uniform(0.05, 0.35))

    def bar() -> list[Stroke]:
        if random.random() < 0.22:
            near = [box for box in boxes if 0 < abs(box - at_fret[0]) <= 5] or [home]
            at_fret[0] = int(random.choice([*near, home]))
        rungs = ladder(instrument, SCALES[name], tonic, at_fret[0], span).places
        rungs = tuple(place for place in rungs if place.string <= depth and place.fret > 0) or rungs
        at[0] = min(max(at[0], 0), len(rungs) - 1)
        return _walk(random, rungs, at, leap=leap, rest=0.15, legato=0.4)

    at[0] = int(random.integers(20))
    return repeat(random, bars, bar, 0.3)


def _boxes(instrument: Instrument, tonic: int, steps: Sequence[int]) -> list[int]:
    last = instrument.fret_count - instrument.capo
    lowest = instrument.pitch_at(Position(instrument.string_count, 0))
    found = {(tonic + step - lowest) % 12 + turn for step in steps for turn in (0, 12)}
    return sorted(fret for fret in found if 2 <= fret <= last - 5) or [5]


def _walk(
    random: np.random.Generator, rungs: _Rungs, at: list[int], *, leap: float, rest: float, legato: float
) -> list[Stroke]:
    figure = _FIGURES[random.integers(len(_FIGURES))]
    way = 1 if random.random() < 0.5 else -1
    strokes, beat = [], 0.0
    for length in figure:
        if random.random() >= rest:
            if random.random() < 0.3:
                way = -way
            step = int(random.integers(2, 5)) if random.random() < leap else int(random.random() < 0.85)
            to = at[0] + way * step
            if not 0 <= to < len(rungs):
                way, to = -way, at[0] - way * step
            before, at[0] = rungs[at[0]], int(np.clip(to, 0, len(rungs) - 1))
            technique = PLUCK
            if rungs[at[0]].string == before.string and length <= 0.5 and random.random() < legato:
                technique = HAMMER_ON if rungs[at[0]].fret > before.fret else PULL_OFF
            strokes.append(Stroke(beat, rungs[at[0]], length * float(random.uniform(0.7, 1.0)), 0.65, technique))
        beat += length
    return strokes


def write_melody(random: np.random.Generator, instrument: Instrument, bars: int) -> list[Stroke]:
    """A tune of steps and few leaps, in first position with its open strings or, now and then, in another."""
    name = str(random.choice(["major", "major", "minor", "dorian", "mixolydian", "pentatonic_major"]))
    low = instrument.string_count
    tonic = instrument.pitch_at(Position(int(random.integers(2, low + 1)), int(random.choice([0, 0, 2, 3])))) % 12
    base = int(random.choice([0, 0, 0, 0, 0, 0, 0, 2, 4, 5, 7]))
    rungs = ladder(instrument, SCALES[name], tonic, base, 4 if base == 0 else 3).places
    if random.random() < 0.8:
        rungs = tuple(place for place in rungs if place.string <= low - 2) or rungs
    at = [int(random.integers(len(rungs)))]
    leap = float(random.uniform(0.05, 0.3))

    def bar() -> list[Stroke]:
        return _walk(random, rungs, at, leap=leap, rest=0.1, legato=0.1)

    return repeat(random, bars, bar, 0.35)


def write_riff(random: np.random.Generator, instrument: Instrument, bars: int) -> list[Stroke]:
    """A figure on the low strings around an open one, repeated, often palm-muted."""
    low = instrument.string_count
    tonic = instrument.pitch_at(Position(low - int(random.random() < 0.3), 0)) % 12
    name = str(random.choice(["pentatonic_minor", "blues", "minor", "dorian"]))
    base = 0 if random.random() < 0.7 else int(random.choice([2, 3, 5, 7]))
    rungs = [p for p in ladder(instrument, SCALES[name], tonic, base, 4).places if p.string > low - 3]
    pedal = rungs[0]
    palm, at = bool(random.random() < 0.5), [0]
    back = float(random.uniform(0, 0.6))

    def bar() -> list[Stroke]:
        walked = _walk(random, rungs, at, leap=0.2, rest=0.08, legato=0.1)
        figure = [replace(s, position=pedal) if random.random() < back else s for s in walked]
        return [replace(s, technique=PALM_MUTE) if palm and s.position == pedal else s for s in figure]

    return repeat(random, bars, bar, 0.6)


def write_bass(random: np.random.Generator, instrument: Instrument, bars: int) -> list[Stroke]:
    """Roots, fifths and octaves low on the neck, walked to from the neighbours; open strings where they are."""
    scale = SCALES[str(random.choice(["minor", "major", "mixolydian", "dorian", "pentatonic_minor"]))]
    tonic, walking = int(random.integers(12)), float(random.choice([0.0, 0.2, 0.8]))
    base = 0 if random.random() < 0.65 else int(random.integers(2, 8))
    rungs = ladder(instrument, scale, tonic, base, 4).places
    figure = _FIGURES[int(random.choice([0, 1, 1, 4, 5, 6]))]
    at = [int(random.integers(0, max(1, len(rungs) // 2)))]

    def bar() -> list[Stroke]:
        strokes, beat = [], 0.0
        root = at[0]
        for length in figure:
            strokes.append(Stroke(beat, rungs[at[0]], length * 0.9, 0.7))
            if random.random() < walking:
                at[0] = int(np.clip(at[0] + random.choice([-1, 1]), 0, len(rungs) - 1))
            elif random.random() < 0.2:
                pitch = instrument.pitch_at(rungs[root])
                jumps = [i for i, p in enumerate(rungs) if instrument.pitch_at(p) - pitch in (-5, 0, 7, 12)]
                at[0] = int(random.choice(jumps))
            beat += length
        at[0] = int(np.clip(root + random.integers(-3, 4), 0, len(rungs) * 2 // 3))
        return strokes

    return repeat(random, bars, bar, 0.4)


def write_run(random: np.random.Generator, instrument: Instrument, bars: int) -> list[Stroke]:
    """Scale runs with three notes on every string, up and down, shifting as they go."""
    scale, tonic = SCALES[str(random.choice(["major", "minor", "dorian", "harmonic_minor"]))], int(random.integers(12))
    at = [0]
    start = int(random.integers(1, 13))
    rungs = _three_a_string(instrument, scale, tonic, start)

    def bar() -> list[Stroke]:
        return _walk(random, rungs, at, leap=0.1, rest=0.03, legato=0.5)

    at[0] = int(random.integers(len(rungs)))
    return repeat(random, bars, bar, 0.25)


def _three_a_string(instrument: Instrument, scale: Sequence[int], tonic: int, start: int) -> _Rungs:
    last, above = instrument.fret_count - instrument.capo, -1
    rungs: list[Position] = []
    for string in range(instrument.string_count, 0, -1):
        fitting = [
            Position(string, fret)
            for fret in range(start, last + 1)
            if (instrument.pitch_at(Position(string, fret)) - tonic) % 12 in scale
            and instrument.pitch_at(Position(string, fret)) > above
        ][:3]
        if len(fitting) < 3:
            break
        rungs += fitting
        above = instrument.pitch_at(fitting[-1])
        start = max(1, fitting[0].fret - 2)
    return rungs or [Position(1, 0)]


def write_along(random: np.random.Generator, instrument: Instrument, bars: int) -> list[Stroke]:
    """A melody along one string, often over an open neighbour that drones."""
    string = int(random.integers(1, instrument.string_count))
    drone = Position(string + 1, 0) if random.random() < 0.6 else None
    pedal = Position(string, 0) if random.random() < 0.3 else None
    scale, top = SCALES[str(random.choice(["major", "minor", "dorian", "mixolydian"]))], int(random.integers(9, 15))
    tonic = instrument.pitch_at(drone or Position(string, 0))
    last = min(top, instrument.fret_count - instrument.capo)
    places = [Position(string, fret) for fret in range(last + 1)]
    rungs = [place for place in places if (instrument.pitch_at(place) - tonic) % 12 in scale]
    at = [int(random.integers(len(rungs)))]

    def bar() -> list[Stroke]:
        walked = _walk(random, rungs, at, leap=0.15, rest=0.05, legato=0.3)
        if pedal:
            return [s if index % 2 == 0 else replace(s, position=pedal) for index, s in enumerate(walked)]
        if drone:
            return [*walked, *(replace(s, position=drone, velocity=0.5) for s in walked if s.beat % 1 == 0)]
        return walked

    return repeat(random, bars, bar, 0.35)


def write_doubled(random: np.random.Generator, instrument: Instrument, bars: int) -> list[Stroke]:
    """Two strings in parallel: thirds, sixths or octaves up and down the neck."""
    scale, tonic = SCALES[str(random.choice(["major", "minor", "mixolydian"]))], int(random.integers(12))
    apart, steps = {"thirds": (1, 2), "sixths": (2, 5), "octaves": (2, 7)}[
        str(random.choice(["thirds", "sixths", "octaves"]))
    ]
    upper = int(random.integers(1, instrument.string_count - apart))
    low, high = sorted(int(fret) for fret in random.integers(0, 15, 2))
    pairs = []
    for fret in range(low, min(max(high, low + 6), instrument.fret_count - instrument.capo - 4) + 1):
        bottom = Position(upper + apart, fret)
        degree = (instrument.pitch_at(bottom) - tonic) % 12
        if degree in scale:
            turned = [*scale, *(step + 12 for step in scale)]
            interval = turned[turned.index(degree) + steps] - degree if steps < 7 else 12
            above = instrument.pitch_at(bottom) + interval - instrument.pitch_at(Position(upper, 0))
            if above >= 0 and abs(above - fret) <= 4:
                pairs.append((bottom, Position(upper, above)))
    if not pairs:
        return write_solo(random, instrument, bars)
    at = [int(random.integers(len(pairs)))]

    def bar() -> list[Stroke]:
        walked = _walk(random, [pair[0] for pair in pairs], at, leap=0.1, rest=0.08, legato=0.0)
        tops = dict(pairs)
        return [*walked, *(replace(s, position=tops[s.position], late_s=0.004) for s in walked)]

    return repeat(random, bars, bar, 0.35)
