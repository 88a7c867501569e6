"""Where the bars of a piece go wrong first: from the beats to what is written."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bench._rhythm_pieces import Composed
from bench._rhythm_scoring import beat_f1, beats_s, downbeats_s
from music.audio import SAMPLE_RATE_HZ
from music.beats import Bar

FAILURES = (
    "nothing wrong",
    "no bars",
    "twice too fast",
    "twice too slow",
    "another tempo",
    "half a beat off",
    "beats lost on the way",
    "metre",
    "downbeats",
    "bars counted otherwise",
    "places within the bar",
)
Array = NDArray[np.float64]
_RIGHT = 0.9
_OCTAVE = 0.12


def first_failure(piece: Composed, bars: Sequence[Bar], right: tuple[float, float]) -> str:
    """One of `FAILURES`; `right` are the shares of notes in the right bar and at the right place in it."""
    if not bars:
        return "no bars"
    beats, downs = (np.asarray(part) for part in piece.truth)
    truth_s, found_s = beats / SAMPLE_RATE_HZ, beats_s(bars)
    if beat_f1(truth_s, found_s) < _RIGHT:
        return _of_beats(truth_s, found_s)
    counts = [bar.signature.beats for bar in bars]
    if max(set(counts), key=counts.count) != piece.performance.beats_per_bar:
        return "metre"
    if beat_f1(truth_s[downs], downbeats_s(bars)) < _RIGHT:
        return "downbeats"
    if right[0] < _RIGHT:
        return "bars counted otherwise"
    return "nothing wrong" if right[1] >= _RIGHT else "places within the bar"


def _of_beats(truth_s: Array, found_s: Array) -> str:
    within = found_s[(found_s >= truth_s[0] - 0.1) & (found_s <= truth_s[-1] + 0.1)]
    if len(within) < 2:
        return "beats lost on the way"
    octave = float(np.log2(np.median(np.diff(truth_s)) / np.median(np.diff(within))))
    if abs(abs(octave) - 1) < _OCTAVE:
        return "twice too fast" if octave > 0 else "twice too slow"
    if abs(octave) > _OCTAVE:
        return "another tempo"
    middles = (truth_s[1:] + truth_s[:-1]) / 2
    return "half a beat off" if beat_f1(middles, within) > beat_f1(truth_s, within) else "beats lost on the way"
