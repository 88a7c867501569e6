"""The cost of fingerings straight from what the figures are said to be, state by state: slow, and nothing shared."""

from __future__ import annotations

import itertools
import math

from music.arranging import group_notes
from music.hand_model import HandWeights
from music.hand_path import GROUP_SAMPLES
from music.neck import finger_count, is_playable
from music.note import Note
from music.string_prior import Memory, Moment, StringChances, learned_prior
from music.tuning import Instrument, Position

Sounding = dict[str, Position | None]
"""Where what sounds is held, by note id; None where a note is given up."""
State = tuple[Sounding, int]


def all_ways(notes: list[Note], instrument: Instrument, weights: HandWeights) -> dict[tuple[int, ...], float]:
    """The least cost of every choice of strings for the notes by onset, pitch and id."""
    named = weights.to_mapping()
    costs: dict[tuple[int, ...], float] = {}
    groups = group_notes(notes)
    layers, sounding, memory = [], list[Note](), Memory()
    for group in groups:
        onset, pitches = group[0].onset, [member.pitch for member in group]
        held = [m for m in sounding if (m.offset or 0) > onset + GROUP_SAMPLES and m.pitch not in pitches]
        held = sorted(held, key=lambda m: -m.onset)[: max(0, instrument.string_count - len(group))]
        ringing = [member.pitch for member in held]
        moment = Moment(tuple(pitches), tuple(ringing), memory.recall(onset))
        prior = StringChances(instrument, learned_prior()).costs([moment])[0] * named["prior"]
        memory.remember(pitches, onset)
        states = [
            (
                state,
                holding_cost(group, state, named) + sum(prior[i, _string(state, m) - 1] for i, m in enumerate(group)),
            )
            for state in _states(group, held, instrument)
        ]
        layers.append(states)
        sounding = [*group, *held]
    for way in itertools.product(*layers):
        cost = sum(own for _, own in way)
        for index, ((before, _), (after, _)) in enumerate(itertools.pairwise(way)):
            cost += moving_cost(groups[index], before, groups[index + 1], after, named)
        strings = tuple(_string(state, m) for (state, _), group in zip(way, groups, strict=True) for m in group)
        costs[strings] = min(cost, costs.get(strings, math.inf))
    return costs


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
