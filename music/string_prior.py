"""Which string a note is likely on, by what sounds with it and has sounded before it: a small network.

It looks back only, so a live session and a finished one ask it the same. Everything is relative (pitches to the note,
frets to the hand that would play it), so one network serves every tuning. `bench/fit_arranging.py` fits it on composed
music and human tabs and writes string_prior.npz.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from music.audio import SAMPLE_RATE_HZ
from music.learned_arrays import LearnedArrays

Floats = NDArray[np.float64]
Float32s = NDArray[np.float32]
Indices = NDArray[np.intp]

PITCHES = 128
_FADES_S = (0.3, 2.0, 10.0)
PARTS = 2 + len(_FADES_S)
"""Sets of pitches that the network is told of: what begins, what rings on, and what sounded before as it fades."""


@dataclass(frozen=True, eq=False, slots=True)
class StringPrior(LearnedArrays):
    """Two hidden layers, rectified; the first one's input is split into what is the note's and what is the place's.

    Attributes:
        context: f32[CONTEXT_FIGURES, h].
        place: f32[PLACE_FIGURES, h].
        bias: f32[h].
        inner: f32[h, k].
        inner_bias: f32[k].
        outer: f32[k].
    """

    context: Float32s
    place: Float32s
    bias: Float32s
    inner: Float32s
    inner_bias: Float32s
    outer: Float32s

    def scores(self, context: Float32s, row: Indices, place: Float32s) -> Float32s:
        """f32[places], log odds within each note, from f32[notes, …] and for each place its note and f32[places, …]."""
        hidden = np.maximum(0, (context @ self.context)[row] + place @ self.place + self.bias)
        scores: Float32s = np.maximum(0, hidden @ self.inner + self.inner_bias) @ self.outer
        return scores


@cache
def learned_prior() -> StringPrior:
    """The network that comes with this package."""
    return StringPrior.shipped("string_prior.npz")


@dataclass(frozen=True, eq=False, slots=True)
class Moment:
    """Notes that begin together.

    Attributes:
        pitches: of the notes.
        held: pitches that ring on from before.
        past: f64[fades, 128], what `Memory` recalls.
    """

    pitches: tuple[int, ...]
    held: tuple[int, ...]
    past: Floats


class Memory:
    """What has sounded in one session: three histograms of pitches that fade at different speeds."""

    def __init__(self) -> None:
        self._past = np.zeros((len(_FADES_S), PITCHES))
        self._now = 0
        self._recalled = (0, self._past)

    def remember(self, pitches: Sequence[int], onset: int) -> None:
        """Notes that began together at sample `onset`, not before those remembered."""
        past = self.recall(onset).copy()
        for pitch in pitches:
            past[:, pitch] += 1
        self._past, self._now = past, max(self._now, onset)
        self._recalled = (self._now, past)

    def recall(self, onset: int) -> Floats:
        """What is left at sample `onset` of what was remembered; not to be written to."""
        onset = max(onset, self._now)
        if onset != self._recalled[0]:
            passed_s = (onset - self._now) / SAMPLE_RATE_HZ
            fades = np.array([[math.exp(-passed_s / fades_s)] for fades_s in _FADES_S])
            self._recalled = (onset, self._past * fades)
        return self._recalled[1]
