"""The dynamic programme behind the arranging: layers of states, what it costs to go from one to the next, the best way.

A state of a layer is one way to hold everything that sounds when a group of notes begins: the group, and the notes
before it that ring on. So a bass that is held keeps its finger and its string while a melody moves above it. See
`music.arranging` for what it is used for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from music.audio import SAMPLE_RATE_HZ
from music.hand_model import HAND_MOVES, MOVING, Floats, HandWeights, hand_moves, holding_figures, hurry
from music.neck import ANYWHERE, NO_NOTES, Ints, Placements, Reach, hands, places_of, within
from music.note import Note
from music.string_prior import Memory, Moment, StringChances, StringPrior, learned_prior
from music.tuning import Instrument, Position

GROUP_SAMPLES = SAMPLE_RATE_HZ * 50 // 1000
"""Onsets this close (50 ms) belong to one group: a strum is one shape."""
MAX_STATES = 160
"""States kept of one group, the cheapest to hold."""
_MOST_REMEMBERED = 4096
_LEAST_HEARD = 0.01
_HANDS = 40
_MOVES_KEPT = 64
"""Transitions of a long piece are worked out twice rather than kept: they are most of what it would take in memory."""


@dataclass(frozen=True, eq=False, slots=True)
class States:
    """Ways to hold what sounds together, the notes that begin first: one row a state, one column a note.

    Attributes:
        strings: i64[s, notes], 0 for a note that is given up.
        hand: i64[s], fret of the index finger.
        middle: f64[s], mean string of the notes that begin.
        figures: f64[s, HOLDING].
    """

    strings: Ints
    hand: Ints
    middle: Floats
    figures: Floats

    def __len__(self) -> int:
        return len(self.hand)


@dataclass(frozen=True, eq=False, slots=True)
class Layer:
    """One group as the dynamic programme sees it.

    Attributes:
        notes: columns of `states.strings` begin with them.
        held: for each further column, its column in the layer before.
        states: of `notes` and what is held.
        cost: f64[s], of holding and of the notes' strings.
        onset: sample index of the first note.
    """

    notes: tuple[Note, ...]
    held: tuple[int, ...]
    states: States
    cost: Floats
    onset: int

    def only(self, rows: NDArray[np.intp]) -> Layer:
        """With these states alone."""
        states = self.states
        kept = States(states.strings[rows], states.hand[rows], states.middle[rows], states.figures[rows])
        return replace(self, states=kept, cost=self.cost[rows])


class Neck:
    """The states of chords on one instrument; remembers those it has seen."""

    def __init__(self, instrument: Instrument, weights: HandWeights, reach: Reach = ANYWHERE) -> None:
        self.instrument = instrument
        self.weights = weights
        self._reach = reach
        self._seen: dict[tuple[tuple[int, ...], tuple[int, ...]], States] = {}
        self._begun: dict[tuple[int, ...], tuple[Placements, Placements]] = {}
        self._places: dict[int, tuple[Ints, Ints]] = {}

    def can_hold(self, pitches: tuple[int, ...]) -> bool:
        return len(pitches) <= self.instrument.string_count and len(self._beginning(pitches)[1]) > 0

    def states(self, pitches: tuple[int, ...], held: tuple[int, ...]) -> States:
        """All states, or the `MAX_STATES` cheapest, of notes that begin over notes that ring on, the newest first.

        What rings on is held as well, or, where no hand can do that, its newest part; or all of it is given up.
        """
        key = (pitches, held)
        if key not in self._seen:
            if len(self._seen) >= _MOST_REMEMBERED:
                self._seen.clear()
            self._seen[key] = self._work_out(pitches, held)
        return self._seen[key]

    def _work_out(self, pitches: tuple[int, ...], held: tuple[int, ...]) -> States:
        found = self._placements(pitches, held)
        rows, hand = hands(found, self.instrument)
        figures = holding_figures(found, rows, hand, len(pitches))
        if len(rows) > MAX_STATES:
            cheapest = np.argsort(figures @ self.weights.holding, kind="stable")[:MAX_STATES]
            rows, hand, figures = rows[cheapest], hand[cheapest], figures[cheapest]
        strings = found.strings[rows]
        return States(strings, hand, strings[:, : len(pitches)].mean(axis=1), figures)

    def _placements(self, pitches: tuple[int, ...], held: tuple[int, ...]) -> Placements:
        spanned, begun = self._beginning(pitches)
        partial = [spanned]
        for pitch in held:
            if not len(partial[-1]):
                break
            partial.append(partial[-1].beside(*self._places_of(pitch)))
        liked = within(begun, self._reach)
        for with_held in partial[:0:-1]:
            found = with_held.playable()
            found = within(found, self._reach) if len(liked) else found
            if len(found):
                found = _given_up(found, len(pitches) + len(held) - found.strings.shape[1])
                pairs = zip(
                    _given_up(liked if len(liked) else begun, len(held)).columns(), found.columns(), strict=True
                )
                return Placements(*(np.concatenate(pair) for pair in pairs))
        return _given_up(liked if len(liked) else begun, len(held))

    def _beginning(self, pitches: tuple[int, ...]) -> tuple[Placements, Placements]:
        """Ways to place notes that begin, before fingers are counted and after."""
        if pitches not in self._begun:
            if len(self._begun) >= _MOST_REMEMBERED:
                self._begun.clear()
            found = NO_NOTES
            for pitch in pitches:
                found = found.beside(*self._places_of(pitch))
            self._begun[pitches] = found, found.playable()
        return self._begun[pitches]

    def _places_of(self, pitch: int) -> tuple[Ints, Ints]:
        if pitch not in self._places:
            self._places[pitch] = places_of(pitch, self.instrument)
        return self._places[pitch]


def _given_up(found: Placements, count: int) -> Placements:
    """The same with so many more notes that sound nowhere."""
    if not count:
        return found
    nowhere = np.zeros((len(found), count), np.int64)
    strings, frets = (np.concatenate([part, nowhere], 1) for part in (found.strings, found.frets))
    return Placements(strings, frets, found.lowest, found.highest)


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

    def layers(self, begun: Sequence[Beginning], pins: Mapping[str, Position] | None = None) -> list[Layer]:
        """The layers of groups that have notes.

        Args:
            begun: what `begin` has returned.
            pins: positions that are decided, by note id; one that nothing can satisfy gives way.
        """
        weights = self._neck.weights
        layers = []
        chances = self._chances.costs([group.moment for group in begun])
        for group, chance in zip(begun, chances, strict=True):
            places = weights.prior * chance + weights.evidence * _heard(group.notes, chance.shape[1])
            states = self._neck.states(group.moment.pitches, group.moment.held)
            chosen = states.strings[:, : len(group.notes)]
            cost = states.figures @ weights.holding + places[np.arange(len(group.notes)), chosen - 1].sum(axis=1)
            layer = Layer(group.notes, group.held, states, cost, group.onset)
            layers.append(_pinned(layer, pins) if pins else layer)
        return layers

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


def _pinned(layer: Layer, pins: Mapping[str, Position]) -> Layer:
    """Without the states that put a pinned note elsewhere; a pin that nothing can satisfy gives way."""
    for column, note in enumerate(layer.notes):
        if note.id in pins:
            rows = np.flatnonzero(layer.states.strings[:, column] == pins[note.id].string)
            layer = layer.only(rows) if len(rows) else layer
    return layer


def rings_into(offset: int | None, onset: int) -> bool:
    """Whether a note that ends at `offset` should sound on while a group that begins at `onset` does."""
    return offset is None or offset > onset + GROUP_SAMPLES


class Moves:
    """What it costs to go from state to state: `moving_figures` times their weights, without making each figure."""

    def __init__(self, weights: HandWeights) -> None:
        frets = np.arange(_HANDS)
        by_name = dict(zip(MOVING, weights.moving, strict=True))
        slowly = hand_moves(frets, np.inf)
        self._slowly = weights.moving[: len(HAND_MOVES)] @ slowly
        self._hurried = by_name["hurried"] * (hand_moves(frets, 0.0) - slowly)[HAND_MOVES.index("hurried")]
        self._middle, self._cut, self._change, self._slide = weights.moving[len(HAND_MOVES) :]

    def between(self, before: Layer, after: Layer) -> Floats:
        """f64[s_before, s_after]."""
        first, then = before.states, after.states
        by_distance = self._slowly + self._hurried * hurry(_passed_s(before, after))
        costs: Floats = by_distance[np.abs(first.hand[:, None] - then.hand)]
        costs += self._middle * np.abs(first.middle[:, None] - then.middle)
        for column, earlier in enumerate(after.held, start=len(after.notes)):
            costs += self._cut * (first.strings[:, earlier, None] != then.strings[:, column])
        for earlier, column in _struck_again(before, after):
            costs += self._change * (first.strings[:, earlier, None] != then.strings[:, column])
        if len(before.notes) == len(after.notes) == 1:
            same = first.strings[:, :1] == then.strings[:, 0]
            costs += self._slide * (same & (first.hand[:, None] != then.hand))
        return costs


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
    return np.stack([*moves, np.abs(first.middle[:, None] - then.middle), cut, change, slide])


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


class HandPath:
    """Viterbi over a growing list of layers, of which the oldest can be taken off."""

    def __init__(self, weights: HandWeights) -> None:
        self.layers: list[Layer] = []
        self._costs = Moves(weights)
        self._moves: list[Floats | None] = []  # between layers i and i + 1; None where they are worked out anew
        self._forward: list[Floats] = []
        self._came_from: list[Ints] = []  # the best state before each state of layer i + 1

    def append(self, layer: Layer) -> None:
        if self.layers:
            moves = self._costs.between(self.layers[-1], layer)
            self._moves.append(moves)
            if len(self._moves) > _MOVES_KEPT:
                self._moves[-_MOVES_KEPT - 1] = None
            self._go_on(moves, layer)
        else:
            self._forward.append(layer.cost)
        self.layers.append(layer)

    def totals(self, first: int = 0) -> list[Floats]:
        """For the layers from `first` on: cost of the best way through each state, through everything known."""
        backward = np.zeros(len(self._forward[-1]))
        totals = [self._forward[-1] + backward]
        for index in range(len(self.layers) - 2, first - 1, -1):
            onward = self._between(index) + (self.layers[index + 1].cost + backward)
            backward = onward.min(axis=1)
            totals.append(self._forward[index] + backward)
        return totals[::-1]

    def best_path(self) -> list[int]:
        """The state of every layer on the best way through all."""
        path = [int(self._forward[-1].argmin())]
        for came_from in reversed(self._came_from):
            path.append(int(came_from[path[-1]]))
        return path[::-1]

    def forget(self, count: int) -> None:
        """Take off the oldest layers. What they made likely stays; what was decided about them binds nothing."""
        # A constant taken off all totals changes no choice and keeps the sums of an endless session small.
        least = self._forward[count].min()
        self.layers, self._moves, self._came_from = self.layers[count:], self._moves[count:], self._came_from[count:]
        self._forward = [forward - least for forward in self._forward[count:]]

    def _go_on(self, moves: Floats, layer: Layer) -> None:
        ways = self._forward[-1][:, None] + moves
        came_from = ways.argmin(axis=0)
        self._came_from.append(came_from)
        self._forward.append(ways[came_from, np.arange(len(layer.cost))] + layer.cost)

    def _between(self, index: int) -> Floats:
        moves = self._moves[index]
        return self._costs.between(self.layers[index], self.layers[index + 1]) if moves is None else moves
