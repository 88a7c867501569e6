"""Chord shapes that guitarists share: open chords, barres, power chords, jazz voicings, triads on three strings.

Written as frets from string 6 to 1, as chord books do: "x32010" is C.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from music.tuning import Instrument, Position

Voicing = tuple[Position, ...]

OPEN_SHAPES: Mapping[str, tuple[str, ...]] = {
    "C": ("x32010", "x32010", "x32013", "332010"),
    "C7": ("x32310",),
    "Cmaj7": ("x32000",),
    "Cadd9": ("x32030", "x32033"),
    "D": ("xx0232", "x00232"),
    "Dm": ("xx0231",),
    "D7": ("xx0212",),
    "Dsus4": ("xx0233",),
    "Dsus2": ("xx0230",),
    "D/F#": ("200232", "2x0232"),
    "E": ("022100",),
    "Em": ("022000",),
    "E7": ("020100", "022130"),
    "Em7": ("022030", "020000", "022033"),
    "F": ("133211", "xx3211"),
    "Fmaj7": ("xx3210", "x33210"),
    "G": ("320003", "320033"),
    "G7": ("320001",),
    "G/B": ("x20003", "x20033"),
    "A": ("x02220",),
    "Am": ("x02210",),
    "A7": ("x02020", "x02223"),
    "Am7": ("x02010",),
    "Asus2": ("x02200",),
    "Asus4": ("x02230",),
    "B7": ("x21202",),
    "Bm": ("x24432",),
    "Bb": ("x13331",),
    "C#m": ("x46654",),
    "F#m": ("244222",),
    "Gm": ("355333",),
    "Cm": ("x35543",),
    "B": ("x24442",),
}
OPEN_KEYS: tuple[tuple[str, ...], ...] = (
    ("G", "C", "D", "Em", "Am", "G", "C", "D", "D7", "Cadd9", "D/F#", "Bm", "Em7", "G/B"),
    ("C", "Am", "F", "G", "Dm", "Em", "G7", "Fmaj7", "C7", "Cmaj7"),
    ("D", "A", "G", "Bm", "Em", "A7", "Dsus4", "Dsus2", "F#m", "D"),
    ("A", "D", "E", "F#m", "Bm", "E7", "Asus2", "Asus4", "A7"),
    ("E", "A", "B7", "C#m", "F#m", "A", "E"),
    ("Am", "F", "C", "G", "Dm", "E", "E7", "Em", "Am7"),
    ("Em", "C", "G", "D", "Am", "B7", "Bm", "Em7"),
    ("Dm", "C", "Bb", "F", "Gm", "A7", "Am"),
)
BARRES: Mapping[int, tuple[tuple[str, ...], tuple[str, ...]]] = {
    6: (("022100", "022100", "022000", "020100"), ("022000", "020000")),
    5: (("x02220", "x02220", "x02020", "x02120"), ("x02210", "x02010")),
}
"""Movable shapes by the string of their root: (major-like, minor-like), written with the root's fret as 0."""
JAZZ_SHAPES: Mapping[int, Mapping[str, tuple[str, ...]]] = {
    6: {
        "maj7": ("1x221x", "1x222x"),
        "m7": ("1x111x", "131111"),
        "7": ("1x121x", "131211"),
        "half": ("2x221x",),
        "6": ("2x132x",),
        "dim": ("2x121x",),
    },
    5: {
        "maj7": ("x1323x", "x13231"),
        "m7": ("x1312x", "x13121"),
        "7": ("x1313x", "x13131", "x2122x"),
        "half": ("x1212x",),
        "6": ("x1333x",),
        "dim": ("x2313x",),
    },
    4: {
        "maj7": ("xx1333",),
        "m7": ("xx1322",),
        "7": ("xx1323",),
        "half": ("xx1222",),
        "6": ("xx1313",),
        "dim": ("xx1212",),
    },
}
"""Four-note grips by the string of their root, written somewhere low; the root is the lowest string's note."""
TRIADS: Mapping[str, tuple[int, ...]] = {"major": (0, 4, 7), "minor": (0, 3, 7)}
_HIGHEST_GRIP = 14


def grip(shape: str, shift: int = 0) -> Voicing:
    """Positions of a shape, every fret `shift` higher, by string number."""
    placed = [Position(6 - index, int(fret) + shift) for index, fret in enumerate(shape) if fret != "x"]
    return tuple(sorted(placed))


def open_progression(random: np.random.Generator, length: int) -> list[Voicing]:
    """Chords of one of the keys that open strings favour; a chord keeps its shape through the piece."""
    key = OPEN_KEYS[random.integers(len(OPEN_KEYS))]
    shapes = {name: str(random.choice(OPEN_SHAPES[name])) for name in sorted(set(key))}
    names = [key[0], *(str(name) for name in random.choice(key, length - 1))]
    return [grip(shapes[name]) for name in names]


def degrees(random: np.random.Generator, length: int) -> list[tuple[int, bool]]:
    """Roots (semitones over the tonic) and whether each chord is minor: the loops of popular music."""
    minor = bool(random.random() < 0.5)
    choices = (
        [(0, True), (3, False), (5, True), (7, True), (8, False), (10, False)]
        if minor
        else [(0, False), (2, True), (4, True), (5, False), (7, False), (9, True)]
    )
    chosen = random.choice(len(choices), length - 1)
    return [choices[0], *(choices[index] for index in chosen)]


def barre_progression(random: np.random.Generator, length: int, strings: int = 6) -> list[Voicing]:
    """Barre chords, each with its root on string 6 or 5, wherever the hand has the shorter way."""
    tonic = int(random.integers(12))
    hand = int(random.integers(1, 8))
    found = []
    for root, minor in degrees(random, length):
        places = [(string, (tonic + root - pitch) % 12) for string, pitch in ((6, 4), (5, 9))]
        places = [place for place in places if place[1] <= 10] or places
        string, fret = min(places, key=lambda place: abs(place[1] - hand) + float(random.uniform(0, 3)))
        shape = str(random.choice(BARRES[string][int(minor)]))
        voicing = grip(shape, fret)
        found.append(tuple(place for place in voicing if place.string <= strings))
        hand = max(1, fret)
    return found


def power_progression(random: np.random.Generator, instrument: Instrument, length: int) -> list[Voicing]:
    """Root, fifth and often octave on neighbouring low strings; one finger does where the lowest string is dropped."""
    last = instrument.fret_count - instrument.capo
    tonic, hand = int(random.integers(12)), int(random.integers(0, 6))
    octave, low = bool(random.random() < 0.6), instrument.string_count
    found: list[Voicing] = []
    for root, _ in degrees(random, length):
        options = []
        for string in range(low, max(low - 3, 2), -1):
            fret = (tonic + root - instrument.pitch_at(Position(string, 0))) % 12
            chord = _stack(instrument, Position(string, fret), (7, 12) if octave else (7,), last)
            if chord:
                options.append((abs(fret - hand) + 0.35 * fret + float(random.uniform(0, 3)), chord))
        if options:
            found.append(min(options)[1])
            hand = found[-1][-1].fret
    return found or [(Position(low, 0),)]


def _stack(instrument: Instrument, root: Position, intervals: Sequence[int], last: int) -> Voicing:
    placed = [root]
    for above, interval in enumerate(intervals, start=1):
        fret = instrument.pitch_at(root) + interval - instrument.pitch_at(Position(root.string - above, 0))
        if root.string - above < 1 or not 0 <= fret <= last or abs(fret - root.fret) > 4:
            return ()
        placed.append(Position(root.string - above, fret))
    return tuple(sorted(placed))


def jazz_progression(random: np.random.Generator, length: int) -> list[Voicing]:
    """Grips for seconds, fifths and firsts, each as near to the last as the shapes allow, no open strings."""
    tonic, hand = int(random.integers(12)), int(random.integers(2, 9))
    turn = [[(2, "m7"), (7, "7"), (0, "maj7"), (9, "m7")], [(0, "m7"), (5, "m7"), (2, "half"), (7, "7")]]
    turn += [[(0, "maj7"), (9, "m7"), (2, "m7"), (7, "7")], [(0, "7"), (5, "7"), (0, "7"), (7, "7")]]
    turn += [[(0, "6"), (1, "dim"), (2, "m7"), (7, "7")], [(4, "m7"), (9, "7"), (2, "m7"), (7, "7")]]
    chords = turn[random.integers(len(turn))]
    strings = [6, 5, 4] if random.random() < 0.5 else [6, 5]
    found: list[Voicing] = []
    for bar in range(length):
        root, kind = chords[bar % len(chords)]
        options = []
        for string in strings:
            shape = str(random.choice(JAZZ_SHAPES[string][kind]))
            written = grip(shape)
            open_pitch = {6: 4, 5: 9, 4: 2}[string]
            shift = (tonic + root - open_pitch - written[-1].fret) % 12
            lowest = min(place.fret for place in written) + shift
            if lowest >= 1 and max(place.fret for place in written) + shift <= _HIGHEST_GRIP:
                options.append((abs(lowest - hand) + float(random.uniform(0, 2)), grip(shape, shift)))
        if options:
            found.append(min(options)[1])
            hand = min(place.fret for place in found[-1])
    return found or [grip("x1323x", 2)]


def triad_progression(random: np.random.Generator, instrument: Instrument, length: int) -> list[Voicing]:
    """Three notes on three neighbouring strings, led from one to the next by the shortest way."""
    tonic, top = int(random.integers(12)), int(random.choice([1, 1, 1, 2]))
    hand, last = int(random.integers(3, 13)), instrument.fret_count - instrument.capo
    found: list[Voicing] = []
    for root, minor in degrees(random, length):
        tones = [(tonic + root + step) % 12 for step in TRIADS["minor" if minor else "major"]]
        options = []
        for turn in range(3):
            order = (tones[turn:] + tones[:turn])[::-1]  # from the highest string down
            placed = tuple(
                Position(top + index, fret)
                for index, tone in enumerate(order)
                for fret in range(max(1, hand - 4), min(last, hand + 7))
                if instrument.pitch_at(Position(top + index, fret)) % 12 == tone
            )
            options += [(abs(v[0].fret - hand), v) for v in _compact(placed, top)]
        if options:
            found.append(min(options)[1])
            hand = min(place.fret for place in found[-1])
    return found or [grip("xxx987")]


def _compact(placed: Sequence[Position], top: int) -> list[Voicing]:
    by_string = [[place for place in placed if place.string == top + index] for index in range(3)]
    return [
        (a, b, c)
        for a in by_string[0]
        for b in by_string[1]
        for c in by_string[2]
        if max(a.fret, b.fret, c.fret) - min(a.fret, b.fret, c.fret) <= 3
    ]
