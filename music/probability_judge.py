"""Onsets of a network whose activations are calibrated probabilities, a note's spread over the frames around its onset.

The sum over those frames is the probability that a note begins there, their centroid is where: finer than a frame. The
frame that counts is the one where the activations, each with half of its neighbours', are highest; two frames behind it
decide that.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from music.activations import Activations
from music.onset_judging import FIRST_AHEAD, Onset

Array = NDArray[np.float32]

DECISION_FRAMES = 2
_FARTHEST = 0.5


class ProbabilityJudge:
    """See `OnsetJudge`.

    Args:
        columns: pitches that are listened to.
        reach: frames to either side over which an onset's probability is spread, 1 or 2.
        least: onsets less likely than this are not worth a word.
    """

    rows_before = 2
    decision_frames = DECISION_FRAMES
    spread = _FARTHEST

    def __init__(self, columns: range, reach: int, least: float) -> None:
        self._columns = columns
        self._reach = reach
        self._least = least

    def first(self, held: Activations, begin: int, count: int) -> list[list[Onset]]:
        """See `OnsetJudge.first`: a frame that can still be the highest, with what has come of its probability."""
        view = _View(held, self._columns, begin, count, FIRST_AHEAD)
        before, here, after = (view.around(k) for k in (-1, 0, 1))
        highest = (view.smooth(0) > view.smooth(-1)) & (before + here >= after)
        return self._found(view, highest, range(-self._reach, FIRST_AHEAD + 1))

    def decided(self, held: Activations, begin: int, count: int) -> list[list[Onset]]:
        """See `OnsetJudge.decided`."""
        view = _View(held, self._columns, begin, count, DECISION_FRAMES)
        highest = (view.smooth(0) > view.smooth(-1)) & (view.smooth(0) >= view.smooth(1))
        return self._found(view, highest, range(-self._reach, self._reach + 1))

    def _found(self, view: _View, highest: NDArray[np.bool_], offsets: range) -> list[list[Onset]]:
        found: list[list[Onset]] = [[] for _ in range(view.count)]
        total = view.sum_of(dict.fromkeys(offsets, 1.0))
        rows, places = np.nonzero(highest & (total >= self._least))
        if not len(rows):
            return found
        moment = view.sum_of({k: float(k) for k in offsets})
        here = view.around(0)
        for row, place in zip(rows.tolist(), places.tolist(), strict=True):
            share = float(total[row, place])
            shift = float(moment[row, place]) / share
            onset = Onset(
                view.first_frame + row,
                place + self._columns.start,
                min(1.0, float(here[row, place])),
                min(1.0, share),
                min(_FARTHEST, max(-_FARTHEST, shift)),
            )
            found[row].append(onset)
        return found


class _View:
    """Some rows of the onset map and their neighbours; sums grow term by term, so no bit depends on how many rows."""

    def __init__(self, held: Activations, columns: range, begin: int, count: int, ahead: int) -> None:
        self.count = count
        self.first_frame = held.first_frame + begin
        first = begin - ProbabilityJudge.rows_before
        self._rows = held.onset[first : begin + count + ahead, columns.start : columns.stop]

    def around(self, offset: int) -> Array:
        """The rows `offset` frames later: f32[count, columns]."""
        begin = ProbabilityJudge.rows_before + offset
        return self._rows[begin : begin + self.count]

    def smooth(self, offset: int) -> Array:
        """The rows `offset` frames later, each with half of its neighbours', times two."""
        return self.sum_of({offset - 1: 1.0, offset: 2.0, offset + 1: 1.0})

    def sum_of(self, weights: dict[int, float]) -> Array:
        """Weighted sum of neighbours."""
        total = np.zeros((self.count, self._rows.shape[1]), np.float32)
        for offset, weight in weights.items():
            total += np.float32(weight) * self.around(offset)
        return total
