"""Parts of songs: strums, broken chords, chops, riffs, tunes and basses that know which bar they are in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import numpy as np

from bench._song_manner import LOUD, ORDERS, Bar, Manner, chord_at, draw_rhythm, half, lengths_of, with_changes
from inference.training.score import HAMMER_ON, PALM_MUTE, PLUCK, Chord
from inference.training.strokes import Stroke
from music.tuning import Position


def _strummed(
    random: np.random.Generator, manner: Manner, place: float, shape: Sequence[Position], held: float
) -> list[Stroke]:
    down = abs(place % 1) < 1e-6 or (manner.step == 0.25 and abs(place % 0.5) < 1e-6) or random.random() < 0.15
    hit = list(shape) if down else list(shape)[::-1][: int(random.integers(2, len(shape) + 1))]
    spread_s = float(random.uniform(0.001, 0.006))
    loud = manner.loudness(place) - (0.0 if down else 0.06)
    return [Stroke(place, position, held, loud, PLUCK, i * spread_s) for i, position in enumerate(hit)]


def write_strums(random: np.random.Generator, manner: Manner, bars: Sequence[Bar]) -> list[Stroke]:
    """Strums over a rhythm; in some songs the bass alone on strong beats, in some a fill at a phrase's end."""
    rhythm, fill = draw_rhythm(random, manner), draw_rhythm(random, manner)
    bass = random.random() < 0.35
    pushed = random.random() < 0.2 * (0.5 + manner.against)
    fills, damped = random.random() < 0.3, random.random() < 0.2
    strokes: list[Stroke] = []
    for number, bar in enumerate(bars):
        own = with_changes(fill if fills and number % 4 == 3 else rhythm, bar)
        for place, length in zip(own, lengths_of(own, manner.beats), strict=True):
            chord = chord_at(bar, place)
            # A push: the next bar's chord an eighth early.
            if pushed and place == manner.beats - 0.5 and number + 1 < len(bars):
                chord = bars[number + 1][0][1]
            shape = manner.shape(random, chord)
            at, held = number * manner.beats, length * 0.6 if damped else manner.beats - place
            if bass and manner.weight(place) >= 0.75:
                low = manner.root(chord, None if place == 0 else (chord.root + 7) % 12 if len(bar) == 1 else None)
                strokes.append(Stroke(at + place, low, 1.0, manner.loudness(place) + 0.08))
                continue
            strokes += [_later(s, at) for s in _strummed(random, manner, place, shape, held * 0.97)]
    return strokes


def write_picked(random: np.random.Generator, manner: Manner, bars: Sequence[Bar]) -> list[Stroke]:
    """A chord broken up in an order that begins anew with each bar (or half bar), over its bass."""
    # Six even notes would be two beats of three: in bars of three they need eighths and six places.
    steps = {4: "even", 3: "six" if manner.step == 0.5 else "even", 2: "six"}[manner.beats]
    orders = half(ORDERS["three" if manner.step == 1 / 3 and manner.beats != 2 else steps], spare=manner.spare)
    order = orders[int(random.integers(len(orders)))]
    alternate, pinch = random.random() < 0.4, float(random.choice([0.0, 0.0, 0.3, 0.8]))
    rest = float(random.choice([0.0, 0.0, 0.1]))
    count = round(manner.beats / manner.step)
    strokes: list[Stroke] = []
    for number, bar in enumerate(bars):
        for index in range(count):
            place = index * manner.step
            chord = chord_at(bar, place)
            begins = index == 0 or any(abs(begin - place) < 1e-6 for begin, _ in bar)
            shape = manner.shape(random, chord)
            which = order[index % len(order)]
            low = manner.root(chord)
            upper = [p for p in shape if p.string < low.string] or shape
            if begins:
                position = low
            elif which == 0:
                fifth = manner.root(chord, (chord.root + 7) % 12)
                position = fifth if alternate and abs(place - 2) < 1e-6 else low
            else:
                position = upper[min(which, len(upper)) - 1]
            if not begins and random.random() < rest:
                continue
            held = (manner.beats - place) * 0.98
            strokes.append(Stroke(number * manner.beats + place, position, held, manner.loudness(place)))
            if begins and random.random() < pinch:
                strokes.append(Stroke(number * manner.beats + place, upper[-1], held, 0.6, PLUCK, 0.003))
    return strokes


def write_travis(random: np.random.Generator, manner: Manner, bars: Sequence[Bar]) -> list[Stroke]:
    """The thumb on every beat, alternating from the root; fingers between and with it, alike in every bar."""
    upper = [place for place in draw_rhythm(random, manner) if place or random.random() < 0.6]
    picks = [int(random.integers(0, 3)) for _ in upper]
    strokes: list[Stroke] = []
    for number, bar in enumerate(bars):
        at = number * manner.beats
        for beat in range(manner.beats):
            chord = chord_at(bar, beat)
            fifth = (chord.root + 7) % 12
            low = manner.root(chord, None if beat in (0, 2) and (manner.beats != 3 or beat == 0) else fifth)
            strokes.append(Stroke(at + beat, low, 1.0, manner.loudness(beat) + 0.05))
        for place, pick in zip(upper, picks, strict=True):
            shape = manner.shape(random, chord_at(bar, place))[-3:]
            strokes.append(Stroke(at + place, shape[pick % len(shape)], 1.5, manner.loudness(place), PLUCK, 0.002))
    return strokes


def write_chops(random: np.random.Generator, manner: Manner, bars: Sequence[Bar]) -> list[Stroke]:
    """Short chords over a rhythm, the bass on one (and halfway) where there is one; power chords with a pedal too."""
    rhythm = draw_rhythm(random, manner)
    back = random.random() < 0.3  # chords on the weak beats, the bass on the others
    bass = back or random.random() < 0.4
    held_for = float(random.uniform(0.3, 0.95))
    strokes: list[Stroke] = []
    for number, bar in enumerate(bars):
        at = number * manner.beats
        own = tuple(float(b) for b in range(1, manner.beats, 2 if manner.beats == 4 else 1)) if back else rhythm
        own = own if back else with_changes(own, bar)
        for place, length in zip(own, lengths_of(own, manner.beats), strict=True):
            chord = chord_at(bar, place)
            if bass and place == 0:
                continue
            held = min(length, 1.0) * held_for
            shape = manner.shape(random, chord)[-4:]
            loud = manner.loudness(place)
            strokes += [Stroke(at + place, p, held, loud, PLUCK, 0.002 * i) for i, p in enumerate(shape)]
        if bass:
            for begin in [0.0, *(2.0 for _ in range(int(manner.beats == 4)))]:
                low = manner.root(chord_at(bar, begin))
                strokes.append(Stroke(at + begin, low, 0.9, manner.loudness(begin) + 0.05))
    return strokes


def write_power(random: np.random.Generator, manner: Manner, bars: Sequence[Bar]) -> list[Stroke]:
    """Power chords on a rhythm's places, the muted low string on the others; the chord's first stroke rings."""
    struck, step = set(draw_rhythm(random, manner)), max(manner.step, 0.5) if manner.step != 1 / 3 else 1 / 3
    chug = float(random.choice([0.0, 0.6, 0.95]))
    strokes: list[Stroke] = []
    for number, bar in enumerate(bars):
        for index in range(round(manner.beats / step)):
            place = index * step
            chord = chord_at(bar, place)
            low = manner.root(chord)
            at = number * manner.beats + place
            above = [Position(low.string - 1, low.fret + 2)]
            if place in struck or any(abs(begin - place) < 1e-6 for begin, _ in bar):
                strokes += [
                    Stroke(at, p, step * 0.95, manner.loudness(place) + 0.08, PLUCK, 0.002 * i)
                    for i, p in enumerate([low, *above])
                ]
            elif random.random() < chug:
                strokes.append(Stroke(at, low, step * 0.8, manner.loudness(place), PALM_MUTE))
    return strokes


def write_bass(random: np.random.Generator, manner: Manner, bars: Sequence[Bar]) -> list[Stroke]:
    """Roots on one, the fifth or octave later, a step that leads to the next root at the end of the bar."""
    rhythm = draw_rhythm(random, manner)
    walking, leading = random.random() < 0.3, float(random.uniform(0, 0.8))
    if walking:
        rhythm = tuple(float(beat) for beat in range(manner.beats))
    strokes: list[Stroke] = []
    for number, bar in enumerate(bars):
        own = with_changes(rhythm, bar)
        following = bars[(number + 1) % len(bars)][0][1]
        for place, length in zip(own, lengths_of(own, manner.beats), strict=True):
            chord = chord_at(bar, place)
            if place == own[0] or any(abs(begin - place) < 1e-6 for begin, _ in bar):
                tone = chord.root
            elif place == own[-1] and random.random() < leading:
                tone = (following.root + int(random.choice([-1, 1, -2, 2]))) % 12
            else:
                tone = (
                    int(random.choice(chord.pitch_classes))
                    if walking
                    else (chord.root + int(random.choice([0, 0, 7]))) % 12
                )
            strokes.append(
                Stroke(number * manner.beats + place, manner.root(chord, tone), length * 0.9, manner.loudness(place))
            )
    return strokes


def write_riff(random: np.random.Generator, manner: Manner, bars: Sequence[Bar]) -> list[Stroke]:
    """A figure of one or two bars on the low strings that returns with every chord, from its root."""
    length = int(random.choice([1, 1, 2]))
    figures = [draw_rhythm(random, manner) for _ in range(length)]
    degrees = [[0 if not place else int(random.choice([0, 0, 2, 4, 4, 6])) for place in figure] for figure in figures]
    moved = random.random() < 0.6
    strokes: list[Stroke] = []
    for number, bar in enumerate(bars):
        figure, own = figures[number % length], degrees[number % length]
        root = bar[0][1].root if moved else manner.tonic
        base = min(range(7), key=lambda d: (manner.scale[d] + manner.tonic - root) % 12)
        for place, gap, degree in zip(figure, lengths_of(figure, manner.beats), own, strict=True):
            tone = (manner.tonic + manner.scale[(base + degree) % 7]) % 12
            position = manner.root(bar[0][1], tone)
            strokes.append(Stroke(number * manner.beats + place, position, gap * 0.9, manner.loudness(place)))
    return strokes


def write_tune(random: np.random.Generator, manner: Manner, bars: Sequence[Bar]) -> list[Stroke]:
    """A melody in phrases of four bars: a motif, its answer, the motif once more, and a long note at the end.

    Chord tones fall on strong places; the motif returns with its contour.
    """
    rungs = manner.rungs(random)
    motif, answer = draw_rhythm(random, manner), draw_rhythm(random, manner)
    contour = {
        name: [int(random.choice([-2, -1, -1, 0, 1, 1, 2])) for _ in r] for name, r in (("m", motif), ("a", answer))
    }
    leads = random.random() < 0.4
    strokes: list[Stroke] = []
    at = len(rungs) // 2
    for number, bar in enumerate(bars):
        place_in_phrase = number % 4
        name, rhythm = ("a", answer) if place_in_phrase == 1 else ("m", motif)
        if place_in_phrase == 3:
            rhythm = (0.0, *(manner.beats - 1 + n * 0.5 for n in range(2))) if leads else (0.0,)
            if random.random() < 0.4:
                rhythm = (0.0, 1.0, *(p for p in rhythm if p > 1))
        steps = contour[name]
        for index, (place, gap) in enumerate(zip(rhythm, lengths_of(rhythm, manner.beats), strict=True)):
            at = int(np.clip(at + steps[index % len(steps)], 0, len(rungs) - 1))
            if manner.weight(place) >= 0.55:
                tones = chord_at(bar, place).pitch_classes
                near = sorted(range(len(rungs)), key=lambda rung: abs(rung - at))
                at = next((r for r in near if manner.instrument.pitch_at(rungs[r]) % 12 in tones), at)
            legato = gap <= 0.5 and random.random() < 0.15
            technique = HAMMER_ON if legato else PLUCK
            strokes.append(
                Stroke(number * manner.beats + place, rungs[at], gap * 0.95, manner.loudness(place) + 0.05, technique)
            )
        if place_in_phrase == 3:
            at = len(rungs) // 2
    return strokes


def write_tune_and_bass(random: np.random.Generator, manner: Manner, bars: Sequence[Bar]) -> list[Stroke]:
    """A tune over a bass on one (and halfway, or on every beat), with a note of the chord between now and then."""
    strokes = [s for s in write_tune(random, manner, bars) if s.position.string <= 3]
    walks = int(random.choice([0, 1, 1, 2]))
    filled = random.random() < 0.4
    for number, bar in enumerate(bars):
        places = [0.0, *([2.0] if walks == 1 and manner.beats == 4 else [])]
        if walks == 2:
            places = [float(beat) for beat in range(manner.beats)]
        places = sorted({*places, *(begin for begin, _ in bar)})
        for place in places:
            chord = chord_at(bar, place)
            tone = chord.root if place == 0 or random.random() < 0.6 else (chord.root + 7) % 12
            low = manner.root(chord, tone)
            strokes.append(Stroke(number * manner.beats + place, low, 1.5, manner.loudness(place) + 0.05, PLUCK, 0.001))
        for beat in range(manner.beats) if filled else ():
            inner = [p for p in manner.shape(random, chord_at(bar, beat)) if p.string in (3, 4)]
            if inner and random.random() < 0.7:
                place = beat + (0.5 if manner.step != 1 / 3 else 1 / 3)
                strokes.append(Stroke(number * manner.beats + place, inner[0], 0.9, manner.loudness(place) - 0.05))
    return strokes


def write_ending(manner: Manner, bar: int) -> list[Stroke]:
    """The tonic on the first beat of the bar after the last."""
    chord = Chord(manner.tonic, (0, 7))
    return [Stroke(bar * manner.beats, manner.root(chord), manner.beats * 0.7, LOUD + manner.accent)]


def _later(stroke: Stroke, beats: float) -> Stroke:
    return Stroke(stroke.beat + beats, stroke.position, stroke.length, stroke.velocity, stroke.technique, stroke.late_s)


Writer = Callable[[np.random.Generator, Manner, Sequence[Bar]], list[Stroke]]
PARTS: Mapping[str, Writer] = MappingProxyType(
    {
        "strums": write_strums,
        "picked": write_picked,
        "tune and bass": write_tune_and_bass,
        "chops": write_chops,
        "travis": write_travis,
        "tune": write_tune,
        "power": write_power,
        "bass": write_bass,
        "riff": write_riff,
    }
)
