"""What we compare with: lowest frets, and the optimum-path method with weights set by hand (as 0.1 had it)."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from bench._tabs import Tab
from music.arranging import group_notes
from music.neck import RELAXED_SPAN, hands, placements
from music.note import Note

_FRET, _REACH, _STRETCH, _FINGER = 0.04, 0.05, 1.5, 0.1
_MOVE, _STRING, _BUSY = 0.3, 0.05, 1.0
_MOST_STATES = 96


def lowest_frets(tab: Tab) -> list[int]:
    """The string of each note's lowest fret, 0 where there is none; what else sounds is not asked."""
    choices = [tab.instrument.positions_of(note.pitch) for note in tab.notes]
    return [min(((p.fret, p.string) for p in places), default=(0, 0))[1] for places in choices]


def plain_viterbi(tab: Tab) -> list[int]:
    """The string of each note, 0 where no hand can reach it: low frets, short ways, free strings."""
    layers = []
    for group in group_notes(tab.notes):
        notes = [note for note in group if tab.instrument.positions_of(note.pitch)]
        while notes and not len(placements([note.pitch for note in notes], tab.instrument)):
            notes = notes[:-1]
        if notes:
            layers.append((notes, *_states(tab, notes)))
    forward = [layers[0][3]] if layers else []
    for before, after in pairwise(layers):
        forward.append((forward[-1][:, None] + _moves(before, after)).min(axis=0) + after[3])
    chosen: dict[str, int] = {}
    state = int(forward[-1].argmin()) if layers else 0
    for index in range(len(layers) - 1, -1, -1):
        notes, strings = layers[index][:2]
        chosen |= {note.id: int(string) for note, string in zip(notes, strings[state], strict=True)}
        if index:
            state = int((forward[index - 1] + _moves(layers[index - 1], layers[index])[:, state]).argmin())
    return [chosen.get(note.id, 0) for note in tab.notes]


_States = tuple[list[Note], np.ndarray, np.ndarray, np.ndarray]


def _states(tab: Tab, notes: list[Note]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Strings, hand and cost of every state."""
    found = placements([note.pitch for note in notes], tab.instrument)
    rows, hand = hands(found, tab.instrument)
    fretted = (found.frets > 0).sum(axis=1)
    stretch = np.maximum(0, found.highest - found.lowest - RELAXED_SPAN)
    cost = _FRET * found.frets.sum(axis=1) + _STRETCH * stretch + _FINGER * found.fingers()
    cost = cost[rows] + _REACH * (found.frets.sum(axis=1)[rows] - fretted[rows] * hand)
    cheapest = np.argsort(cost, kind="stable")[:_MOST_STATES]
    return found.strings[rows][cheapest], hand[cheapest], cost[cheapest]


def _moves(before: _States, after: _States) -> np.ndarray:
    costs: np.ndarray = _MOVE * np.abs(before[2][:, None] - after[2]).astype(float)
    costs += _STRING * np.abs(before[1].mean(axis=1)[:, None] - after[1].mean(axis=1))
    for column, note in enumerate(before[0]):
        struck_again = any(other.pitch == note.pitch for other in after[0])
        if not struck_again and (note.offset is None or note.offset > after[0][0].onset + 1102):
            costs += _BUSY * (after[1][None] == before[1][:, column, None, None]).any(axis=2)
    return costs
