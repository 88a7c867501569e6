"""Onsets of a network whose activations are calibrated probabilities, weighed anew by trees.

`music.probability_judge` finds them, unlikely ones too; what lies around them (`music.weighed_evidence`) then says how
likely each is. The trees are fitted on rendered guitars, driven ones and bands among them (`bench/fit_onsets.py`). They
know nothing else, while the network has proved itself on recordings: both count alike, in log odds.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from music.activations import Activations
from music.boosted_trees import BoostedTrees
from music.onset_judging import Onset
from music.probability_judge import ProbabilityJudge
from music.weighed_evidence import FRAMES_AHEAD, FRAMES_BEFORE, HISTORY, evidence, lately

GUITAR_TREES = "onsets_guitar"
"""The table for the guitar's network."""
LEAST = 0.08
"""Onsets that the network finds less likely are none: the trees were fitted on those above."""
TRUST = 0.5
"""The trees' share of the log odds; on kinds of guitars that they were not fitted on, half costs little of the gain."""
_SUREST = 0.99


class WeighedJudge:
    """See `OnsetJudge`.

    Args:
        columns: pitches that are listened to.
        reach: frames to either side over which an onset's probability is spread, 1 or 2.
        birth: onsets are born if the network finds them this likely.
        trees: weigh the onsets that are decided.
    """

    rows_before = HISTORY
    decision_frames = FRAMES_AHEAD
    spread = ProbabilityJudge.spread

    def __init__(self, columns: range, reach: int, birth: float, trees: BoostedTrees) -> None:
        self._births = ProbabilityJudge(columns, reach, birth)
        self._onsets = ProbabilityJudge(columns, reach, LEAST)
        self._trees = trees

    def first(self, held: Activations, begin: int, count: int) -> list[list[Onset]]:
        """See `OnsetJudge.first`: as the network says."""
        return self._births.first(held, begin, count)

    def decided(self, held: Activations, begin: int, count: int) -> list[list[Onset]]:
        """See `OnsetJudge.decided`."""
        found = self._onsets.decided(held, begin, count)
        onsets = [onset for row in found for onset in row]
        if not onsets:
            return found
        rows = np.array([onset.frame - held.first_frame - begin for onset in onsets], np.intp)
        columns = np.array([onset.column for onset in onsets], np.intp)
        end = begin + count
        past = lately(held.onset[begin - HISTORY : end], held.frame[begin - HISTORY : end])
        near = slice(begin - FRAMES_BEFORE, end + FRAMES_AHEAD)
        _, figures = evidence(
            held.onset[near],
            held.frame[near],
            rows + FRAMES_BEFORE,
            columns,
            {name: values[rows] for name, values in past.items()},
        )
        likely = weighed(self._trees.odds(figures), np.array([onset.probability for onset in onsets])).tolist()
        told: list[list[Onset]] = [[] for _ in found]
        for onset, row, probability in zip(onsets, rows.tolist(), likely, strict=True):
            told[row].append(replace(onset, probability=probability))
        return told


def weighed(odds: NDArray[np.float64], said: NDArray[np.floating], trust: float = TRUST) -> NDArray[np.float64]:
    """f64[n], how likely onsets are, from the trees' log odds and what the network says of them, 0..1."""
    clear = np.clip(said, 1 - _SUREST, _SUREST)
    both = trust * odds + (1 - trust) * np.log(clear / (1 - clear))
    return np.asarray(1 / (1 + np.exp(-both)), np.float64)
