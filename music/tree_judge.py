"""Onsets of a network whose activations are peaks, not probabilities: every peak, weak ones too, is judged by what lies
around it (`music.onset_evidence`) with trees fitted on rendered guitars (`music.boosted_trees`).
"""

from __future__ import annotations

import numpy as np

from music.activations import BINS_PER_SEMITONE, CONTOUR_BINS, Activations
from music.boosted_trees import load_trees
from music.onset_evidence import FRAMES_BEFORE, evidence, peaks
from music.onset_judging import FIRST_AHEAD, Onset

DECISION_FRAMES = 6
"""Frames (11.6 ms) behind a peak that decide about it; the trees are fitted for one value."""


class TreeJudge:
    """See `OnsetJudge`; for maps with a contour."""

    rows_before = FRAMES_BEFORE
    decision_frames = DECISION_FRAMES
    spread = 0.0

    def __init__(self, columns: range) -> None:
        self._columns = columns

    def first(self, held: Activations, begin: int, count: int) -> list[list[Onset]]:
        """See `OnsetJudge.first`."""
        return self._judged("tracker_early", FIRST_AHEAD, held, begin, count)

    def decided(self, held: Activations, begin: int, count: int) -> list[list[Onset]]:
        """See `OnsetJudge.decided`."""
        return self._judged("tracker_late", DECISION_FRAMES, held, begin, count)

    def _judged(self, table: str, ahead: int, held: Activations, begin: int, count: int) -> list[list[Onset]]:
        if held.contour is None:
            raise ValueError("peaks are judged by the contour too, and there is none")
        found: list[list[Onset]] = [[] for _ in range(count)]
        columns = slice(self._columns.start, self._columns.stop)
        rows, places = np.nonzero(peaks(held.onset[begin - 1 : begin + count + 1, columns]))
        if not len(rows):
            return found
        places += self._columns.start
        cut = slice(begin - FRAMES_BEFORE, begin + count + ahead)
        centre = held.contour[cut, 1:CONTOUR_BINS:BINS_PER_SEMITONE]
        _, figures = evidence(held.onset[cut], held.frame[cut], centre, rows + FRAMES_BEFORE, places, ahead)
        likely = load_trees(table).probability(figures)
        strengths = held.onset[rows + begin, places]
        first = held.first_frame + begin
        for row, column, strength, probability in zip(rows, places, strengths, likely, strict=True):
            onset = Onset(first + int(row), int(column), min(1.0, float(strength)), float(probability))
            found[int(row)].append(onset)
        return found
