"""What the beat network is told of the strokes: figures every 20 ms, from onsets, pitches and velocities alone.

Nothing is asked of where notes end, so notes that still sound are told like those that are over.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from music.audio import SAMPLE_RATE_HZ
from music.beats_onsets import MARKS, Onset

HOP = 441
"""Samples a frame: 20 ms."""
_TOPS = (43, 50, 57, 64)
"""Registers end below these pitches; a fifth one has no end."""
_REACHES = tuple(round(seconds * SAMPLE_RATE_HZ / HOP) for seconds in (0.6, 1.2, 2.4))
_OF_STROKE = 5 + len(_TOPS) + 1 + len(MARKS)
HEARD = _OF_STROKE + 24 + len(_REACHES)
"""Figures a frame."""
CHROMA = (_OF_STROKE, _OF_STROKE + 12)
"""Where twelve pitch classes begin."""

Float32s = NDArray[np.float32]


def hearing(onsets: Sequence[Onset], marks: Sequence[NDArray[np.float64]], begin: int, frames: int) -> Float32s:
    """f32[frames, HEARD]; frame n is at sample `begin` + n · HOP, and a stroke between two frames is told to both.

    Figures of a stroke: that it is one, notes, strength, heights of the lowest and the highest, notes in five
    registers, `MARKS`, pitch classes, that of the lowest note. Beside them how much the harmony of the next 0.6, 1.2
    and 2.4 s differs from that of the last ones.

    Args:
        onsets: in time.
        marks: of each, `beats_onsets.MARKS`.
        begin: sample index of the first frame.
        frames: how many.
    """
    told = np.zeros((frames + 1, HEARD), np.float32)
    for onset, mark in zip(onsets, marks, strict=True):
        at, late = divmod((onset.time - begin) / HOP, 1.0)
        if not 0 <= at < frames:
            continue
        own = _of_stroke(onset, mark)
        told[int(at), : len(own)] += (1 - late) * own
        told[int(at) + 1, : len(own)] += late * own
    told = told[:frames]
    total = np.concatenate([np.zeros((1, 12)), np.cumsum(told[:, _OF_STROKE : _OF_STROKE + 12], axis=0)])
    place = np.arange(frames)
    for column, reach in enumerate(_REACHES, _OF_STROKE + 24):
        after = total[np.minimum(place + reach, frames)] - total[place]
        before = total[place] - total[np.maximum(place - reach, 0)]
        lengths = np.linalg.norm(after, axis=1) * np.linalg.norm(before, axis=1)
        alike = (after * before).sum(axis=1) / np.maximum(lengths, 1e-9)
        told[:, column] = np.where(lengths > 1e-6, 1.0 - alike, 0.0)
    return told


def _of_stroke(onset: Onset, mark: NDArray[np.float64]) -> Float32s:
    pitches = np.asarray(onset.pitches)
    own = np.zeros(_OF_STROKE + 24, np.float32)
    count = len(pitches)
    own[:5] = 1.0, count / 4, onset.strength / 2, (onset.lowest - 50) / 12, (onset.pitches[-1] - 60) / 12
    np.add.at(own, 5 + np.searchsorted(_TOPS, pitches, side="right"), 0.5)
    own[10 : 10 + len(MARKS)] = mark
    np.add.at(own, _OF_STROKE + pitches % 12, 1.0 / np.sqrt(count))
    own[_OF_STROKE + 12 + onset.lowest % 12] = 1.0
    return own
