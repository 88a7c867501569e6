"""An instrument as a network sees it: for every string and pitch, how far up the neck that is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from music.tuning import MAX_STRINGS, Instrument

NOT_THERE = -1.0
_FRETS_AN_OCTAVE = 12


def fret_map(instrument: Instrument, lowest_pitch: int, pitch_count: int) -> NDArray[np.float32]:
    """f32[8, pitch_count]: row s - 1 is string s, column j MIDI pitch `lowest_pitch` + j. Frets count from the capo, in
    octaves (fret / 12); -1 where the string does not have the pitch, or the instrument not that string.
    """
    frets = np.full((MAX_STRINGS, pitch_count), NOT_THERE, np.float32)
    for column in range(pitch_count):
        for position in instrument.positions_of(lowest_pitch + column):
            frets[position.string - 1, column] = position.fret / _FRETS_AN_OCTAVE
    return frets
