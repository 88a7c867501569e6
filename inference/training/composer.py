"""Composes and performs guitar music: every style, position, tuning and capo, with labels that are exact by birth."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from inference.training.accompaniments import write_chords, write_fingerpicking, write_strums
from inference.training.chords import draw_key, draw_progression
from inference.training.melodies import write_line
from inference.training.score import Chord, Performance
from inference.training.strokes import Stroke, draw_clock, play
from music.audio import SAMPLE_RATE_HZ
from music.tuning import TUNINGS, Instrument

STYLES = ("lines", "chords", "strums", "fingerpicking", "mixed")
TUNING_SHARES: Mapping[str, float] = {
    "standard": 0.64,
    "half_step_down": 0.06,
    "drop_d": 0.08,
    "dadgad": 0.03,
    "open_g": 0.03,
    "open_d": 0.03,
    "seven_string": 0.03,
    "eight_string": 0.02,
    "bass": 0.04,
    "bass_five": 0.02,
    "ukulele": 0.02,
}
_TEMPO_BPM = (60.0, 200.0)
_BASS_TOP = 50
_Writer = Callable[[np.random.Generator, Instrument, Sequence[Chord], int], list[Stroke]]
_WRITERS: dict[str, _Writer] = {
    "chords": write_chords,
    "strums": write_strums,
    "fingerpicking": write_fingerpicking,
}


def draw_instrument(random: np.random.Generator, shares: Mapping[str, float] = TUNING_SHARES) -> Instrument:
    """A tuning by its share, a capo on one guitar in four, 19 to 24 frets."""
    weights = np.array(list(shares.values()))
    name = list(shares)[random.choice(len(weights), p=weights / weights.sum())]
    tuning = TUNINGS[name]
    capo = int(random.integers(1, 8)) if random.random() < 0.25 and not _is_bass(tuning) else 0
    return Instrument(tuning, capo, int(random.choice([19, 20, 22, 22, 24])))


def compose(
    random: np.random.Generator,
    instrument: Instrument,
    style: str,
    duration_s: float,
    beats_per_bar: int | None = None,
) -> Performance:
    """A piece in one style.

    Args:
        random: everything is drawn from it and nothing else.
        instrument: what it is played on; a bass plays lines whatever the style.
        style: one of `STYLES`; "mixed" changes every few bars.
        duration_s: length of the recording; the last notes end within it.
        beats_per_bar: instead of one that is drawn.

    Raises:
        ValueError: there is no such style.
    """
    if style in STYLES and _is_bass(instrument.tuning):
        style = "lines"
    if style not in STYLES:
        raise ValueError(f"There is no style {style!r}; there is: {', '.join(STYLES)}.")
    drawn = int(random.choice([4, 4, 4, 4, 3, 3, 2]))
    beats_per_bar = beats_per_bar or drawn
    tempo_bpm = float(np.exp(random.uniform(*np.log(_TEMPO_BPM))))
    start_s = float(random.uniform(0.1, 0.8))
    bars = max(1, int((duration_s - start_s) * tempo_bpm / 60 / beats_per_bar) + 2)
    clock = draw_clock(random, tempo_bpm, bars * beats_per_bar, start_s)
    tonic, scale = draw_key(random)
    power = {"chords": 0.35, "mixed": 0.15}.get(style, 0.08)
    chords = draw_progression(random, tonic, scale, bars, power)
    duration = round(duration_s * SAMPLE_RATE_HZ)
    strokes: list[Stroke] = []
    bar = 0
    while bar < bars:
        section = bars - bar if style != "mixed" else min(bars - bar, int(random.integers(1, 5)))
        part = _write(random, instrument, style, tonic, chords[bar : bar + section], beats_per_bar)
        strokes += (_later(stroke, bar * beats_per_bar) for stroke in part)
        bar += section
    played = play(random, strokes, clock, instrument, duration)
    beats = tuple(round(time_s * SAMPLE_RATE_HZ) for time_s in clock.beat_s)
    return Performance(instrument, style, played, beats, beats_per_bar, chords, duration)


def _write(
    random: np.random.Generator,
    instrument: Instrument,
    style: str,
    tonic: int,
    chords: Sequence[Chord],
    beats_per_bar: int,
) -> list[Stroke]:
    if style == "mixed":
        style = str(random.choice(["lines", "chords", "strums", "fingerpicking"]))
    if style == "lines":
        return write_line(random, instrument, tonic, chords, beats_per_bar)
    return _WRITERS[style](random, instrument, chords, beats_per_bar)


def _is_bass(tuning: Sequence[int]) -> bool:
    return max(tuning) < _BASS_TOP


def _later(stroke: Stroke, beats: int) -> Stroke:
    return replace(stroke, beat=stroke.beat + beats)
