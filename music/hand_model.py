"""What it costs a hand to hold a shape and to go from one to the next: figures of the hand, each with a learned weight.

The weights are the parameters of a log-linear model (a conditional random field) of how people play:
P(fingering | notes) ∝ exp(−cost). `bench/fit_arranging.py` fits them and writes hand_weights.json.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Self

import numpy as np
from numpy.typing import NDArray

from music.neck import RELAXED_SPAN, Ints, Placements

Floats = NDArray[np.float64]

HOLDING = (
    "fret",
    "hand",
    "reach_1",
    "reach_2",
    "reach_3",
    "reach_4",
    "stretch",
    "fingers",
    "barre",
    "open",
    "open_high",
    "open_alone",
    "gaps",
    "high",
)
"""Figures of a shape.

Of the notes that begin: sum of their frets (in twelves), where the hand is when any of them is fretted (in twelves),
open strings, open strings while the hand is at fret 5 or above, whether it is one open string alone, strings left out
between them, notes above fret 12. Of all that sound: fretted notes 1, 2, 3, 4 or more frets above the index finger,
frets of span beyond four fingers on neighbouring frets, fingers, whether there is a barre.
"""

HAND_MOVES = ("moved", "move", "far", "hurried")
MOVING = (*HAND_MOVES, "middle", "cut", "change", "slide", "leap", "back")
"""Figures of a transition: whether the hand moves, by how many frets (in fours), by how many beyond two, the same in a
hurry, strings between the middles of what begins, ringing notes that are cut off or change their string, notes struck
again on another string, whether a line stays on its string while the hand moves; where several voices sound, and each
finger of the plucking hand has its string, leaps on one string to a pitch that is new (leap) or comes back (back).
"""

LEAP = 3
"""Semitones."""

PLACING = ("prior", "evidence", "same")
"""Figures of a note's string, each −log of a share: what the prior gives it (`music.string_prior`), what was heard for
it, how often the same pitch has lately been played there (`music.habit`).
"""

_OPEN_HIGH = 5
_HIGH = 12
_HURRY_S = 0.25


@dataclass(frozen=True, eq=False, slots=True)
class HandWeights:
    """Weights of all parts of the cost.

    Attributes:
        holding: f64[len(HOLDING)].
        moving: f64[len(MOVING)].
        placing: f64[len(PLACING)].
    """

    holding: Floats
    moving: Floats
    placing: Floats

    @classmethod
    def from_mapping(cls, table: Mapping[str, float]) -> Self:
        """From weights by name; every figure has to be there."""
        return cls(*(np.array([table[name] for name in names], np.float64) for names in (HOLDING, MOVING, PLACING)))

    def to_mapping(self) -> dict[str, float]:
        names, weights = (*HOLDING, *MOVING, *PLACING), (*self.holding, *self.moving, *self.placing)
        return {name: round(float(weight), 4) for name, weight in zip(names, weights, strict=True)}

    def changed(self, changes: Mapping[str, float]) -> Self:
        """With something added to the weights named."""
        return self.from_mapping({name: weight + changes.get(name, 0.0) for name, weight in self.to_mapping().items()})


@cache
def learned_weights() -> HandWeights:
    """The weights that come with this package."""
    return HandWeights.from_mapping(json.loads(files("music").joinpath("hand_weights.json").read_text("utf-8")))


def holding_figures(found: Placements, rows: Ints, hand: Ints, beginning: int) -> Floats:
    """f64[states, len(HOLDING)].

    Args:
        found: ways to place what sounds, the notes that begin first; a note on string 0 is given up.
        rows: i64[states], which way.
        hand: i64[states], where the hand is.
        beginning: how many of the notes begin.
    """
    strings, frets = found.strings[:, :beginning], found.frets[:, :beginning]
    is_open = (frets == 0).sum(axis=1)
    fingers = found.fingers()
    by_way = {
        "fret": frets.sum(axis=1) / 12,
        "stretch": np.maximum(0, found.highest - found.lowest - RELAXED_SPAN),
        "fingers": fingers,
        "barre": fingers < (found.frets > 0).sum(axis=1),
        "open": is_open,
        "open_alone": is_open if beginning == 1 else 0,
        "gaps": strings.max(axis=1) - strings.min(axis=1) + 1 - beginning,
        "high": (frets > _HIGH).sum(axis=1),
    }
    figures = np.zeros((len(rows), len(HOLDING)))
    for name, values in by_way.items():
        figures[:, HOLDING.index(name)] = values if isinstance(values, int) else values[rows]
    above = found.frets[rows] - hand[:, None]
    for by in (1, 2, 3):
        figures[:, HOLDING.index(f"reach_{by}")] = (above == by).sum(axis=1)
    figures[:, HOLDING.index("reach_4")] = (above >= 4).sum(axis=1)
    figures[:, HOLDING.index("hand")] = np.where(is_open[rows] < beginning, hand / 12, 0.0)
    figures[:, HOLDING.index("open_high")] = np.where(hand >= _OPEN_HIGH, is_open[rows], 0)
    return figures


def hand_moves(frets: Ints, passed_s: float) -> Floats:
    """The figures `HAND_MOVES` of a hand that moves so many frets in so many seconds: f64[4, *frets.shape]."""
    return np.stack([frets > 0, frets / 4, np.maximum(0, frets - 2) / 4, frets / 4 * hurry(passed_s)])


def hurry(passed_s: float) -> float:
    """1 where there is no time, 0 where there is plenty."""
    return math.exp(-passed_s / _HURRY_S)
