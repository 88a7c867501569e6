"""Tracks as songs have them, by idiom: where on the neck a style puts its notes is what `compose` leaves to chance.

`compose` visits every place of the neck evenly, which is right for learning sounds. To learn where a hand goes one has
to know where hands do go: open chords with a capo, power chords near the nut, solos in the box of their key, grips
without open strings. Written down from how the guitar is taught; no song was copied.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from inference.training import song_shapes as shapes
from inference.training.score import Performance
from inference.training.song_backing import chopped, over_open, picked, riffed, strummed, two_voices
from inference.training.song_lines import (
    BEATS,
    write_along,
    write_bass,
    write_doubled,
    write_melody,
    write_riff,
    write_run,
    write_solo,
)
from inference.training.strokes import Stroke, draw_clock, play
from music.audio import SAMPLE_RATE_HZ
from music.tuning import TUNINGS, Instrument, Position

IDIOMS: Mapping[str, float] = MappingProxyType(
    {
        "open_strummed": 0.13,
        "open_picked": 0.14,
        "melody": 0.13,
        "altered": 0.05,
        "over_open": 0.03,
        "barre": 0.06,
        "power": 0.10,
        "riff": 0.08,
        "solo": 0.09,
        "run": 0.02,
        "along": 0.01,
        "doubled": 0.02,
        "bass": 0.07,
        "jazz": 0.03,
        "triads": 0.02,
        "classical": 0.02,
    }
)
"""Shares by idiom."""

_SIX = {"standard": 0.78, "half_step_down": 0.22}
_LOW = {"standard": 0.5, "half_step_down": 0.2, "drop_d": 0.22, "seven_string": 0.05, "eight_string": 0.03}
_ALTERED = {"dadgad": 0.35, "open_g": 0.3, "open_d": 0.2, "drop_d": 0.15}
_BASS = {"bass": 0.8, "bass_five": 0.2}
_PLAIN = {"standard": 0.85, "half_step_down": 0.1, "drop_d": 0.05}
_TUNINGS: Mapping[str, Mapping[str, float]] = {
    "altered": _ALTERED,
    "power": _LOW,
    "riff": _LOW,
    "bass": _BASS,
    "solo": _PLAIN,
    "melody": {"standard": 0.85, "half_step_down": 0.05, "drop_d": 0.05, "ukulele": 0.05},
    "run": _PLAIN,
    "classical": {"standard": 0.8, "drop_d": 0.2},
    "over_open": {"standard": 0.8, "drop_d": 0.1, "half_step_down": 0.1},
}
_CAPO = {"melody": 0.15, "open_strummed": 0.35, "open_picked": 0.4, "altered": 0.2, "over_open": 0.15}


def write_song(
    random: np.random.Generator, idiom: str, duration_s: float, instrument: Instrument | None = None
) -> Performance:
    """One track.

    Args:
        random: everything is drawn from it and nothing else.
        idiom: one of `IDIOMS`.
        duration_s: length; the last notes end within it.
        instrument: what it is played on, instead of one that the idiom likes.

    Raises:
        ValueError: there is no such idiom.
    """
    if idiom not in IDIOMS:
        raise ValueError(f"There is no idiom {idiom!r}; there is: {', '.join(IDIOMS)}.")
    instrument = instrument or _instrument(random, idiom)
    tempo_bpm = float(np.exp(random.uniform(*np.log((70.0, 170.0)))))
    bars = max(2, int(duration_s * tempo_bpm / 60 / BEATS) + 1)
    clock = draw_clock(random, tempo_bpm, bars * BEATS, 0.2)
    strokes = _write(random, instrument, idiom, bars)
    duration = round(duration_s * SAMPLE_RATE_HZ)
    beats = tuple(round(time_s * SAMPLE_RATE_HZ) for time_s in clock.beat_s)
    played = play(random, strokes, clock, instrument, duration)
    return Performance(instrument, f"songs/{idiom}", played, beats, BEATS, (), duration)


def _instrument(random: np.random.Generator, idiom: str) -> Instrument:
    shares = _TUNINGS.get(idiom, _SIX)
    name = str(random.choice(list(shares), p=list(shares.values())))
    capo = int(random.integers(1, 8)) if random.random() < _CAPO.get(idiom, 0.0) else 0
    return Instrument(TUNINGS[name], capo, int(random.choice([20, 22, 24])))


def _write(random: np.random.Generator, instrument: Instrument, idiom: str, bars: int) -> list[Stroke]:
    """Two parts that come round by turns, as verse and chorus do."""
    parts = [_part(random, instrument, idiom, 4) for _ in range(int(random.choice([1, 2, 2, 3])))]
    strokes: list[Stroke] = []
    for start in range(0, bars, 4):
        fresh = idiom in ("solo", "run", "classical") and random.random() < 0.6
        part = _part(random, instrument, idiom, 4) if fresh else parts[(start // 8) % len(parts)]
        strokes += [
            Stroke(s.beat + start * BEATS, s.position, s.length, s.velocity, s.technique, s.late_s) for s in part
        ]
    last = instrument.fret_count - instrument.capo
    return [s for s in strokes if s.position.fret <= last]


def _part(random: np.random.Generator, instrument: Instrument, idiom: str, bars: int) -> list[Stroke]:
    match idiom:
        case "open_strummed":
            return strummed(random, shapes.open_progression(random, bars), bars)
        case "open_picked":
            return picked(random, shapes.open_progression(random, bars), bars, melody=bool(random.random() < 0.4))
        case "over_open":
            return over_open(random, instrument, bars)
        case "altered":
            return _altered(random, instrument, bars)
        case "barre":
            voicings = shapes.barre_progression(random, bars, int(random.choice([6, 6, 4])))
            back = strummed if random.random() < 0.6 else chopped
            return back(random, voicings, bars)
        case "power":
            low = Position(instrument.string_count, 0)
            pedal = low if random.random() < 0.6 else None
            return riffed(random, shapes.power_progression(random, instrument, 4), bars, pedal)
        case "jazz":
            return chopped(random, shapes.jazz_progression(random, bars), bars)
        case "triads":
            return chopped(random, shapes.triad_progression(random, instrument, bars), bars)
        case "classical":
            return two_voices(random, instrument, bars)
    lines = {
        "riff": write_riff,
        "solo": write_solo,
        "melody": write_melody,
        "run": write_run,
        "along": write_along,
        "doubled": write_doubled,
        "bass": write_bass,
    }
    return lines[idiom](random, instrument, bars)


def _altered(random: np.random.Generator, instrument: Instrument, bars: int) -> list[Stroke]:
    """Open tunings: shapes of one or two fingers over open strings, a straight finger across, or a drone."""
    if random.random() < 0.3:
        return write_along(random, instrument, bars)
    voicings = []
    for _ in range(bars):
        fret = int(random.choice([0, 0, 2, 3, 5, 7, 12]))
        strings = range(1, instrument.string_count + 1)
        across = bool(random.random() < 0.4)
        shape = [Position(s, fret if across or s in (1, 2, 5) else 0) for s in strings if random.random() < 0.9]
        if not across:
            keep = [int(s) for s in random.choice([1, 2, 3, 4, 5, 6], 2, replace=False)]
            shape = [Position(p.string, fret if p.string in keep else 0) for p in shape]
        voicings.append(tuple(shape) or (Position(1, 0),))
    return picked(random, voicings, bars, melody=True) if random.random() < 0.7 else strummed(random, voicings, bars)
