"""Styles of many strings: block chords, strums, arpeggios, fingerpicking with a bass."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from inference.training.chords import draw_voicing
from inference.training.score import PALM_MUTE, PLUCK, Chord
from inference.training.strokes import Stroke
from music.tuning import Instrument, Position

_DOWN, _UP = "d", "u"
# One letter an eighth of a bar of four: down, up, rest; capitals are accents.
_STRUMS = (
    "D-D-D-D-",
    "D-dud-du",
    "D-d--udu",
    "DududuDu",
    "D---d-du",
    "d-Du-uDu",
    "D-d-D-du",
    "--d---d-",
    "D--D--D-",
    "D-------",
)
_PICKINGS: tuple[tuple[int, ...], ...] = (
    (0, 1, 2, 3, 2, 1),
    (0, 1, 2, 1, 3, 1, 2, 1),
    (0, 2, 1, 3),
    (0, 3, 2, 1),
    (0, 1, 2, 3, 4, 3, 2, 1),
    (0, 2, 3, 2),
    (0, 1, 2, 3, 4, 5, 4, 3),
)


def write_chords(
    random: np.random.Generator, instrument: Instrument, chords: Sequence[Chord], beats_per_bar: int
) -> list[Stroke]:
    """Strings struck almost together, once to four times a bar, short or held; power chords as riffs."""
    strokes: list[Stroke] = []
    spread_s = float(random.uniform(0, 0.008))
    short = random.random() < 0.35
    palm = random.random() < 0.3
    grid = float(random.choice([0.5, 1.0, 1.0, 2.0, 4.0]))
    density = float(random.uniform(0.55, 1.0))
    few = random.random() < 0.35
    for bar, chord in enumerate(chords):
        voicing = draw_voicing(random, chord, instrument)
        if few and len(voicing) > 4:
            start = int(random.integers(0, len(voicing) - 2))
            voicing = voicing[start : start + int(random.integers(3, 5))]
        begins = [beat for beat in np.arange(0, beats_per_bar, grid) if beat == 0 or random.random() < density]
        for begin, end in zip(begins, [*begins[1:], float(beats_per_bar)], strict=True):
            muted = palm and len(chord.intervals) == 2 and random.random() < 0.6
            held = (end - begin) * (float(random.uniform(0.3, 0.8)) if short else 0.97)
            for index, place in enumerate(reversed(voicing)):
                beat = float(bar * beats_per_bar + begin)
                velocity = 0.7 if begin == 0 else 0.6
                strokes.append(Stroke(beat, place, held, velocity, PALM_MUTE if muted else PLUCK, index * spread_s / 3))
    return strokes


def write_strums(
    random: np.random.Generator, instrument: Instrument, chords: Sequence[Chord], beats_per_bar: int
) -> list[Stroke]:
    """Down and up strokes over an eighth-note pattern; each string follows the one before by 1–40 ms in all."""
    pattern = _STRUMS[random.integers(len(_STRUMS))]
    slow_s, fast_s = sorted(random.uniform(0.001, 0.04, 2))[::-1]
    damped = random.random() < 0.25
    swing = float(random.choice([0.0, 0.0, 0.0, 0.12]))
    strokes: list[Stroke] = []
    for bar, chord in enumerate(chords):
        voicing = draw_voicing(random, chord, instrument)
        hits = [i for i in range(beats_per_bar * 2) if pattern[i % 8] != "-"]
        for index, eighth in enumerate(hits):
            letter = pattern[eighth % 8]
            until = hits[index + 1] if index + 1 < len(hits) else beats_per_bar * 2
            beat = bar * beats_per_bar + eighth / 2 + (swing if eighth % 2 else 0.0)
            held = (
                (until - eighth) / 2 * float(random.uniform(0.4, 0.7))
                if damped
                else ((bar + 1) * beats_per_bar - beat) * 0.98
            )
            down = letter.lower() == _DOWN
            accent = 0.78 if letter.isupper() else 0.6
            strokes += _strum(random, voicing, beat, held, down, accent, float(random.uniform(fast_s, slow_s)))
    return strokes


def _strum(
    random: np.random.Generator,
    voicing: Sequence[Position],
    beat: float,
    held: float,
    down: bool,
    velocity: float,
    spread_s: float,
) -> list[Stroke]:
    """Down from the lowest string; an up-stroke often leaves the low ones out. What is not struck rings on."""
    hit = sorted(voicing, reverse=down)
    if not down:
        hit = hit[: int(random.integers(min(2, len(hit)), len(hit) + 1))]
        velocity -= 0.08
    elif random.random() < 0.15:
        hit = hit[: max(2, len(hit) - int(random.integers(0, 3)))]
    step_s = spread_s / max(1, len(hit) - 1)
    slope = float(random.uniform(-0.15, 0.05)) / max(1, len(hit) - 1)
    return [
        Stroke(beat, place, held, velocity + slope * i, PLUCK, i * step_s * float(random.uniform(0.7, 1.3)))
        for i, place in enumerate(hit)
    ]


def write_fingerpicking(
    random: np.random.Generator, instrument: Instrument, chords: Sequence[Chord], beats_per_bar: int
) -> list[Stroke]:
    """A thumb on the low strings, fingers on the high ones, everything ringing until the chord changes (or damped)."""
    step = float(random.choice([0.25, 0.5, 0.5, 1 / 3, 1.0]))
    pattern = _PICKINGS[random.integers(len(_PICKINGS))]
    walking = random.random() < 0.5
    ring = random.random() < 0.8
    pinch = float(random.uniform(0, 0.3))
    strokes: list[Stroke] = []
    for bar, chord in enumerate(chords):
        voicing = sorted(draw_voicing(random, chord, instrument), reverse=True)
        start, end = float(bar * beats_per_bar), float((bar + 1) * beats_per_bar)
        for index in range(round(beats_per_bar / step)):
            beat = start + index * step
            held = (end - beat) * 0.99 if ring else step * float(random.uniform(0.7, 1.6))
            which = pattern[index % len(pattern)] % len(voicing)
            if which == 0 and walking and index and len(voicing) > 3:
                which = int(random.integers(0, 2))
            thumb = which == 0
            strokes.append(Stroke(beat, voicing[which], held, 0.68 if thumb else 0.55))
            if random.random() < pinch and len(voicing) > 2:
                other = len(voicing) - 1
                if other != which:
                    strokes.append(Stroke(beat, voicing[other], held, 0.62, PLUCK, float(random.uniform(0, 0.01))))
    return strokes
