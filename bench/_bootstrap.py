"""How far an F1, or a difference of two, can be believed: percentile bootstrap over parts of what was played.

Notes of one chord are found or missed together, so notes are no independent draws. The parts that are drawn are whole
pieces where there are `LEAST_PIECES` of them, else stretches of `STRETCH_S` of the recordings. Differences are paired:
both sides are judged on the same draws.

Efron, Tibshirani: "An Introduction to the Bootstrap", 1993, chapter 13.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bench._scoring import PlainNote

STRETCH_S = 2.0
LEAST_PIECES = 8
_DRAWS = 2000
_SHARE = 0.9

Counts = NDArray[np.int64]
"""i64[parts, 3]: notes that are right, missed, invented."""


def counts_by_stretch(
    truth: Sequence[PlainNote], found: Sequence[PlainNote], pairs: Sequence[tuple[int, int]], length_s: float
) -> Counts:
    """Counts of each stretch of a recording; what is right or missed lies where the truth has it."""
    counts = np.zeros((max(1, int(np.ceil(length_s / STRETCH_S))), 3), np.int64)
    true, heard = ({pair[side] for pair in pairs} for side in (0, 1))
    for index, note in enumerate(truth):
        counts[_stretch(note, len(counts)), 0 if index in true else 1] += 1
    for index, note in enumerate(found):
        if index not in heard:
            counts[_stretch(note, len(counts)), 2] += 1
    return counts


def parts_of(recordings: Sequence[Counts]) -> Counts:
    """What is drawn: pieces where there are enough, else all their stretches."""
    if len(recordings) >= LEAST_PIECES:
        return np.stack([counts.sum(axis=0) for counts in recordings])
    return np.concatenate(recordings)


def f1_of(counts: Counts) -> float:
    """Over all parts together."""
    return float(_f1(counts.sum(axis=0)))


def interval(counts: Counts) -> tuple[float, float]:
    """90 % interval of the F1 of all parts together."""
    return _percentiles(_f1(counts[_draws(len(counts))].sum(axis=1)))


def interval_of_difference(counts: Counts, other: Counts) -> tuple[float, float]:
    """90 % interval of the F1 of `counts` less that of `other`, judged on the same parts.

    Raises:
        ValueError: the parts are not the same ones.
    """
    if len(counts) != len(other):
        raise ValueError(f"{len(counts)} parts cannot be paired with {len(other)}")
    draws = _draws(len(counts))
    return _percentiles(_f1(counts[draws].sum(axis=1)) - _f1(other[draws].sum(axis=1)))


def _stretch(note: PlainNote, count: int) -> int:
    return min(count - 1, max(0, int(note.onset_s / STRETCH_S)))


def _draws(parts: int) -> NDArray[np.int64]:
    # The same draws for everybody and every time: a report that is printed twice says the same.
    return np.random.default_rng(0).integers(0, parts, (_DRAWS, parts))


def _f1(sums: NDArray[np.int64]) -> NDArray[np.float64]:
    right = 2.0 * sums[..., 0]
    total = right + sums[..., 1] + sums[..., 2]
    return np.asarray(np.divide(right, total, out=np.zeros_like(right), where=total > 0))


def _percentiles(values: NDArray[np.float64]) -> tuple[float, float]:
    low, high = np.quantile(values, ((1 - _SHARE) / 2, (1 + _SHARE) / 2))
    return float(low), float(high)
