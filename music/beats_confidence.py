"""How far bars can be believed: a probability from how well the notes sit on them.

Three figures are asked of the music around a bar: how much better its onsets fit the beats than onsets strewn at random
would, how many there are to judge by, and how clear the downbeats are. Fitted by `bench/fit_rhythm.py` against whether
the bar was right, on composed pieces and on notes without any metre.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from music.audio import SAMPLE_RATE_HZ
from music.beats_weights import ConfidenceWeights

_REACH = 8
_NEAR = 0.2
_LIKE_FITTED = 0.94
"""Weights are fitted on composed music; one piece in seventeen is taken to be of a kind that nobody composed."""
_HOLE_BEATS, _HOLE = 6.0, 3 * SAMPLE_RATE_HZ
"""Silence of more beats than that, and longer, is a hole: what is on its other side says nothing of a beat."""


def figures(beats: Sequence[int], onsets: Sequence[int], odds: NDArray[np.float64]) -> NDArray[np.float64]:
    """f64[beats, 6]: for every beat, judged on the eight around it each way, as far as no hole is between.

    Args:
        beats: sample indices, rising.
        onsets: sample indices, rising.
        odds: f64[beats], log odds of the bars that the beats are in, against others.
    """
    edges = np.asarray(beats, np.float64)
    lengths = np.diff(edges, append=2 * edges[-1] - edges[-2])
    times = np.asarray(onsets, np.float64)
    at = np.clip(np.searchsorted(edges, times, side="right") - 1, 0, len(edges) - 1)
    phase = (times - edges[at]) / lengths[at]
    inside = (phase > -0.5) & (phase < 1.0)
    at, phase = at[inside], phase[inside]
    near = np.minimum.reduce([np.abs(phase - place) for place in (0.0, 0.5, 1.0)])
    fine = np.minimum.reduce([np.abs(phase - place) for place in (0.0, 0.25, 1 / 3, 0.5, 2 / 3, 0.75, 1.0)])
    off_s = fine * lengths[at] / SAMPLE_RATE_HZ
    on_beat = np.minimum(phase, np.abs(1 - phase)) < _NEAR / 2
    struck_at = np.zeros(len(edges))
    struck_at[np.minimum(at[on_beat] + (phase[on_beat] > 0.5), len(edges) - 1)] = 1.0
    out = np.zeros((len(edges), 6))
    out[:, 5] = odds / 10
    part, of_stroke = _parts(edges, times, float(np.median(lengths)))
    of_stroke = of_stroke[inside]
    steps = np.abs(np.diff(np.log(lengths), append=np.log(lengths[-1])))
    for beat in range(len(edges)):
        around = (np.abs(at - beat) <= _REACH) & (of_stroke == part[beat])
        window = slice(max(0, beat - _REACH), beat + _REACH + 1)
        heard = int(around.sum())
        if heard:
            out[beat, 0] = np.mean(np.minimum(near[around] / 0.25, 1.0))
            out[beat, 1] = np.mean(np.minimum(off_s[around] / 0.04, 1.0))
        out[beat, 2] = min(heard / 16, 1.5)
        out[beat, 3] = struck_at[window].mean()
        out[beat, 4] = min(float(np.mean(steps[window])) / 0.05, 1.5)
    return out


def _parts(
    beats: NDArray[np.float64], times: NDArray[np.float64], period: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Which part of the music, between two holes, each beat and each stroke belongs to; −1 for beats in a hole."""
    holes = np.flatnonzero(np.diff(times) > max(_HOLE_BEATS * period, _HOLE))
    begins, ends = times[holes], times[holes + 1] - period / 2
    part = np.searchsorted(ends, beats, side="right")
    is_silent = (part < len(holes)) & (beats > np.append(begins, np.inf)[part] + period / 2)
    of_stroke = np.searchsorted(times[holes + 1], times, side="right")
    return np.asarray(np.where(is_silent, -1, part)), np.asarray(of_stroke)


def believed(found: NDArray[np.float64], weights: ConfidenceWeights) -> NDArray[np.float64]:
    """f64[beats]: probability that each is right; none where nothing sounds near it."""
    odds = found @ np.asarray(weights.figures[:-1]) + weights.figures[-1]
    return np.asarray(np.where(found[:, 2] > 0.2, _LIKE_FITTED / (1 + np.exp(-odds)), 0.0))
