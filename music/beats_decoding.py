"""Rows of beats read from what the beat network expects: one for each tempo it finds likely.

Dynamic programming after Ellis, "Beat tracking by dynamic programming" (JNMR 36, 2007), over log odds of a beat instead
of onset strength: beats are where they are expected, about a period apart.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from music.audio import SAMPLE_RATE_HZ
from music.beats_evidence import Evidence
from music.beats_hearing import HOP
from music.beats_network import FASTEST_BPM, SLOWEST_BPM, TEMPI

Array = NDArray[np.float64]
_ROWS = 3
_APART = 2
"""Tempi that are nearer to each other than that are one."""
_SHORTEST, _LONGEST = 0.75, 1.35
_STEADY = 0.07
"""Spread of log(length of a beat / period)."""
_LEAST, _MOST = -5.0, 4.0


def decoded(heard: Evidence) -> list[NDArray[np.int64]]:
    """Rows of beats, likeliest tempo first: sample indices, rising."""
    odds = np.clip(heard.beat, _LEAST, _MOST)
    return [beats for bpm in likely_tempi(heard) if len(beats := _best(odds, bpm, heard.begin)) > 1]


def likely_tempi(heard: Evidence) -> list[float]:
    """Beats a minute, likeliest first, three at most."""
    left = np.exp(heard.tempo[:, :TEMPI]).mean(axis=0)
    found: list[float] = []
    while len(found) < _ROWS and left.max() > 0:
        top = int(left.argmax())
        around = np.arange(max(0, top - 1), min(TEMPI, top + 2))
        place = float((around * left[around]).sum() / left[around].sum())
        found.append(SLOWEST_BPM * (FASTEST_BPM / SLOWEST_BPM) ** (place / (TEMPI - 1)))
        left[max(0, top - _APART) : top + _APART + 1] = 0.0
    return found


def _best(odds: Array, bpm: float, begin: int) -> NDArray[np.int64]:
    period = 60 * SAMPLE_RATE_HZ / (bpm * HOP)
    lengths = np.arange(max(1, round(_SHORTEST * period)), round(_LONGEST * period) + 1)
    price = -0.5 * (np.log(lengths / period) / _STEADY) ** 2
    frames, longest, block = len(odds), int(lengths[-1]), int(lengths[0])
    score = np.full(frames + longest, -1e9)
    score[:longest] = 0.0  # a row may begin anywhere in the first period
    score[longest:] = 0.0
    came = np.full(frames, -1, np.int64)
    for at in range(0, frames, block):
        own = np.arange(at, min(at + block, frames))
        reached = score[own[:, None] + longest - lengths[None, :]] + price[None]
        chosen = reached.argmax(axis=1)
        best = reached[np.arange(len(own)), chosen]
        starts = own < longest
        came[own] = np.where(starts & (best <= 0), -1, own - lengths[chosen])
        score[own + longest] = np.where(starts, np.maximum(best, 0.0), best) + odds[own]
    last = frames - longest + int(score[frames:].argmax()) if frames > longest else int(score[longest:].argmax())
    path = []
    while last >= 0:
        path.append(last)
        last = int(came[last])
    centres = [_centre(odds, frame) for frame in reversed(path)]
    return np.asarray([round(begin + centre * HOP) for centre in centres], np.int64)


def _centre(odds: Array, frame: int) -> float:
    around = np.arange(max(0, frame - 1), min(len(odds), frame + 2))
    weights = 1 / (1 + np.exp(-odds[around]))
    return float((around * weights).sum() / weights.sum())
