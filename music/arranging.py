"""Where on the neck to play: the cheapest way of one hand through the notes.

Notes that begin together form a group; the states of a group are the shapes in which a hand can hold it, and the best
sequence of shapes is found by dynamic programming (Viterbi), as in Sayegh, "Fingering for String Instruments with the
Optimum Path Paradigm" (Computer Music Journal 13/3, 1989). A shape includes where the hand lies, so a phrase within
four frets costs no move. `arrange` finds the optimum over all groups. `LiveArranger` settles one group after the other
when what follows within a fixed look-ahead is known, and never changes it again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from music.audio import SAMPLE_RATE_HZ
from music.neck import Shape, placements, shapes_of
from music.note import Alternative, Note
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

OUT_OF_RANGE = "out_of_range"
UNPLAYABLE = "unplayable"

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Layer:
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


class _Neck:
    """Layers for one instrument; remembers the shapes of chords it has seen."""

    def __init__(self, instrument: Instrument) -> None:
        self._instrument = instrument
        self._seen: dict[tuple[int, ...], tuple[tuple[Shape, ...], Floats, Floats, Floats, Floats]] = {}

    def layer(self, group: Sequence[Note]) -> _Layer:
        """The states of a group; notes the hand cannot reach with the others are left out, the surest are kept."""
        kept = self._holdable(group)
        pitches = tuple(note.pitch for note in kept)
        if pitches not in self._seen:
            if len(self._seen) >= _MOST_REMEMBERED:
                self._seen.clear()
            self._seen[pitches] = self._states(pitches)
        numbers = {id(note) for note in kept}
        return _Layer(kept, tuple(note for note in group if id(note) not in numbers), *self._seen[pitches])

    def _holdable(self, group: Sequence[Note]) -> tuple[Note, ...]:
        notes = tuple(note for note in group if self._instrument.positions_of(note.pitch))
        if self._can_hold(notes):
            return notes
        kept: list[Note] = []
        for note in sorted(notes, key=lambda note: (-note.confidence, note.pitch)):
            if len(kept) < self._instrument.string_count and self._can_hold([*kept, note]):
                kept.append(note)
        chosen = {id(note) for note in kept}
        return tuple(note for note in notes if id(note) in chosen)

    def _can_hold(self, notes: Sequence[Note]) -> bool:
        if len(notes) > self._instrument.string_count:
            return False
        return next(placements([note.pitch for note in notes], self._instrument), None) is not None

    def _states(self, pitches: tuple[int, ...]) -> tuple[tuple[Shape, ...], Floats, Floats, Floats, Floats]:
        shapes = sorted(shapes_of(pitches, self._instrument), key=lambda shape: shape.cost)[:MAX_SHAPES]
        uses = np.zeros((len(shapes), self._instrument.string_count))
        for row, shape in enumerate(shapes):
            for position in shape.positions:
                uses[row, position.string - 1] = 1
        strings = np.arange(1, self._instrument.string_count + 1)
        middle = uses @ strings / np.maximum(1, uses.sum(axis=1))
        hand = np.array([shape.hand for shape in shapes], np.float64)
        return tuple(shapes), hand, middle, uses, np.array([shape.cost for shape in shapes])


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


def _transitions(before: _Layer, after: _Layer) -> Floats:
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


def group_notes(notes: Sequence[Note]) -> list[list[Note]]:
    """Notes by onset, then pitch, in groups that begin within `GROUP_SAMPLES` of their first."""
    groups: list[list[Note]] = []
    for note in sorted(notes, key=lambda note: (note.onset, note.pitch, note.id)):
        if groups and note.onset <= groups[-1][0].onset + GROUP_SAMPLES:
            groups[-1].append(note)
        else:
            groups.append([note])
    return groups


class _Programme:
    """Viterbi over a growing list of layers, of which the oldest can be settled and taken off."""

    def __init__(self) -> None:
        self.layers: list[_Layer] = []
        self._moves: list[Floats] = []  # between layers i and i + 1
        self._forward: list[Floats] = []

    def append(self, layer: _Layer) -> None:
        if self.layers:
            self._moves.append(_transitions(self.layers[-1], layer))
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
        """Fix the positions of a layer whose predecessors are settled, and forget those. Where the hand lies may vary."""
        layer = self.layers[index]
        rows = np.array([row for row, shape in enumerate(layer.shapes) if shape.positions == positions])
        fixed = _Layer(
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


def _placed(layer: _Layer, state: int, totals: Floats, instrument: Instrument) -> list[Note]:
    """The layer's notes with the positions of `state`, and what every other place would cost more."""
    chosen = layer.shapes[state]
    dearest = float(totals.max() - totals.min()) + MOVE_COST
    placed = []
    for index, note in enumerate(layer.notes):
        extra = dict.fromkeys(instrument.positions_of(note.pitch), dearest)
        for shape, total in zip(layer.shapes, totals, strict=True):
            position = shape.positions[index]
            extra[position] = min(extra[position], float(total - totals[state]))
        del extra[chosen.positions[index]]
        ranked = sorted(extra.items(), key=lambda item: (item[1], item[0]))
        alternatives = tuple(Alternative(position, round(max(0.0, cost), 3)) for position, cost in ranked)
        flags = tuple(flag for flag in note.flags if flag not in (OUT_OF_RANGE, UNPLAYABLE))
        placed.append(replace(note, position=chosen.positions[index], alternatives=alternatives, flags=flags))
    return placed


def _unplaced(note: Note, instrument: Instrument) -> Note:
    """A note without a place, with the reason among its flags."""
    reason = UNPLAYABLE if instrument.positions_of(note.pitch) else OUT_OF_RANGE
    flags = (*(flag for flag in note.flags if flag not in (OUT_OF_RANGE, UNPLAYABLE)), reason)
    alternatives = tuple(Alternative(position, 0.0) for position in instrument.positions_of(note.pitch))
    return replace(note, position=None, alternatives=alternatives, flags=flags)


def arrange(notes: Sequence[Note], instrument: Instrument) -> list[Note]:
    """Positions for notes whose whole future is known: the optimum.

    Args:
        notes: in any order; their present positions are ignored.
        instrument: what they are to be played on.

    Returns:
        The notes in the given order with `position`, `alternatives` and `flags` filled in and nothing else touched. A
        note gets no position and the flag "out_of_range" when the instrument has no place for it, "unplayable" when no
        hand can hold it together with the surer notes that begin with it.
    """
    neck = _Neck(instrument)
    programme = _Programme()
    numbered = [replace(note, id=str(index)) for index, note in enumerate(notes)]
    result: dict[str, Note] = {}
    for group in group_notes(numbered):
        layer = neck.layer(group)
        result |= {note.id: _unplaced(note, instrument) for note in layer.out}
        if layer.notes:
            programme.append(layer)
    if programme.layers:
        for layer, state, totals in zip(programme.layers, programme.best_path(), programme.totals(), strict=True):
            result |= {note.id: note for note in _placed(layer, state, totals, instrument)}
    return [replace(result[str(index)], id=note.id) for index, note in enumerate(notes)]


class LiveArranger:
    """Positions for notes as they come, settled once and for all.

    A group is settled when every onset up to `lookahead` samples after its first note is known. What has been given
    depends on the notes and the order of calls alone, so callers drive it at fixed frames.
    """

    def __init__(self, instrument: Instrument, lookahead: int) -> None:
        self._instrument = instrument
        self._lookahead = lookahead
        self._neck = _Neck(instrument)
        self._programme = _Programme()
        self._waiting: list[Note] = []
        self._unsettled: list[int] = []  # onset of every layer that is not settled
        self._settled_layers = 0

    @property
    def first_unsettled(self) -> int | None:
        """Onset of the earliest note whose position is open; None when there is none."""
        waiting = min((note.onset for note in self._waiting), default=None)
        return self._unsettled[0] if self._unsettled else waiting

    def add(self, note: Note) -> None:
        """Take a note; its onset must not lie before what `advance` was told to be known."""
        self._waiting.append(note)

    def advance(self, known_until: int, offsets: dict[str, int | None]) -> list[Note]:
        """Settle what can be settled.

        Args:
            known_until: sample index; every note with an earlier onset has been added.
            offsets: how notes that were added before have ended since, by id.

        Returns:
            The notes settled now, by group, each with its position or a flag.
        """
        settled: list[Note] = []
        for group in group_notes(self._waiting):
            if known_until <= group[0].onset + GROUP_SAMPLES:
                break
            taken = {id(note) for note in group}
            self._waiting = [note for note in self._waiting if id(note) not in taken]
            settled += self._append([replace(note, offset=offsets.get(note.id, note.offset)) for note in group])
        while self._unsettled and known_until > self._unsettled[0] + GROUP_SAMPLES + self._lookahead:
            settled += self._settle_first()
        return settled

    def finish(self, offsets: dict[str, int | None]) -> list[Note]:
        """Settle everything."""
        last = max((note.onset for note in self._waiting), default=0)
        settled = self.advance(last + GROUP_SAMPLES + 1, offsets)
        while self._unsettled:
            settled += self._settle_first()
        return settled

    def _append(self, group: list[Note]) -> list[Note]:
        layer = self._neck.layer(group)
        if layer.notes:
            self._programme.append(layer)
            self._unsettled.append(group[0].onset)
        return [_unplaced(note, self._instrument) for note in layer.out]

    def _settle_first(self) -> list[Note]:
        index = self._settled_layers
        totals = self._programme.totals(index)[0]
        layer, state = self._programme.layers[index], int(totals.argmin())
        placed = _placed(layer, state, totals, self._instrument)
        self._programme.settle(index, layer.shapes[state].positions)
        self._settled_layers = 1
        del self._unsettled[0]
        return placed
