"""The dynamic programme behind the arranging: what it costs to go from layer to layer, and the best way through all.

See `music.arranging` for what it is used for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from music.audio import SAMPLE_RATE_HZ
from music.hand_model import HAND_MOVES, LEAP, MOVING, Floats, HandWeights, hand_moves, hurry
from music.hand_score import Layer
from music.hand_states import States

_HANDS = 40
_MOST_KEPT = 2**25
"""Bytes of transitions that are kept; those of a long piece are worked out twice: they are most of what it takes."""
_MOST_KNOWN = 2**22
"""Bytes of what is remembered of transitions from one set of states to another, whatever the time between them."""


class Moves:
    """What it costs to go from state to state: `moving_figures` times their weights, without making each figure."""

    def __init__(self, weights: HandWeights) -> None:
        frets = np.arange(_HANDS)
        by_name = dict(zip(MOVING, weights.moving, strict=True))
        slowly = hand_moves(frets, np.inf)
        self._slowly = weights.moving[: len(HAND_MOVES)] @ slowly
        self._hurried = by_name["hurried"] * (hand_moves(frets, 0.0) - slowly)[HAND_MOVES.index("hurried")]
        self._middle, self._cut, self._change, self._slide, *self._leaps = weights.moving[len(HAND_MOVES) :]
        self._known: dict[tuple[States, States, tuple[int, ...], tuple[bool, ...]], tuple[Floats, Floats]] = {}
        self._size = 0

    def between(self, before: Layer, after: Layer) -> Floats:
        """f64[s_before, s_after]."""
        key = (before.states, after.states, after.held, after.comes_back)
        known = self._known.get(key)
        if known is None:
            known = self._at_leisure(before, after)
            if self._size > _MOST_KNOWN:
                self._known.clear()
                self._size = 0
            self._known[key] = known
            self._size += 2 * known[0].nbytes
        leisurely, hurried = known
        costs: Floats = hurry(_passed_s(before, after)) * hurried
        costs += leisurely
        return costs

    def _at_leisure(self, before: Layer, after: Layer) -> tuple[Floats, Floats]:
        """What it costs with all the time there is, and how much more with none: f64[s_before, s_after] each."""
        first, then = before.states, after.states
        moved = np.abs(first.hand[:, None] - then.hand)
        costs: Floats = self._slowly.take(moved)
        costs += self._middle * np.abs(first.middle[:, None] - then.middle)
        for column, earlier in enumerate(after.held, start=len(after.notes)):
            costs += self._cut * (first.strings[:, earlier, None] != then.strings[:, column])
        for earlier, column in _struck_again(before, after):
            costs += self._change * (first.strings[:, earlier, None] != then.strings[:, column])
        for earlier, column, comes_back in _leaps(before, after):
            costs += self._leaps[comes_back] * (first.strings[:, earlier, None] == then.strings[:, column])
        if len(before.notes) == len(after.notes) == 1:
            costs += self._slide * ((first.strings[:, :1] == then.strings[:, 0]) & (moved > 0))
        return costs, self._hurried.take(moved)


def moving_figures(before: Layer, after: Layer) -> Floats:
    """f64[MOVING, s_before, s_after]: the definition, for fitting the weights."""
    first, then = before.states, after.states
    moves = hand_moves(np.abs(first.hand[:, None] - then.hand), _passed_s(before, after))
    shape = (len(first), len(then))
    cut, change, slide = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    for column, earlier in enumerate(after.held, start=len(after.notes)):
        cut += first.strings[:, earlier, None] != then.strings[:, column]
    for earlier, column in _struck_again(before, after):
        change += first.strings[:, earlier, None] != then.strings[:, column]
    if len(before.notes) == len(after.notes) == 1:
        slide += (first.strings[:, :1] == then.strings[:, 0]) & (first.hand[:, None] != then.hand)
    leaps = np.zeros((2, *shape))
    for earlier, column, comes_back in _leaps(before, after):
        leaps[int(comes_back)] += first.strings[:, earlier, None] == then.strings[:, column]
    return np.stack([*moves, np.abs(first.middle[:, None] - then.middle), cut, change, slide, *leaps])


def _passed_s(before: Layer, after: Layer) -> float:
    return (after.onset - before.onset) / SAMPLE_RATE_HZ


def _struck_again(before: Layer, after: Layer) -> list[tuple[int, int]]:
    """Columns, before and after, of equal pitches that begin in both layers."""
    return [
        (earlier, column)
        for column, note in enumerate(after.notes)
        for earlier, other in enumerate(before.notes)
        if note.pitch == other.pitch
    ]


def _leaps(before: Layer, after: Layer) -> list[tuple[int, int, bool]]:
    """Columns, before and after, of pitches that are a leap apart, and whether the later one comes back.

    Between two chords there are none: their shapes say more than what follows what.
    """
    if not after.comes_back or 1 not in (len(before.notes), len(after.notes)):
        return []
    return [
        (earlier, column, comes_back)
        for column, (note, comes_back) in enumerate(zip(after.notes, after.comes_back, strict=True))
        for earlier, other in enumerate(before.notes)
        if abs(note.pitch - other.pitch) >= LEAP
    ]


@dataclass(frozen=True, eq=False, slots=True)
class Recalled:
    """A layer, its state on the best way, and what coming there from the layer before costs, where that is known."""

    layer: Layer
    state: int
    moves: Floats | None


class HandPath:
    """Viterbi over a growing list of layers, of which the oldest can be taken off."""

    def __init__(self, costs: Moves) -> None:
        self.layers: list[Layer] = []
        self._costs = costs
        self._moves: list[Floats | None] = []  # between layers i and i + 1; None where they are worked out anew
        self._forward: list[Floats] = []
        self._came_from: list[dict[int, int]] = []  # the best state before some states of layer i + 1
        self._kept = 0  # bytes of the moves that are not None
        self._first_kept = 0
        self._recalled = 0  # the first layer that `recall` has not told

    def recall(self, before: int) -> list[Recalled]:
        """Layers that begin before a sample and were not told yet, with their states on the best way up to now."""
        told: list[Recalled] = []
        if self._recalled == len(self.layers) or self.layers[self._recalled].onset >= before:
            return told
        state = int(self._forward[-1].argmin())
        for index in range(len(self.layers) - 1, self._recalled - 1, -1):
            if self.layers[index].onset < before:
                told.append(Recalled(self.layers[index], state, self._moves[index - 1] if index else None))
            state = self._before(index - 1, state) if index else state
        self._recalled += len(told)
        return told[::-1]

    def append(self, layer: Layer, moves: Floats | None = None) -> None:
        """Go on to a layer; `moves` is what going there costs, where it is known already."""
        if self.layers:
            if moves is None:
                moves = self._costs.between(self.layers[-1], layer)
            self._keep(moves)
            forward = np.minimum.reduce(self._forward[-1][:, None] + moves, axis=0)
            forward += layer.cost
            self._forward.append(forward)
            self._came_from.append({})
        else:
            self._forward.append(layer.cost)
        self.layers.append(layer)

    def totals(self, first: int = 0) -> list[Floats]:
        """For the layers from `first` on: cost of the best way through each state, through everything known."""
        return self.ways(first)[1]

    def ways(self, first: int = 0) -> tuple[list[int], list[Floats]]:
        """For the layers from `first` on: the state on the best way through all, and `totals`."""
        state = int(self._forward[-1].argmin())
        path, totals = [state], [self._forward[-1]]
        onward = self.layers[-1].cost
        for index in range(len(self.layers) - 2, first - 1, -1):
            moves, forward = self._between(index), self._forward[index]
            if state not in self._came_from[index]:
                self._came_from[index][state] = int((forward + moves[:, state]).argmin())
            state = self._came_from[index][state]
            backward = np.minimum.reduce(moves + onward, axis=1)
            path.append(state)
            totals.append(forward + backward)
            onward = self.layers[index].cost + backward
        return path[::-1], totals[::-1]

    def forget(self, count: int) -> int:
        """Take off so many of the oldest layers, of those that are recalled; how many were taken.

        What they made likely stays; what was decided about them binds nothing.
        """
        count = min(count, self._recalled)
        if not count:
            return 0
        self._recalled -= count
        self._kept -= sum(moves.nbytes for moves in self._moves[:count] if moves is not None)
        self._first_kept = max(0, self._first_kept - count)
        # A constant taken off all totals changes no choice and keeps the sums of an endless session small.
        least = self._forward[count].min()
        self.layers, self._moves, self._came_from = self.layers[count:], self._moves[count:], self._came_from[count:]
        self._forward = [forward - least for forward in self._forward[count:]]
        return count

    def _keep(self, moves: Floats) -> None:
        self._moves.append(moves)
        self._kept += moves.nbytes
        while self._kept > _MOST_KEPT:
            oldest = self._moves[self._first_kept]
            self._kept -= oldest.nbytes if oldest is not None else 0
            self._moves[self._first_kept] = None
            self._first_kept += 1

    def _before(self, index: int, state: int) -> int:
        """The state of layer `index` from which the best way to a state of the next one comes.

        Asked for few states only, so it is found when asked for.
        """
        known = self._came_from[index]
        if state not in known:
            known[state] = int((self._forward[index] + self._between(index)[:, state]).argmin())
        return known[state]

    def _between(self, index: int) -> Floats:
        moves = self._moves[index]
        return self._costs.between(self.layers[index], self.layers[index + 1]) if moves is None else moves
