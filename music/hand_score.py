"""What each way to hold a group of notes costs by itself: the layers of the dynamic programme, as the notes come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from music.audio import SAMPLE_RATE_HZ
from music.habit import Habit
from music.hand_model import Floats
from music.hand_states import Neck, States
from music.note import Note
from music.string_chances import StringChances
from music.string_prior import Memory, Moment, StringPrior, learned_prior
from music.tuning import Position

GROUP_SAMPLES = SAMPLE_RATE_HZ * 50 // 1000
"""Onsets this close (50 ms) belong to one group: a strum is one shape."""
_LEAST_HEARD = 0.01


@dataclass(frozen=True, eq=False, slots=True)
class Layer:
    """One group as the dynamic programme sees it.

    Attributes:
        notes: columns of `states.strings` begin with them.
        held: for each further column, its column in the layer before.
        states: of `notes` and what is held.
        cost: f64[s], of holding and of the notes' strings.
        placing: for each of `PLACING`, how unlikely each string is for each note, f64[notes, strings].
        onset: sample index of the first note.
    """

    notes: tuple[Note, ...]
    held: tuple[int, ...]
    states: States
    cost: Floats
    placing: tuple[Floats, ...]
    onset: int

    def only(self, rows: NDArray[np.intp]) -> Layer:
        """With these states alone."""
        states = self.states
        kept = States(states.strings[rows], states.hand[rows], states.middle[rows], states.figures[rows])
        return replace(self, states=kept, cost=self.cost[rows])


@dataclass(frozen=True, eq=False, slots=True)
class Beginning:
    """A group that has begun: the notes that take part and those that do not, what rings on, what is known of them."""

    notes: tuple[Note, ...]
    out: tuple[Note, ...]
    held: tuple[int, ...]
    moment: Moment
    onset: int


class Score:
    """Makes layers of groups as they come, each once and in order: knows what rings on and what has sounded.

    Attributes:
        sounding: the notes of the last layer, as its columns are.
    """

    def __init__(self, neck: Neck, prior: StringPrior | None = None) -> None:
        self._neck = neck
        self._chances = StringChances(neck.instrument, prior or learned_prior())
        self.sounding: tuple[Note, ...] = ()
        self._memory = Memory()
        self.habit = Habit(neck.instrument)

    def begin(self, group: Sequence[Note], ends: Mapping[str, int | None] | None = None) -> Beginning:
        """Take a group; notes the hand cannot reach with the others are left out, the surest are kept.

        Args:
            group: notes that begin within `GROUP_SAMPLES`, none before the group given last.
            ends: offsets of earlier notes by id, where they are known better than when the notes were given.
        """
        notes = self._holdable(group)
        inside = {id(note) for note in notes}
        out = tuple(note for note in group if id(note) not in inside)
        onset = min(note.onset for note in group)
        held = self._ringing(notes, onset, ends or {}) if notes else ()
        ringing = [self.sounding[column] for column in held]
        pitches = tuple(note.pitch for note in notes)
        moment = Moment(pitches, tuple(note.pitch for note in ringing), self._memory.recall(onset))
        if notes:
            self._memory.remember(pitches, onset)
            self.sounding = (*notes, *ringing)
        return Beginning(notes, out, held, moment, onset)

    def chances(self, begun: Sequence[Beginning]) -> list[Floats]:
        """What the prior says of each group's notes: f64[notes, strings], −log probability."""
        return self._chances.costs([group.moment for group in begun])

    def layer(self, group: Beginning, chance: Floats) -> Layer:
        """The layer of a group that has notes, by what `chances` says of it and by habit."""
        weights, pitches = self._neck.weights, group.moment.pitches
        placing = (chance, _heard(group.notes, chance.shape[1]), self.habit.costs(pitches, group.onset))
        prior, evidence, same = weights.placing.tolist()
        places = prior * placing[0] + same * placing[2]
        if evidence:
            places += evidence * placing[1]
        states = self._neck.states(pitches, group.moment.held)
        chosen = states.strings[:, : len(pitches)]
        cost = states.figures @ weights.holding + places[np.arange(len(pitches)), chosen - 1].sum(axis=1)
        return Layer(group.notes, group.held, states, cost, placing, group.onset)

    def _ringing(self, notes: Sequence[Note], onset: int, ends: Mapping[str, int | None]) -> tuple[int, ...]:
        """Columns of the last layer that should sound on, newest first, no more than there are strings for."""
        struck = {note.pitch for note in notes}
        columns = [
            (-note.onset, column)
            for column, note in enumerate(self.sounding)
            if note.pitch not in struck and rings_into(ends.get(note.id, note.offset), onset)
        ]
        most = max(0, self._neck.instrument.string_count - len(notes))
        return tuple(column for _, column in sorted(columns)[:most])

    def _holdable(self, group: Sequence[Note]) -> tuple[Note, ...]:
        notes = tuple(note for note in group if self._neck.instrument.positions_of(note.pitch))
        if self._neck.can_hold(tuple(note.pitch for note in notes)):
            return notes
        kept: list[Note] = []
        for note in sorted(notes, key=lambda note: (-note.confidence, note.pitch)):
            if self._neck.can_hold(tuple(other.pitch for other in (*kept, note))):
                kept.append(note)
        chosen = {id(note) for note in kept}
        return tuple(note for note in notes if id(note) in chosen)


def _heard(notes: Sequence[Note], strings: int) -> Floats:
    """−log of what was heard of each note's string, f64[notes, strings]; 0 where nothing fits."""
    costs = np.zeros((len(notes), strings))
    for row, note in enumerate(notes):
        if len(note.string_evidence) == strings:
            costs[row] = -np.log(np.clip(note.string_evidence, _LEAST_HEARD, 1.0))
    return costs


def pinned(layer: Layer, pins: Mapping[str, Position]) -> Layer:
    """Without the states that put a pinned note elsewhere; a pin that nothing can satisfy gives way."""
    for column, note in enumerate(layer.notes):
        if note.id in pins:
            rows = np.flatnonzero(layer.states.strings[:, column] == pins[note.id].string)
            layer = layer.only(rows) if len(rows) else layer
    return layer


def rings_into(offset: int | None, onset: int) -> bool:
    """Whether a note that ends at `offset` should sound on while a group that begins at `onset` does."""
    return offset is None or offset > onset + GROUP_SAMPLES
