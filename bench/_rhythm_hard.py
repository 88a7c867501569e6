"""Music that has no beat, or one that trackers do not expect."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bench._rhythm_pieces import plain, without_metre
from inference.training.accompaniments import write_fingerpicking, write_strums
from inference.training.chords import draw_key, draw_progression
from inference.training.strokes import Clock, play
from music.audio import SAMPLE_RATE_HZ
from music.note import Note
from music.tuning import Instrument

Hard = tuple[str, tuple[Note, ...], int, NDArray[np.float64], int]
_SECONDS = 40.0


def hard_pieces(seed: int) -> Iterator[Hard]:
    """Name, notes, duration in samples, true beats in seconds (none where there is no beat), beats of a bar."""
    yield _metred("tempo 40", seed, 40.0, 4)
    yield _metred("tempo 240", seed + 1, 240.0, 4)
    yield _metred("5/4", seed + 2, 110.0, 5)
    yield _metred("7/8", seed + 3, 210.0, 7)
    yield _metred("rubato", seed + 4, 90.0, 4, uneven=0.22)
    name, notes, duration, beats, count = _metred("silence in the middle", seed + 5, 100.0, 4)
    hole = (14 * SAMPLE_RATE_HZ, 26 * SAMPLE_RATE_HZ)
    kept = tuple(note for note in notes if not hole[0] <= note.onset < hole[1])
    yield name, kept, duration, beats[(beats < 14) | (beats >= 26)], count
    free, duration = next(without_metre(seed + 6, 1, _SECONDS))
    yield "free time", free, duration, np.zeros(0), 0
    yield "one note", notes[:1], duration, np.zeros(0), 0
    yield "nothing", (), duration, np.zeros(0), 0
    yield "all at once", tuple(replace(note, onset=0, offset=9) for note in notes[:50]), duration, np.zeros(0), 0


def _metred(name: str, seed: int, tempo_bpm: float, beats_per_bar: int, uneven: float = 0.0) -> Hard:
    random = np.random.default_rng([seed, 6])
    bars = int(_SECONDS * tempo_bpm / 60 / beats_per_bar)
    lengths = 60 / tempo_bpm * np.exp(random.normal(0, uneven, bars * beats_per_bar))
    beats = 0.3 + np.concatenate([[0.0], np.cumsum(lengths)])
    chords = draw_progression(random, *draw_key(random), bars, 0.0)
    write = write_strums if beats_per_bar != 7 else write_fingerpicking
    strokes = write(random, Instrument(), chords, beats_per_bar)
    duration = round((float(beats[-1]) + 2) * SAMPLE_RATE_HZ)
    played = play(random, strokes, Clock(tuple(beats.tolist())), Instrument(), duration)
    return name, plain(played), duration, beats, beats_per_bar
