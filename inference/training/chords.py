"""Keys, chord progressions and how chords lie under the hand, in any tuning."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from inference.training.score import Chord
from music.tuning import TUNINGS, Instrument, Position

MAJOR, MINOR = (0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10)
SCALES: dict[str, tuple[int, ...]] = {
    "major": MAJOR,
    "minor": MINOR,
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "harmonic_minor": (0, 2, 3, 5, 7, 8, 11),
    "pentatonic_minor": (0, 3, 5, 7, 10),
    "pentatonic_major": (0, 2, 4, 7, 9),
    "blues": (0, 3, 5, 6, 7, 10),
    "chromatic": tuple(range(12)),
}
POWER = (0, 7)
_TRIADS = {"major": (0, 4, 7), "minor": (0, 3, 7), "diminished": (0, 3, 6)}
_COLOURS = ((0, 4, 7, 10), (0, 4, 7, 11), (0, 3, 7, 10), (0, 2, 7), (0, 5, 7), (0, 4, 7, 9), (0, 4, 7, 14), (0, 4, 8))
_MUTED = -1

# Frets from string 1 to 6; the first root that each shape has when its lowest fret is as written.
_SHAPES: tuple[tuple[int, tuple[int, ...], tuple[int, ...]], ...] = (
    (4, (0, 4, 7), (0, 0, 1, 2, 2, 0)),
    (4, (0, 3, 7), (0, 0, 0, 2, 2, 0)),
    (4, (0, 4, 7, 10), (0, 0, 1, 0, 2, 0)),
    (4, (0, 3, 7, 10), (0, 0, 0, 0, 2, 0)),
    (4, (0, 4, 7, 11), (0, 0, 1, 1, 2, 0)),
    (4, (0, 5, 7), (0, 0, 2, 2, 2, 0)),
    (9, (0, 4, 7), (0, 2, 2, 2, 0, _MUTED)),
    (9, (0, 3, 7), (0, 1, 2, 2, 0, _MUTED)),
    (9, (0, 4, 7, 10), (0, 2, 0, 2, 0, _MUTED)),
    (9, (0, 3, 7, 10), (0, 1, 0, 2, 0, _MUTED)),
    (9, (0, 4, 7, 11), (0, 2, 1, 2, 0, _MUTED)),
    (9, (0, 2, 7), (0, 0, 2, 2, 0, _MUTED)),
    (2, (0, 4, 7), (2, 3, 2, 0, _MUTED, _MUTED)),
    (2, (0, 3, 7), (1, 3, 2, 0, _MUTED, _MUTED)),
    (2, (0, 4, 7, 10), (2, 1, 2, 0, _MUTED, _MUTED)),
    (2, (0, 5, 7), (3, 3, 2, 0, _MUTED, _MUTED)),
    (0, (0, 4, 7), (0, 1, 0, 2, 3, _MUTED)),
    (0, (0, 4, 7, 11), (0, 0, 0, 2, 3, _MUTED)),
    (7, (0, 4, 7), (3, 0, 0, 0, 2, 3)),
    (7, (0, 4, 7, 10), (1, 0, 0, 0, 2, 3)),
    (11, (0, 4, 7, 10), (2, 0, 2, 1, 2, _MUTED)),
)


def draw_key(random: np.random.Generator) -> tuple[int, tuple[int, ...]]:
    """A tonic (pitch class) and the scale of its chords: major or natural minor."""
    return int(random.integers(12)), MAJOR if random.random() < 0.55 else MINOR


def draw_progression(
    random: np.random.Generator, tonic: int, scale: Sequence[int], bars: int, power: float
) -> tuple[Chord, ...]:
    """A chord a bar, from a loop of 2, 4 or 8; `power` is the share of pieces in bare fifths."""
    loop = int(random.choice([2, 4, 4, 4, 8]))
    bare = random.random() < power
    degrees = [0, *random.choice(7, loop - 1, p=[0.16, 0.1, 0.08, 0.22, 0.2, 0.16, 0.08])]
    chords = []
    for degree in degrees:
        root = (tonic + scale[degree]) % 12
        third = (scale[(degree + 2) % 7] - scale[degree]) % 12
        fifth = (scale[(degree + 4) % 7] - scale[degree]) % 12
        intervals: tuple[int, ...] = (
            _TRIADS["diminished"] if fifth == 6 else _TRIADS["major" if third == 4 else "minor"]
        )
        if random.random() < 0.25:
            intervals = _COLOURS[random.integers(len(_COLOURS))]
        chords.append(Chord(root, POWER if bare else intervals))
    return tuple(chords[bar % loop] for bar in range(bars))


def draw_voicing(random: np.random.Generator, chord: Chord, instrument: Instrument) -> list[Position]:
    """Where a hand may put a chord: a known shape, open or moved up the neck, or one found for this tuning.

    Returns:
        One position a sounding string, by string number; never empty.
    """
    if len(chord.intervals) == 2:
        return _power_chord(random, chord, instrument)
    offset = _standard_offset(instrument)
    if offset is not None and random.random() < 0.65:
        found = _shapes_of(chord, instrument, offset)
        if found:
            # Low positions are what hands reach for first.
            weights = np.array([1.0 / (1 + min(p.fret for p in shape)) for shape in found])
            return found[random.choice(len(found), p=weights / weights.sum())]
    for _ in range(8):
        voicing = _search(random, chord, instrument)
        if len(voicing) >= 3:
            return voicing
    return _power_chord(random, chord, instrument)


def _standard_offset(instrument: Instrument) -> int | None:
    """Semitones by which the first six strings lie above a guitar's usual ones; None when it is another tuning."""
    if instrument.string_count < 6:
        return None
    steps = {a - b for a, b in zip(instrument.tuning[:6], TUNINGS["standard"], strict=True)}
    return steps.pop() + instrument.capo if len(steps) == 1 else None


def _shapes_of(chord: Chord, instrument: Instrument, offset: int) -> list[list[Position]]:
    found = []
    for root, intervals, frets in _SHAPES:
        if intervals != chord.intervals:
            continue
        shift = (chord.root - root - offset) % 12
        movable = shift == 0 or _MUTED in frets or 0 in (frets[0], frets[5])
        highest = max(frets) + shift
        if movable and highest <= min(14, instrument.fret_count - instrument.capo):
            found.append([Position(s, f + shift) for s, f in enumerate(frets, start=1) if f != _MUTED])
    return found


def _search(random: np.random.Generator, chord: Chord, instrument: Instrument) -> list[Position]:
    """Any four-fret window that a hand covers: on each string the lowest chord tone, open strings welcome."""
    low = int(random.integers(0, 10))
    pitch_classes = set(chord.pitch_classes)
    voicing: list[Position] = []
    for string in range(1, instrument.string_count + 1):
        frets = [0] if low > 0 and random.random() < 0.5 else []
        frets += range(low, min(low + 4, instrument.fret_count - instrument.capo + 1))
        fitting = [f for f in frets if instrument.pitch_at(Position(string, f)) % 12 in pitch_classes]
        if fitting and random.random() < 0.9:
            voicing.append(Position(string, fitting[0]))
    while voicing and instrument.pitch_at(voicing[-1]) % 12 != chord.root and len(voicing) > 3:
        voicing.pop()
    pressed = [place.fret for place in voicing if place.fret > 0]
    barre = min(pressed, default=0)
    fingers = 1 + sum(fret > barre for fret in pressed)
    return voicing if fingers <= 4 else []


def _power_chord(random: np.random.Generator, chord: Chord, instrument: Instrument) -> list[Position]:
    """Root and fifth on adjacent low strings, often the octave too."""
    last = instrument.fret_count - instrument.capo
    strings = list(range(instrument.string_count, max(2, instrument.string_count - 3), -1))
    random.shuffle(strings)
    for string in strings:
        fret = (chord.root - instrument.pitch_at(Position(string, 0))) % 12
        root = Position(string, fret)
        voicing = [root]
        intervals = (7, 12) if random.random() < 0.6 else (7,)
        for above, interval in enumerate(intervals, start=1):
            if string - above < 1:
                continue
            place = instrument.pitch_at(root) + interval - instrument.pitch_at(Position(string - above, 0))
            if 0 <= place <= last and abs(place - fret) <= 4:
                voicing.append(Position(string - above, place))
        if fret <= last and len(voicing) > 1:
            return sorted(voicing)
    return [Position(strings[0], (chord.root - instrument.pitch_at(Position(strings[0], 0))) % 12)]
