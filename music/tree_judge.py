"""Onsets of a network whose activations are peaks, not probabilities: every peak, weak ones too, is judged by what lies
around it (`music.onset_evidence`, `music.onset_memory`) with trees fitted on rendered guitars (`music.boosted_trees`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from music.activations import BINS_PER_SEMITONE, CONTOUR_BINS, PITCH_COUNT, Activations
from music.boosted_trees import load_trees
from music.onset_evidence import FRAMES_BEFORE, evidence, peaks
from music.onset_judging import FIRST_AHEAD, Onset
from music.onset_memory import FRAMES_PAST, STIR_COUNT, TOGETHER_AFTER, exact, stir, surroundings

DECISION_FRAMES = 6
"""Frames (11.6 ms) behind a peak that decide about it; the trees are fitted for one value."""
LEAST_EARLY = 1 / 256
"""A peak that the early opinion thinks less likely is not judged again."""


class TreeJudge:
    """See `OnsetJudge`; for maps with a contour.

    It remembers two seconds of early opinions, so `first` is asked about every row, in order, before `decided` is.
    """

    rows_before = FRAMES_BEFORE
    decision_frames = DECISION_FRAMES
    spread = 0.0

    def __init__(self, columns: range) -> None:
        self._columns = columns
        # Arrays are replaced and never written to: a copy of the judge goes on from here by itself.
        self._early = np.zeros((FRAMES_PAST + TOGETHER_AFTER, PITCH_COUNT), np.float32)
        self._stirs = np.zeros((FRAMES_PAST + TOGETHER_AFTER, STIR_COUNT), np.float32)
        self._end = 0

    def first(self, held: Activations, begin: int, count: int) -> list[list[Onset]]:
        """See `OnsetJudge.first`."""
        rows, columns = self._peaks(held, begin, count)
        likely = np.zeros(0, np.float32)
        if len(rows):
            likely = load_trees("tracker_early").probability(_evidence(held, begin, count, rows, columns, FIRST_AHEAD))
        self._remember(held, begin, count, rows, columns, likely)
        return _onsets(held, begin, count, rows, columns, likely)

    def decided(self, held: Activations, begin: int, count: int) -> list[list[Onset]]:
        """See `OnsetJudge.decided`."""
        rows, columns = self._peaks(held, begin, count)
        remembered = held.first_frame + begin - (self._end - len(self._early))
        judged = self._early[rows + remembered, columns] >= LEAST_EARLY
        rows, columns = rows[judged], columns[judged]
        if not len(rows):
            return [[] for _ in range(count)]
        near = _evidence(held, begin, count, rows, columns, DECISION_FRAMES)
        _, wide = surroundings(self._early, self._stirs, rows + remembered, columns)
        likely = load_trees("tracker_late").probability(np.hstack([near, wide]))
        return _onsets(held, begin, count, rows, columns, likely)

    def _peaks(self, held: Activations, begin: int, count: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        columns = slice(self._columns.start, self._columns.stop)
        rows, places = np.nonzero(peaks(held.onset[begin - 1 : begin + count + 1, columns]))
        return rows, places + self._columns.start

    def _remember(
        self,
        held: Activations,
        begin: int,
        count: int,
        rows: NDArray[np.intp],
        columns: NDArray[np.intp],
        likely: NDArray[np.float32],
    ) -> None:
        early = np.zeros((count, PITCH_COUNT), np.float32)
        early[rows, columns] = exact(likely)
        heard = slice(begin, begin + count)
        kept = slice(-FRAMES_PAST - TOGETHER_AFTER - count, None)
        self._early = np.concatenate([self._early, early])[kept]
        self._stirs = np.concatenate([self._stirs, stir(held.onset[heard], held.frame[heard])])[kept]
        self._end = held.first_frame + begin + count


def _evidence(
    held: Activations, begin: int, count: int, rows: NDArray[np.intp], columns: NDArray[np.intp], ahead: int
) -> NDArray[np.float32]:
    if held.contour is None:
        raise ValueError("peaks are judged by the contour too, and there is none")
    cut = slice(begin - FRAMES_BEFORE, begin + count + ahead)
    centre = held.contour[cut, 1:CONTOUR_BINS:BINS_PER_SEMITONE]
    return evidence(held.onset[cut], held.frame[cut], centre, rows + FRAMES_BEFORE, columns, ahead)[1]


def _onsets(
    held: Activations,
    begin: int,
    count: int,
    rows: NDArray[np.intp],
    columns: NDArray[np.intp],
    likely: NDArray[np.float32],
) -> list[list[Onset]]:
    found: list[list[Onset]] = [[] for _ in range(count)]
    strengths = held.onset[rows + begin, columns]
    first = held.first_frame + begin
    for row, column, strength, probability in zip(rows, columns, strengths, likely, strict=True):
        onset = Onset(first + int(row), int(column), min(1.0, float(strength)), float(probability))
        found[int(row)].append(onset)
    return found
