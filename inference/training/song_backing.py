"""Accompaniments as songs have them: voicings that come round again, strummed, picked, chopped or walked under."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from inference.training.chords import SCALES
from inference.training.melodies import ladder
from inference.training.score import PALM_MUTE, PLUCK
from inference.training.song_lines import BEATS
from inference.training.song_shapes import Voicing
from inference.training.strokes import Stroke
from music.tuning import Instrument, Position

_STRUMS = ("D-D-D-D-", "D-dud-du", "D--udu--", "DududuDu", "D---d---", "D-du-udu", "D-------", "--D---D-")
_ROLLS = (
    (0, 2, 3, 4, 3, 2),
    (0, 2, 1, 3),
    (0, 1, 2, 3, 4, 3, 2, 1),
    (0, 2, 3, 2),
    (0, 3, 2, 1),
    (0, 2, 1, 2, 3, 2, 1, 2),
)
_CHOPS = (0.0, 0.25, 0.5, 0.75)


def strummed(random: np.random.Generator, voicings: Sequence[Voicing], bars: int) -> list[Stroke]:
    """All strings of a shape, down and up, over a pattern of eighths; an up-stroke takes the high ones."""
    pattern = str(random.choice(_STRUMS))
    spread_s = float(random.uniform(0.001, 0.008))
    bass = random.random() < 0.25 and any(letter != "-" for letter in pattern[1:4] + pattern[5:])
    strokes: list[Stroke] = []
    for bar in range(bars):
        shape = sorted(voicings[bar % len(voicings)], reverse=True)
        for eighth, letter in enumerate(pattern):
            if letter == "-":
                continue
            beat = bar * BEATS + eighth / 2
            if bass and eighth % 4 == 0:
                strokes.append(Stroke(beat, shape[0 if eighth == 0 else min(1, len(shape) - 1)], 1.0, 0.7))
                continue
            hit = shape if letter in "Dd" else shape[::-1][: int(random.integers(2, len(shape) + 1))]
            held = (BEATS - eighth / 2) * 0.97
            strokes += [Stroke(beat, p, held, 0.65, PLUCK, i * spread_s) for i, p in enumerate(hit)]
    return strokes


def picked(random: np.random.Generator, voicings: Sequence[Voicing], bars: int, *, melody: bool) -> list[Stroke]:
    """A shape broken up, its bass alternating; with `melody` the highest strings leave the shape for notes near by."""
    roll = _ROLLS[random.integers(len(_ROLLS))]
    step = float(random.choice([0.5, 0.5, 0.5, 0.25, 1 / 3]))
    alternate, pinch = bool(random.random() < 0.5), float(random.uniform(0, 0.3))
    strokes: list[Stroke] = []
    for bar in range(bars):
        shape = sorted(voicings[bar % len(voicings)], reverse=True)
        pressed = [place.fret for place in shape if place.fret]
        for index in range(round(BEATS / step)):
            beat, held = bar * BEATS + index * step, (BEATS - index * step) * 0.98
            which = min(roll[index % len(roll)], len(shape) - 1)
            if alternate and which == 0 and index * step % 2 >= 1 and len(shape) > 3:
                which = 1
            place = shape[which]
            if melody and place.string <= 2 and random.random() < 0.3:
                place = _near(random, place, pressed)
            strokes.append(Stroke(beat, place, held, 0.6))
            if which == 0 and random.random() < pinch:
                top = shape[-1] if not melody else _near(random, shape[-1], pressed)
                strokes.append(Stroke(beat, top, held, 0.6, PLUCK, 0.003))
    return strokes


def _near(random: np.random.Generator, place: Position, pressed: Sequence[int]) -> Position:
    low = max(0, max(pressed, default=2) - 3)
    return Position(place.string, int(random.choice([0, low, low + 1, low + 2, low + 3]) if low <= 1 else low + 2))


def riffed(random: np.random.Generator, voicings: Sequence[Voicing], bars: int, pedal: Position | None) -> list[Stroke]:
    """Power chords in eighths, some of them the muted open string instead."""
    gallop, chug = float(random.choice([1.0, 0.5, 0.5, 0.25])), float(random.uniform(0, 0.7))
    palm = bool(random.random() < 0.5)
    each = int(random.choice([1, 2, 4]))
    pattern = [random.random() < chug for _ in range(round(BEATS / gallop))]
    strokes: list[Stroke] = []
    for bar in range(bars):
        for index, muted in enumerate(pattern):
            beat = bar * BEATS + index * gallop
            shape = voicings[(bar * each + int(index * gallop * each / BEATS)) % len(voicings)]
            if muted and pedal:
                strokes.append(Stroke(beat, pedal, gallop * 0.8, 0.6, PALM_MUTE))
            else:
                mute = PALM_MUTE if palm and muted else PLUCK
                strokes += [Stroke(beat, p, gallop * 0.95, 0.7, mute, 0.002 * (6 - p.string)) for p in shape]
    return strokes


def chopped(random: np.random.Generator, voicings: Sequence[Voicing], bars: int) -> list[Stroke]:
    """Short chords off the beat: swing, bossa, reggae, funk; sometimes the bass alone on the beat before."""
    grid = 0.25 if random.random() < 0.3 else 0.5
    hits = sorted(float(beat) for beat in np.arange(0, BEATS, grid) if random.random() < 0.45) or [0.0, 1.5]
    bass, held = bool(random.random() < 0.4), float(random.uniform(0.3, 0.95))
    strokes: list[Stroke] = []
    for bar in range(bars):
        shape = sorted(voicings[bar % len(voicings)], reverse=True)
        for hit in hits:
            alone = bass and len(shape) > 3 and hit % 2 == 0
            struck = shape[:1] if alone else shape[1:] if bass and len(shape) > 3 else shape
            beat = bar * BEATS + hit
            strokes += [Stroke(beat, p, held, 0.62, PLUCK, 0.003 * i) for i, p in enumerate(struck)]
    return strokes


def two_voices(random: np.random.Generator, instrument: Instrument, bars: int) -> list[Stroke]:
    """A melody over a bass that rings, as in classical and folk solos: mostly first position, some higher."""
    low, last = instrument.string_count, instrument.fret_count - instrument.capo
    tonic = instrument.pitch_at(Position(int(random.integers(low - 2, low + 1)), 0)) % 12
    scale = SCALES[str(random.choice(["major", "minor", "harmonic_minor"]))]
    fill = bool(random.random() < 0.6)
    strokes: list[Stroke] = []
    base, at = 0, 0
    for bar in range(bars):
        if bar % 2 == 0:
            base = int(random.choice([0, 0, 0, 0, 1, 2, 4, 5, 7, 9], p=[0.16] * 4 + [0.06] * 6))
            base = min(base, last - 5)
        rungs = ladder(instrument, scale, tonic, base, 4 if base == 0 else 3).places
        tune = [place for place in rungs if place.string <= 3]
        basses = [Position(s, 0) for s in range(low - 2, low + 1)]
        basses = [p for p in basses if (instrument.pitch_at(p) - tonic) % 12 in scale]
        basses += [p for p in rungs if p.string >= low - 1 and (base == 0 or random.random() < 0.4)]
        bass = basses[random.integers(len(basses))]
        strokes.append(Stroke(bar * BEATS, bass, 2 if fill else 3.9, 0.65))
        inner = [p for p in rungs if p.string in (3, 4) and p.string != bass.string]
        for index in range(8):
            beat = bar * BEATS + index / 2
            if index % 2 == 0:
                at = int(np.clip(at + random.integers(-2, 3), 0, len(tune) - 1))
                strokes.append(Stroke(beat, tune[at], 0.98, 0.68, PLUCK, 0.002))
            elif fill and inner:
                strokes.append(Stroke(beat, inner[random.integers(len(inner))], 0.9, 0.5))
        if fill:
            strokes.append(Stroke(bar * BEATS + 2, bass, 1.9, 0.6))
    return strokes


def doubled_speed(strokes: Sequence[Stroke]) -> list[Stroke]:
    """The same in half the beats."""
    return [replace(s, beat=s.beat / 2, length=s.length / 2) for s in strokes]


_ORDERS = ((0, 1, 2), (0, 1, 2, 1), (0, 2, 1, 2), (0, 1, 0, 2), (0, 1, 2, 1, 2, 1))


def over_open(random: np.random.Generator, instrument: Instrument, bars: int) -> list[Stroke]:
    """A melody along a high string, broken up with the two strings below it, over an open bass.

    Mostly the strings below ring open however high the melody is; now and then the hand grips them where it is.
    """
    top, last = int(random.choice([1, 1, 1, 2])), min(14, instrument.fret_count - instrument.capo)
    low = range(max(top + 3, instrument.string_count - 2), instrument.string_count + 1)
    bass = Position(int(random.choice(low)) if len(low) else instrument.string_count, 0)
    scale = SCALES[str(random.choice(["minor", "major", "dorian", "mixolydian", "harmonic_minor"]))]
    tonic, along = instrument.pitch_at(bass), [Position(top, fret) for fret in range(last + 1)]
    rungs = [place for place in along if (instrument.pitch_at(place) - tonic) % 12 in scale] or along
    order, step = _ORDERS[random.integers(len(_ORDERS))], float(random.choice([1 / 3, 0.5, 0.25]))
    at, gripped = int(random.integers(len(rungs))), float(random.choice([0.0, 0.15, 0.4]))
    stay, pinch = float(random.uniform(0.3, 0.8)), float(random.uniform(0.3, 1.0))
    strokes: list[Stroke] = []
    for bar in range(bars):
        fret, grip = rungs[at].fret, random.random() < gripped
        under = [Position(top + n, max(0, fret - int(random.integers(0, 3))) if grip else 0) for n in (1, 2)]
        for index in range(round(BEATS / step)):
            beat, voice = bar * BEATS + index * step, order[index % len(order)]
            if voice == 0 and index and random.random() >= stay:
                at = int(np.clip(at + random.integers(-2, 3), 0, len(rungs) - 1))
                near = not grip or abs(rungs[at].fret - fret) <= 2
                at = at if near else min(range(len(rungs)), key=lambda rung: abs(rungs[rung].fret - fret))
            place = rungs[at] if voice == 0 else under[voice - 1]
            strokes.append(Stroke(beat, place, step * 3, 0.7 if voice == 0 else 0.55))
            if index == 0 and random.random() < pinch:
                strokes.append(Stroke(beat, bass, BEATS * 0.98, 0.65, PLUCK, 0.003))
        at = int(np.clip(at + random.integers(-3, 4), 0, len(rungs) - 1))
    return strokes
