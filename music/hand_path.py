"""The dynamic programme behind the arranging: layers of shapes, what it costs to go from one to the next, the best way.

See `music.arranging` for what it is used for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from music.audio import SAMPLE_RATE_HZ
from music.neck import Shape, shapes_of
from music.note import Note
from music.tuning import Instrument, Position

GROUP_SAMPLES = SAMPLE_RATE_HZ * 50 // 1000
"""Onsets this close (50 ms) belong to one group: a strum is one shape."""
MOVE_COST = 0.3
"""Each fret the hand moves."""
STRING_COST = 0.05
"""Each string the middle of the shape moves."""
BUSY_COST = 1.0
"""Each string that is struck while the note before on it should ring on."""
MAX_SHAPES = 96
"""States kept of one group, the cheapest to hold."""
_MOST_REMEMBERED = 4096

Floats = NDArray[np.float64]
_States = tuple[tuple[Shape, ...], Floats, Floats, Floats, Floats]


@dataclass(frozen=True, slots=True)
class Layer:
    """One group as the dynamic programme sees it.

    `notes` are those that take part, in the order of each shape's positions; the rest are `out` (no position).
    `hand`, `middle` (mean string) and `cost` are f64[s]; `uses` is f64[s, strings], 1 where a string is struck.
    """

    notes: tuple[Note, ...]
    out: tuple[Note, ...]
    shapes: tuple[Shape, ...]
    hand: Floats
    middle: Floats
    uses: Floats
    cost: Floats


class ShapeBook:
    """Layers for one instrument; remembers the shapes of chords it has seen."""

    def __init__(self, instrument: Instrument) -> None:
        self._instrument = instrument
        self._seen: dict[tuple[int, ...], _States] = {}

    def layer(self, group: Sequence[Note]) -> Layer:
        """The states of a group; notes the hand cannot reach with the others are left out, the surest are kept."""
        kept = self._holdable(group)
        inside = {id(note) for note in kept}
        return Layer(kept, tuple(note for note in group if id(note) not in inside), *self._states(_pitches(kept)))

    def _holdable(self, group: Sequence[Note]) -> tuple[Note, ...]:
        notes = tuple(note for note in group if self._instrument.positions_of(note.pitch))
        if self._can_hold(notes):
            return notes
        kept: list[Note] = []
        for note in sorted(notes, key=lambda note: (-note.confidence, note.pitch)):
            if self._can_hold([*kept, note]):
                kept.append(note)
        chosen = {id(note) for note in kept}
        return tuple(note for note in notes if id(note) in chosen)

    def _can_hold(self, notes: Sequence[Note]) -> bool:
        return len(notes) <= self._instrument.string_count and bool(self._states(_pitches(notes))[0])

    def _states(self, pitches: tuple[int, ...]) -> _States:
        if pitches not in self._seen:
            if len(self._seen) >= _MOST_REMEMBERED:
                self._seen.clear()
            self._seen[pitches] = self._work_out(pitches)
        return self._seen[pitches]

    def _work_out(self, pitches: tuple[int, ...]) -> _States:
        shapes = sorted(shapes_of(pitches, self._instrument), key=lambda shape: shape.cost)[:MAX_SHAPES]
        uses = np.zeros((len(shapes), self._instrument.string_count))
        for row, shape in enumerate(shapes):
            for position in shape.positions:
                uses[row, position.string - 1] = 1
        strings = np.arange(1, self._instrument.string_count + 1)
        middle = uses @ strings / np.maximum(1, uses.sum(axis=1))
        hand = np.array([shape.hand for shape in shapes], np.float64)
        return tuple(shapes), hand, middle, uses, np.array([shape.cost for shape in shapes])


def _pitches(notes: Sequence[Note]) -> tuple[int, ...]:
    return tuple(note.pitch for note in notes)


def transition_cost(before: Shape, after: Shape, ringing: Sequence[Position]) -> float:
    """What it costs to go from one shape to the next while the notes at `ringing` should sound on. The definition; the
    programme computes the same for all pairs at once.
    """
    strings = {position.string for position in after.positions}
    return (
        MOVE_COST * abs(after.hand - before.hand)
        + STRING_COST * abs(_middle(after) - _middle(before))
        + BUSY_COST * len(strings & {position.string for position in ringing})
    )


def _middle(shape: Shape) -> float:
    return sum(position.string for position in shape.positions) / len(shape.positions)


def rings_into(note: Note, group: Sequence[Note]) -> bool:
    """Whether a note should sound on while `group` begins: it does, and none of the group strikes its pitch again."""
    start = min(other.onset for other in group) + GROUP_SAMPLES
    return (note.offset is None or note.offset > start) and all(other.pitch != note.pitch for other in group)


def transitions(before: Layer, after: Layer) -> Floats:
    """f64[s_before, s_after]."""
    busy = np.zeros_like(before.uses)
    for index, note in enumerate(before.notes):
        if rings_into(note, after.notes):
            strings = [shape.positions[index].string - 1 for shape in before.shapes]
            busy[np.arange(len(strings)), strings] = 1
    moves: Floats = MOVE_COST * np.abs(before.hand[:, None] - after.hand)
    moves += STRING_COST * np.abs(before.middle[:, None] - after.middle)
    moves += BUSY_COST * (busy @ after.uses.T)
    return moves


class HandPath:
    """Viterbi over a growing list of layers, of which the oldest can be settled and taken off."""

    def __init__(self) -> None:
        self.layers: list[Layer] = []
        self._moves: list[Floats] = []  # between layers i and i + 1
        self._forward: list[Floats] = []

    def append(self, layer: Layer) -> None:
        if self.layers:
            self._moves.append(transitions(self.layers[-1], layer))
            self._forward.append((self._forward[-1][:, None] + self._moves[-1]).min(axis=0) + layer.cost)
        else:
            self._forward.append(layer.cost)
        self.layers.append(layer)

    def totals(self, first: int = 0) -> list[Floats]:
        """For the layers from `first` on: cost of the best way through each state, through everything known."""
        backward = np.zeros(len(self._forward[-1]))
        totals = [self._forward[-1] + backward]
        for index in range(len(self.layers) - 2, first - 1, -1):
            backward = (self._moves[index] + self.layers[index + 1].cost + backward).min(axis=1)
            totals.append(self._forward[index] + backward)
        return totals[::-1]

    def best_path(self) -> list[int]:
        """The state of every layer on the best way through all."""
        state = int(self._forward[-1].argmin())
        path = [state]
        for index in range(len(self.layers) - 2, -1, -1):
            state = int((self._forward[index] + self._moves[index][:, state]).argmin())
            path.append(state)
        return path[::-1]

    def settle(self, index: int, positions: tuple[Position, ...]) -> None:
        """Fix the positions of a layer whose predecessors are settled, and forget those. The hand stays free."""
        layer = self.layers[index]
        rows = np.array([row for row, shape in enumerate(layer.shapes) if shape.positions == positions])
        fixed = Layer(
            layer.notes,
            layer.out,
            tuple(layer.shapes[row] for row in rows),
            layer.hand[rows],
            layer.middle[rows],
            layer.uses[rows],
            layer.cost[rows],
        )
        forward = self._forward[index][rows]
        self.layers = [fixed, *self.layers[index + 1 :]]
        self._moves = self._moves[index:]
        if self._moves:
            self._moves[0] = self._moves[0][rows]
        # A constant taken off all totals changes no choice and keeps the sums of an endless session small.
        later = [forward - forward.min()]
        for move, following in zip(self._moves, self.layers[1:], strict=True):
            later.append((later[-1][:, None] + move).min(axis=0) + following.cost)
        self._forward = later
