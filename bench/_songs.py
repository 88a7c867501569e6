"""Songs whose bars can be heard: what tells a listener where a bar begins is composed, each cue more or less strongly.

The training composer draws rhythms and chords without thinking of bars: a line that wanders over a scale, a chord every
four beats and nothing between, strokes on the second and fourth beat only have no barline that anybody could hear. Here
harmony changes at bars and closes in cadences, the bass goes to the root on one, phrases of four bars repeat their
motif, and rhythms lean on the metre, or against it: how much is drawn for every song. Rhythms are drawn or taken from
tables; what is reported on has other tables than what is fitted on (`Song.spare`). No song was copied.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bench._song_manner import Bar, Manner
from bench._song_parts import PARTS, write_ending
from inference.training.chords import MAJOR, MINOR
from inference.training.score import Chord, Performance
from inference.training.strokes import Stroke, draw_clock, play
from music.audio import SAMPLE_RATE_HZ
from music.tuning import TUNINGS, Instrument

_TEMPO_BPM, _SPREAD, _SLOWEST, _FASTEST = 104.0, 0.22, 62.0, 172.0
_FORMS = ("AABA", "ABAB", "AAAA", "AABB", "ABAC")
_CADENCES = ((4, 0), (3, 4), (4, 4), (3, 0), (1, 4))
"""Degrees of a section's last two bars."""
_COLOURED = 0.15
_MELODIC = ("tune", "tune and bass", "bass", "riff")


@dataclass(frozen=True, slots=True)
class Song:
    """A performance, and how many beats before its first bar are played: a pickup."""

    performance: Performance
    pickup: int


def songs(first_seed: int, count: int, duration_s: float, *, spare: bool, turn: int = 0) -> Iterator[Song]:
    """Every part in turn, the first one by `turn`; `spare` takes rhythms from the tables that are kept for reports."""
    for number in range(count):
        random = np.random.default_rng([first_seed + number, 21])
        yield _song(random, list(PARTS)[(turn + number) % len(PARTS)], duration_s, spare)


def _song(random: np.random.Generator, part: str, duration_s: float, spare: bool) -> Song:
    manner = _draw_manner(random, part, spare)
    start_s = float(random.uniform(0.1, 0.8))
    # As many whole bars as there is time for, so that the end is an end.
    bar_s = 60 / manner.tempo_bpm * manner.beats
    bars = max(4, int((duration_s - start_s - 1.0) / bar_s) - 1)
    pickup = _draw_pickup(random, manner, part)
    lead = 1 if pickup else 0
    length = int(random.choice([4, 4, 8])) if bars >= 16 else 4
    form = str(random.choice(_FORMS))
    sections = {name: _draw_section(random, manner, length) for name in sorted(set(form))}
    second = str(random.choice(list(PARTS))) if random.random() < 0.3 and part not in ("tune", "bass") else part
    textures = {name: part if name == "A" else second for name in sections}
    written: dict[str, list[Stroke]] = {}
    strokes: list[Stroke] = []
    chords: list[Bar] = []
    for number, begin in enumerate(range(0, bars, length)):
        name = form[number % len(form)]
        if name not in written or random.random() < 0.15:
            written[name] = PARTS[textures[name]](random, manner, sections[name])
        kept = (bars - begin) * manner.beats
        strokes += [replace(s, beat=s.beat + begin * manner.beats) for s in written[name] if s.beat < kept - 1e-6]
        chords += sections[name][: bars - begin]
    if random.random() < 0.8:
        strokes += write_ending(manner, bars)
    if pickup:
        strokes = [replace(s, beat=s.beat + manner.beats) for s in strokes]
        strokes += _write_pickup(random, manner, pickup)
    total = bars + lead + 2
    clock = draw_clock(random, manner.tempo_bpm, total * manner.beats, start_s)
    duration = round(duration_s * SAMPLE_RATE_HZ)
    played = play(random, _swung(strokes, manner), clock, manner.instrument, duration)
    beats = tuple(round(time_s * SAMPLE_RATE_HZ) for time_s in clock.beat_s)
    plain = tuple(bar[0][1] for bar in chords) if all(len(bar) == 1 for bar in chords) and not pickup else ()
    return Song(Performance(manner.instrument, f"song {part}", played, beats, manner.beats, plain, duration), pickup)


def _draw_manner(random: np.random.Generator, part: str, spare: bool) -> Manner:
    beats = int(random.choice([4, 3, 2], p=[0.7, 0.22, 0.08]))
    tempo = float(np.clip(_TEMPO_BPM * np.exp(random.normal(0, _SPREAD)), _SLOWEST, _FASTEST))
    if beats == 3:
        tempo = min(tempo * 1.15, _FASTEST)
    elif beats == 2:  # two beats of three eighths
        tempo = min(tempo * 0.75, 110.0)
    step = 0.5
    if beats == 2 or (tempo < 112 and random.random() < 0.2):
        step = 1 / 3
    elif tempo < 108 and random.random() < (0.6 if tempo < 88 else 0.35):
        step = 0.25
    names = {"bass": ("bass", "bass_five")}.get(part, ("standard",) * 7 + ("half_step_down", "drop_d"))
    capo = int(random.integers(1, 6)) if part in ("strums", "picked", "travis") and random.random() < 0.3 else 0
    return Manner(
        instrument=Instrument(TUNINGS[str(random.choice(names))], capo),
        beats=beats,
        step=step,
        tempo_bpm=tempo,
        swing=float(random.uniform(0.08, 0.17)) if step == 0.5 and random.random() < 0.18 else 0.0,
        tonic=int(random.integers(12)),
        scale=MAJOR if random.random() < 0.6 else MINOR,
        against=float(random.beta(1.5, 3.0)),
        accent=float(random.uniform(0.0, 0.3)),
        density=float(random.uniform(0.35, 0.75)),
        spare=spare,
    )


def _draw_section(random: np.random.Generator, manner: Manner, bars: int) -> list[Bar]:
    """Chords of a section: from the tonic, mostly, to a cadence; some for two bars, some for half a bar."""
    degrees = [0 if random.random() < 0.75 else int(random.choice([3, 5]))]
    slow, quick = float(random.choice([0.0, 0.0, 0.3, 0.6])), float(random.choice([0.0, 0.0, 0.15, 0.4]))
    while len(degrees) < bars:
        stays = random.random() < slow and len(degrees) % 2 == 1
        moves = [d for d in (0, 1, 2, 3, 4, 5) if d != degrees[-1]]
        chances = np.asarray([(0.2, 0.14, 0.08, 0.24, 0.22, 0.18)[d] for d in moves])
        degrees.append(degrees[-1] if stays else int(random.choice(moves, p=chances / chances.sum())))
    degrees[-2:] = _CADENCES[random.integers(len(_CADENCES))]
    found: list[Bar] = []
    for degree in degrees:
        chord = _chord(random, manner, degree)
        if manner.beats in (3, 4) and random.random() < quick:
            other = _chord(random, manner, int(random.choice([d for d in (0, 1, 3, 4, 5) if d != degree])))
            found.append(((0.0, chord), (2.0, other)))
        else:
            found.append(((0.0, chord),))
    return found


def _chord(random: np.random.Generator, manner: Manner, degree: int) -> Chord:
    scale = manner.scale
    intervals = [0, *((scale[(degree + n) % 7] - scale[degree]) % 12 for n in (2, 4))]
    if degree == 4 and manner.scale == MINOR and random.random() < 0.6:
        intervals[1] = 4
    if random.random() < _COLOURED:
        intervals.append((scale[(degree + 6) % 7] - scale[degree]) % 12)
    return Chord((manner.tonic + scale[degree]) % 12, tuple(intervals))


def _draw_pickup(random: np.random.Generator, manner: Manner, part: str) -> int:
    """Beats played before bar 1: tunes often have them, accompaniments seldom."""
    often = 0.3 if part in _MELODIC else 0.06
    return 1 + int(random.random() < 0.25 and manner.beats > 2) if random.random() < often else 0


def _write_pickup(random: np.random.Generator, manner: Manner, pickup: int) -> list[Stroke]:
    rungs = manner.rungs(random)
    at = int(random.integers(len(rungs) // 3, len(rungs)))
    way = int(random.choice([-1, 1]))
    step = 0.5 if manner.step != 1 / 3 else 1 / 3
    count = round(pickup / step) if random.random() < 0.7 else pickup
    places = [manner.beats - pickup + n * pickup / count for n in range(count)]
    ladder = [int(np.clip(at + way * n, 0, len(rungs) - 1)) for n in range(count)]
    return [Stroke(place, rungs[rung], 0.95 * pickup / count, 0.6) for place, rung in zip(places, ladder, strict=True)]


def _swung(strokes: Sequence[Stroke], manner: Manner) -> list[Stroke]:
    late = manner.swing
    return [replace(s, beat=s.beat + late) if late and abs(s.beat % 1 - 0.5) < 1e-6 else s for s in strokes]
