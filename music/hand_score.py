"""What each way to hold a group of notes costs by itself: the layers of the dynamic programme, as the notes come."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
_COMES_BACK, _VOICES = 4, 6
"""Groups in which a pitch is taken to come back to a figure, and of which one must have several voices."""


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
        comes_back: for each of `notes`, whether its pitch has begun lately, but not in the group before; nothing where
            only one voice sounds.
    """

    notes: tuple[Note, ...]
    held: tuple[int, ...]
    states: States
    cost: Floats
    placing: tuple[Floats, ...]
    onset: int
    comes_back: tuple[bool, ...]

    def at_cost(self, cost: Floats) -> Layer:
        """With other costs of its states."""
        return Layer(self.notes, self.held, self.states, cost, self.placing, self.onset, self.comes_back)

    def only(self, rows: NDArray[np.intp]) -> Layer:
        """With these states alone."""
        return replace(self, states=self.states.only(rows), cost=self.cost[rows])


@dataclass(frozen=True, eq=False, slots=True)
class Beginning:
    """A group that has begun: the notes that take part and those that do not, what rings on, what is known of them."""

    notes: tuple[Note, ...]
    out: tuple[Note, ...]
    held: tuple[int, ...]
    moment: Moment
    onset: int
    comes_back: tuple[bool, ...]


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
        self._lately: deque[tuple[tuple[int, ...], bool]] = deque(maxlen=_VOICES)  # pitches, whether others sound too
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
        comes_back: tuple[bool, ...] = ()
        if notes:
            self._lately.append((pitches, len(notes) + len(held) > 1))
            comes_back = self._comes_back(pitches)
            self._memory.remember(pitches, onset)
            self.sounding = (*notes, *ringing)
        return Beginning(notes, out, held, moment, onset, comes_back)

    def look_at(self, groups: Iterable[Sequence[Note]]) -> None:
        """Tell of groups that will be begun: which of them can be held is found out more quickly for many at once."""
        chords = [tuple([note.pitch for note in group if self._neck.has(note.pitch)]) for group in groups]
        self._neck.look_at([pitches for pitches in chords if len(pitches) > 1])

    def layers(self, begun: Sequence[Beginning]) -> Iterator[Layer]:
        """The layers of groups that have notes, each by what is remembered when it is asked for."""
        chances = self._chances.costs([group.moment for group in begun])
        states = self._neck.states_of([(group.moment.pitches, group.moment.held) for group in begun])
        for group, chance, ways in zip(begun, chances, states, strict=True):
            yield self._layer(group, chance, ways)

    def _layer(self, group: Beginning, chance: Floats, states: States) -> Layer:
        prior, evidence, same = self._neck.weights.placing.tolist()
        placing = (chance, _heard(group.notes, chance.shape[1]), self.habit.costs(group.moment.pitches, group.onset))
        places = prior * chance
        places += same * placing[2]
        if evidence:
            places += evidence * placing[1]
        cost = places.take(states.place).sum(axis=1)
        cost += states.cost
        return Layer(group.notes, group.held, states, cost, placing, group.onset, group.comes_back)

    def _comes_back(self, pitches: tuple[int, ...]) -> tuple[bool, ...]:
        """As `Layer.comes_back`, of the last of the groups that are known lately."""
        if not any(has_more for _, has_more in self._lately):
            return ()
        known = [before for before, _ in self._lately][-_COMES_BACK - 1 : -1]
        earlier = {pitch for before in known[:-1] for pitch in before}
        return tuple([pitch in earlier and pitch not in known[-1] for pitch in pitches])

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
        notes = tuple([note for note in group if self._neck.has(note.pitch)])
        if not notes or self._neck.can_hold(tuple(note.pitch for note in notes)):
            return notes
        kept: tuple[Note, ...] = ()
        for note in sorted(notes, key=lambda note: (-note.confidence, note.pitch)):
            chosen = {id(other) for other in (*kept, note)}
            # In the order in which they will be placed: of what can be held in very many ways not all are tried.
            with_it = tuple(other for other in notes if id(other) in chosen)
            if self._neck.can_hold(tuple(other.pitch for other in with_it)):
                kept = with_it
        return kept


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
