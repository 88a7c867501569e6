"""Where a contour says a note's pitch lies."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from music.activations import BINS_PER_SEMITONE, CONTOUR_BINS, beside_silence

_REACH = 5
# The network's contour never falls much below 0.1, so less than twice that says nothing.
_LEAST_SALIENCE = 0.2
# Nearer crests count more, or a louder neighbour's contour is taken for a bend.
_NEARNESS = np.exp(-0.5 * (np.arange(-_REACH, _REACH + 1) / 2.5) ** 2).astype(np.float32)


def crest_deviation(contour: NDArray[np.float32]) -> NDArray[np.float32]:
    """Where the contour's crest lies near every pitch.

    Args:
        contour: f32[t, 264], see `Activations`.

    Returns:
        f32[t, 88]: semitones above (+) or below (-) the pitch, within ± 5/3; NaN where there is no salience.
    """
    span = 2 * _REACH + 1
    padded = beside_silence(contour, _REACH, _REACH)
    windows = np.lib.stride_tricks.sliding_window_view(padded, span, axis=1)[:, 1:CONTOUR_BINS:BINS_PER_SEMITONE]
    weighted = windows * _NEARNESS
    crest = weighted.argmax(axis=2)
    deviation: NDArray[np.float32] = ((crest - _REACH) / BINS_PER_SEMITONE).astype(np.float32)
    deviation[weighted.max(axis=2) < _LEAST_SALIENCE] = np.nan
    return deviation
