"""Where a player has put a pitch lately: a note that comes again is mostly played where it was played before.

Only what lies `RECALL_SAMPLES` back is remembered, as the best way through everything heard up to now then has it. So
habits follow from the notes alone: a session that is settled early and one that is arranged at the end remember the
same.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from music.audio import SAMPLE_RATE_HZ
from music.tuning import Instrument

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

RECALL_SAMPLES = SAMPLE_RATE_HZ
"""How far back a note has to lie before its place is remembered."""
FADES_S = 15.0
BEFOREHAND = 0.3
"""Notes that every place is taken to have had beforehand: what is new is not impossible."""
_MOST_GROWTH = 60.0
_PITCHES = 128


class Habit:
    """What is remembered in one session on one instrument."""

    def __init__(self, instrument: Instrument) -> None:
        places = [[place.string - 1 for place in instrument.positions_of(pitch)] for pitch in range(_PITCHES)]
        self._places = [strings if len(strings) > 1 else [] for strings in places]
        self._played = [[0.0] * instrument.string_count for _ in range(_PITCHES)]
        self._since = 0

    def remember(self, pitches: Sequence[int], strings: Ints, onset: int) -> None:
        """Notes that began at sample `onset` and were put on `strings`, counted from 1."""
        weight = self._growth(onset)
        for pitch, string in zip(pitches, strings.tolist(), strict=True):
            self._played[pitch][string - 1] += weight

    def costs(self, pitches: Sequence[int], onset: int) -> Floats:
        """−log of each place's share of what is remembered of its pitch: f64[notes, strings], 0 where there is none."""
        costs = [[0.0] * len(self._played[0]) for _ in pitches]
        beforehand = BEFOREHAND * self._growth(onset)
        for row, pitch in zip(costs, pitches, strict=True):
            places, played = self._places[pitch], self._played[pitch]
            total = sum(played) + beforehand * len(places)
            for string in places:
                row[string] = math.log(total / (played[string] + beforehand))
        return np.array(costs)

    def _growth(self, onset: int) -> float:
        """What a note at `onset` weighs: notes grow rather than the past fading, which comes to the same."""
        passed = (onset - self._since) / (SAMPLE_RATE_HZ * FADES_S)
        if passed > _MOST_GROWTH:
            fades = math.exp(-passed)
            self._played = [[fades * count for count in played] for played in self._played]
            self._since, passed = onset, 0.0
        return math.exp(passed)
