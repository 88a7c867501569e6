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
        offsets = range(-self._reach, FIRST_AHEAD + 1)
        likely = view.total(offsets) >= self._least
        # Most steps begin no note.
        if not likely.any():
            return [[] for _ in range(count)]
        smooth = view.smooth()
        may_be = (smooth[1:] > smooth[:-1]) & (view.around(-1) + view.around(0) >= view.around(1))
        return self._found(view, likely & may_be, offsets)

    def decided(self, held: Activations, begin: int, count: int) -> list[list[Onset]]:
        """See `OnsetJudge.decided`."""
        view = _View(held, self._columns, begin, count, DECISION_FRAMES)
        offsets = range(-self._reach, self._reach + 1)
        likely = view.total(offsets) >= self._least
        if not likely.any():
            return [[] for _ in range(count)]
        smooth = view.smooth()
        before, here, after = smooth[:-2], smooth[1:-1], smooth[2:]
        return self._found(view, likely & (here > before) & (here >= after), offsets)

    def _found(self, view: _View, onsets: NDArray[np.bool_], offsets: range) -> list[list[Onset]]:
        found: list[list[Onset]] = [[] for _ in range(view.count)]
        rows, places = np.nonzero(onsets)
        for row, place in zip(rows.tolist(), places.tolist(), strict=True):
            shares = {offset: float(view.around(offset)[row, place]) for offset in offsets}
            probability = sum(shares.values())
            shift = sum(offset * share for offset, share in shares.items()) / probability
            onset = Onset(
                view.first_frame + row,
                place + self._columns.start,
                min(1.0, shares[0]),
                min(1.0, probability),
                min(_FARTHEST, max(-_FARTHEST, shift)),
            )
            found[row].append(onset)
        return found


class _View:
    """Some rows of the onset map and their neighbours. Sums grow term by term, so no bit depends on how many rows."""

    def __init__(self, held: Activations, columns: range, begin: int, count: int, ahead: int) -> None:
        self.count = count
        self.first_frame = held.first_frame + begin
        first = begin - ProbabilityJudge.rows_before
        self._rows = held.onset[first : begin + count + ahead, columns.start : columns.stop]

    def smooth(self) -> Array:
        """Every row with half of its neighbours', times two, from the one before the first on."""
        rows = self._rows
        smooth = rows[:-2] + rows[1:-1]
        smooth += rows[1:-1]
        smooth += rows[2:]
        return smooth

    def total(self, offsets: range) -> Array:
        """The sums of the rows at `offsets`: f32[count, columns]."""
        total = self.around(offsets[0]).copy()
        for offset in offsets[1:]:
            total += self.around(offset)
        return total

    def around(self, offset: int) -> Array:
        """The rows `offset` frames later: f32[count, columns]."""
        begin = ProbabilityJudge.rows_before + offset
        return self._rows[begin : begin + self.count]
