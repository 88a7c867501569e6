"""The cost of fingerings straight from what the figures are said to be, state by state: slow, and nothing shared."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from music.arranging import group_notes
from music.habit import BEFOREHAND, FADES_S
from music.hand_model import HandWeights
from music.hand_score import GROUP_SAMPLES
from music.neck import finger_count, is_playable
from music.note import Note
from music.string_chances import StringChances
from music.string_prior import Memory, Moment, learned_prior
from music.tuning import Instrument, Position

Sounding = dict[str, Position | None]
"""Where what sounds is held, by note id; None where a note is given up."""
State = tuple[Sounding, int]
Costs = NDArray[np.float64]


def all_ways(
    notes: list[Note], instrument: Instrument, weights: HandWeights, price: float = 0.0
) -> dict[tuple[int, ...], float]:
    """The least cost of every choice of strings for the notes by onset, pitch and id: every way is tried.

    Args:
        notes: few.
        instrument: what they are played on.
        weights: of the figures.
        price: of each note that lies elsewhere than in the best way through what begins up to a second after it.

    Raises:
        TooManyWaysError: there are more than can be tried in a moment.
    """
    named = weights.to_mapping()
    layers, sight = _layers(notes, instrument, named)
    every = _every_way(layers, named)
    for axis, (layer, strings) in enumerate(zip(layers, sight, strict=True)):
        elsewhere = [sum(a != b for a, b in zip(chosen, strings, strict=True)) for chosen in layer.strings]
        every = every + price * _along(np.array(elsewhere, float), axis, len(layers))
    choices = [sorted(set(layer.strings)) for layer in layers]
    costs = np.full([len(chosen) for chosen in choices], np.inf)
    rows = [np.array([of.index(s) for s in layer.strings]) for layer, of in zip(layers, choices, strict=True)]
    np.minimum.at(costs, np.ix_(*rows), every)
    flat = itertools.chain.from_iterable
    return {tuple(flat(way)): float(cost) for way, cost in zip(itertools.product(*choices), costs.ravel(), strict=True)}


class TooManyWaysError(Exception):
    """More ways than can be tried in a moment."""


@dataclass(frozen=True, eq=False, slots=True)
class Tried:
    """A group, its states, the strings of its notes in each, and what each costs by itself."""

    group: list[Note]
    states: list[State]
    strings: list[tuple[int, ...]]
    costs: list[float]


def _layers(
    notes: list[Note], instrument: Instrument, named: dict[str, float]
) -> tuple[list[Tried], list[tuple[int, ...]]]:
    """The layers, and the strings of each at sight."""
    sounding, memory = list[Note](), Memory()
    layers, sight, played = list[Tried](), list[tuple[int, ...]](), list[tuple[int, int, int]]()
    for group in group_notes(notes):
        onset, pitches = group[0].onset, [member.pitch for member in group]
        due = [layer for layer in layers[len(sight) :] if layer.group[0].onset < onset - 22_050]
        sight += _best(layers, named)[len(sight) : len(sight) + len(due)] if due else []
        for layer, strings in zip(due, sight[len(sight) - len(due) :], strict=True):
            played += [(m.pitch, string, layer.group[0].onset) for m, string in zip(layer.group, strings, strict=True)]
        held = [m for m in sounding if (m.offset or 0) > onset + GROUP_SAMPLES and m.pitch not in pitches]
        held = sorted(held, key=lambda m: -m.onset)[: max(0, instrument.string_count - len(group))]
        moment = Moment(tuple(pitches), tuple(member.pitch for member in held), memory.recall(onset))
        prior = StringChances(instrument, learned_prior()).costs([moment])[0]
        memory.remember(pitches, onset)
        states = _states(group, held, instrument)
        chosen = [tuple(_string(state, member) for member in group) for state in states]
        costs = []
        for state, strings in zip(states, chosen, strict=True):
            cost = holding_cost(group, state, named)
            for index, string in enumerate(strings):
                cost += named["prior"] * float(prior[index, string - 1])
                cost += named["same"] * _unfamiliar(pitches[index], string, onset, played, instrument)
            costs.append(cost)
        layers.append(Tried(group, states, chosen, costs))
        sounding = [*group, *held]
    return layers, sight + _best(layers, named)[len(sight) :]


def _unfamiliar(
    pitch: int, string: int, onset: int, played: list[tuple[int, int, int]], instrument: Instrument
) -> float:
    """−log of the string's share of what is remembered of the pitch."""
    counts = {place.string: BEFOREHAND for place in instrument.positions_of(pitch)}
    for other, on, at in played:
        if other == pitch:
            counts[on] += math.exp(-(onset - at) / 22_050 / FADES_S)
    return math.log(sum(counts.values()) / counts[string])


def _best(layers: list[Tried], named: dict[str, float]) -> list[tuple[int, ...]]:
    """The strings of every group in the best way through all."""
    every = _every_way(layers, named)
    way = np.unravel_index(int(every.argmin()), every.shape)
    return [layer.strings[int(state)] for layer, state in zip(layers, way, strict=True)]


def _every_way(layers: list[Tried], named: dict[str, float]) -> Costs:
    """What each choice of a state for every layer costs; an axis a layer."""
    if math.prod(len(layer.states) for layer in layers) > _MOST_WAYS:
        raise TooManyWaysError
    every = np.zeros([1] * len(layers))
    for axis, layer in enumerate(layers):
        every = every + _along(np.array(layer.costs), axis, len(layers))
    for axis, (first, then) in enumerate(itertools.pairwise(layers)):
        leaps = _leaps(layers[: axis + 2])
        moves = [
            [moving_cost(first.group, a, then.group, b, named) + _leaping_cost(leaps, a, b, named) for b in then.states]
            for a in first.states
        ]
        shape = [1] * len(layers)
        shape[axis : axis + 2] = len(first.states), len(then.states)
        every = every + np.array(moves).reshape(shape)
    return every


def _leaps(layers: list[Tried]) -> list[tuple[Note, Note, str]]:
    """Notes of the last two layers that are a leap apart where several voices sound, and the figure that this is."""
    before, after = layers[-2].group, layers[-1].group
    if min(len(before), len(after)) > 1 or all(len(layer.states[0][0]) == 1 for layer in layers[-6:]):
        return []
    lately = {member.pitch for layer in layers[-5:-2] for member in layer.group}
    back = lately - {member.pitch for member in before}
    apart = [(old, new) for old, new in itertools.product(before, after) if abs(old.pitch - new.pitch) >= 3]
    return [(old, new, "back" if new.pitch in back else "leap") for old, new in apart]


def _leaping_cost(leaps: list[tuple[Note, Note, str]], first: State, then: State, weights: dict[str, float]) -> float:
    return sum(weights[figure] * (_string(first, old) == _string(then, new)) for old, new, figure in leaps)


def _along(values: Costs, axis: int, axes: int) -> Costs:
    return values.reshape([-1 if index == axis else 1 for index in range(axes)])


_MOST_WAYS = 300_000


def _string(state: State, member: Note) -> int:
    place = state[0][member.id]
    assert place is not None
    return place.string


def _states(group: list[Note], held: list[Note], instrument: Instrument) -> list[State]:
    """All that is held is held, or, where no hand can, its newest part; or nothing of it."""
    found = _ways(group, [], held, instrument)
    for count in range(len(held), 0, -1):
        more = _ways(group, held[:count], held[count:], instrument)
        if more:
            return found + more
    return found


def _ways(group: list[Note], kept: list[Note], given_up: list[Note], instrument: Instrument) -> list[State]:
    found = []
    for way in itertools.product(*(instrument.positions_of(member.pitch) for member in (*group, *kept))):
        if is_playable(way):
            named = {member.id: place for member, place in zip((*group, *kept), way, strict=True)}
            nowhere: Sounding = {member.id: None for member in given_up}
            frets = [place.fret for place in way if place.fret]
            lowest, last = min(frets, default=0), max(1, instrument.fret_count - instrument.capo)
            hands = range(max(1, min(lowest, max(frets) - 3)), lowest + 1) if frets else range(1, last + 1)
            found += [({**named, **nowhere}, hand) for hand in hands]
    return found


def holding_cost(group: list[Note], state: State, weights: dict[str, float]) -> float:
    held = [place for place in state[0].values() if place]
    begun = [state[0][member.id] for member in group]
    new = [place for place in begun if place]
    hand = state[1]
    frets = [place.fret for place in held if place.fret]
    is_open = sum(place.fret == 0 for place in new)
    strings = [place.string for place in new]
    cost = weights["fret"] * sum(place.fret for place in new) / 12
    cost += weights["hand"] * hand / 12 * any(place.fret for place in new)
    cost += sum(weights[f"reach_{min(4, fret - hand)}"] for fret in frets if fret > hand)
    cost += weights["stretch"] * max(0, max(frets, default=0) - min(frets, default=0) - 3)
    cost += weights["fingers"] * finger_count(held) + weights["barre"] * (finger_count(held) < len(frets))
    cost += weights["open"] * is_open + weights["open_high"] * is_open * (hand >= 5)
    cost += weights["open_alone"] * (is_open == len(new) == 1)
    cost += weights["gaps"] * (max(strings) - min(strings) + 1 - len(new))
    return cost + weights["high"] * sum(place.fret > 12 for place in new)


def moving_cost(before: list[Note], first: State, after: list[Note], then: State, weights: dict[str, float]) -> float:
    frets = abs(then[1] - first[1])
    passed_s = (after[0].onset - before[0].onset) / 22_050
    cost = weights["moved"] * (frets > 0) + weights["move"] * frets / 4 + weights["far"] * max(0, frets - 2) / 4
    cost += weights["hurried"] * frets / 4 * math.exp(-passed_s / 0.25)
    middles = [
        sum(_string(state, member) for member in group) / len(group)
        for group, state in ((before, first), (after, then))
    ]
    cost += weights["middle"] * abs(middles[0] - middles[1])
    begun = {member.id for member in after}
    for name in set(first[0]) & set(then[0]) - begun:
        here, there = first[0][name], then[0][name]
        cost += weights["cut"] * ((here.string if here else 0) != (there.string if there else 0))
    for old, new in itertools.product(before, after):
        cost += weights["change"] * (old.pitch == new.pitch and _string(first, old) != _string(then, new))
    same = len(before) == len(after) == 1 and _string(first, before[0]) == _string(then, after[0])
    return cost + weights["slide"] * (same and frets > 0)
