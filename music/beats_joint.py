"""Beats, metre and downbeats of a piece decided together: of all readings the one that explains most.

A reading is a hypothesis about the beats (`music.beats_hypotheses`), beats of a bar, and which beat begins one. The
piece is cut into stretches of half a minute; in each, trees that were fitted on composed music (`bench/fit_bars.py`)
say how likely each reading is, against none of them being right, by figures of the whole stretch
(`music.beats_figures`) and by what the beat network expects there (`music.beats_evidence`). Readings are then joined
over the stretches as states of a hidden Markov model that may change, at a price.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from music.audio import SAMPLE_RATE_HZ
from music.beats_bar_figures import COUNTS, OF_BARS, figures_of_bars, table_of
from music.beats_evidence import (
    BARS_BY_NETWORK,
    BEHIND,
    BY_NETWORK,
    Evidence,
    bar_figures_by_network,
    row_heard,
)
from music.beats_figures import OF_BEATS, Strokes, figures_of_beats, laid_over
from music.beats_hypotheses import Beats
from music.boosted_trees import BoostedTrees, load_trees

Array = NDArray[np.float64]
STRETCH_S = 30.0
_CHANGE = -6.0
"""Log probability that another reading holds in the next stretch."""
_CHANGE_AFTER_HOLE = -1.5
_HOLE = 4 * SAMPLE_RATE_HZ
"""After silence as long as that nobody can tell where the beat is: it is found anew."""
_FEWEST_BETWEEN_HOLES = 8
FIGURES = (*OF_BEATS, *BY_NETWORK, *OF_BARS, *BARS_BY_NETWORK)
_BEHIND = tuple(
    (FIGURES.index(behind), FIGURES.index(own))
    for behind, own in (("fit_behind", "fit_per_s"), ("odds_behind", "odds"), *BEHIND)
)
_PLACE = FIGURES.index("place_of_first")
_FEWEST = 3
_NEVER = -1e9
_EARLY = round(0.06 * SAMPLE_RATE_HZ)
"""A beat may lie a little before the stroke that is meant by it."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Beats `beats` of which every `count`-th begins a bar, counted from beat `first` (0 <= first < count)."""

    beats: int
    count: int
    first: int


@dataclass(frozen=True, slots=True)
class Judged:
    """What was decided.

    Attributes:
        beats: i64[n], sample indices, rising.
        places: i64[n], of each in its bar, 0 for a downbeat.
        counts: i64[n], beats of the bar that each belongs to.
        chance: f64[n], probability of the reading that each is taken from.
    """

    beats: Beats
    places: NDArray[np.int64]
    counts: NDArray[np.int64]
    chance: Array


Allowed = Callable[[Beats, int, int], bool]
"""Whether a person leaves room for a reading: its beats, the beats of a bar, the first beat of a bar."""


def judge(
    strokes: Strokes,
    evidence: Evidence,
    rows: Sequence[Beats],
    allowed: Allowed | None = None,
    trees: BoostedTrees | None = None,
) -> Judged:
    """The best readings of a piece.

    Args:
        strokes: of the whole piece.
        evidence: what the beat network says of it.
        rows: hypotheses about its beats, one at least.
        allowed: what a person has decided; None for nothing.
        trees: instead of the fitted ones.
    """
    trees = trees or load_trees("beats_bars")
    states = [
        Reading(row, count, first)
        for row, beats in enumerate(rows)
        for count in COUNTS
        for first in range(count)
        if allowed is None or allowed(beats, count, first)
    ]
    cuts = stretches(strokes)
    scores = np.stack(
        [_scores(strokes, evidence, rows, states, cut, trees, is_first=not n) for n, cut in enumerate(cuts)]
    )
    path, chance = _joined(scores, [_begins_after_hole(strokes, begin) for begin, _ in cuts])
    return _spelled(rows, [states[state] for state in path], cuts, chance)


def stretches(strokes: Strokes) -> list[tuple[int, int]]:
    """Sample indices at which about half a minute begins and ends, from before the first stroke to after the last.

    A hole begins a new one with the stroke after it, where enough sounds on either side.
    """
    times = strokes.times
    holes = [0, *(np.flatnonzero(np.diff(times) >= _HOLE) + 1).tolist(), len(times)]
    kept = [0]
    for begin in holes[1:-1]:
        if begin - kept[-1] >= _FEWEST_BETWEEN_HOLES and len(times) - begin >= _FEWEST_BETWEEN_HOLES:
            kept.append(begin)
    edges: list[int] = []
    for begin, end in pairwise([*kept, len(times)]):
        first, last = int(times[begin]), int(times[end - 1])
        count = max(1, round((last - first) / (STRETCH_S * SAMPLE_RATE_HZ)))
        edges += np.linspace(first, last, count + 1).round().astype(int).tolist()[:-1]
    edges = [edges[0] - 10 * SAMPLE_RATE_HZ, *(edge - _EARLY for edge in edges[1:])]
    return list(pairwise([*edges, int(times[-1]) + 10 * SAMPLE_RATE_HZ]))


def readings_of(
    strokes: Strokes, evidence: Evidence, rows: Sequence[Beats], *, is_first: bool = True
) -> tuple[list[Reading], NDArray[np.float32]]:
    """All readings of a stretch and their figures, f32[readings, len(FIGURES)].

    Args:
        strokes: of the stretch, one at least.
        evidence: what the beat network says of the piece.
        rows: hypotheses about its beats; those of fewer than three are passed over.
        is_first: whether the piece begins here; elsewhere its first stroke says nothing of bars.
    """
    readings: list[Reading] = []
    parts: list[Array] = []
    for row, beats in enumerate(rows):
        if len(beats) < _FEWEST:
            continue
        over = laid_over(beats, strokes.times)
        of_row = row_heard(evidence, beats)
        own = np.concatenate([figures_of_beats(strokes, beats, over), of_row.own])
        table = table_of(strokes, beats, over)
        for count in COUNTS:
            if len(beats) <= count:
                continue
            same = np.broadcast_to(own, (count, len(own)))
            of_bars = figures_of_bars(table, beats, count), bar_figures_by_network(of_row, count)
            parts.append(np.concatenate([same, *of_bars], axis=1))
            readings += [Reading(row, count, first) for first in range(count)]
    if not parts:
        return [], np.zeros((0, len(FIGURES)), np.float32)
    figures = np.concatenate(parts)
    for behind, of in _BEHIND:
        figures[:, behind] = figures[:, of] - figures[:, of].max()
    if not is_first:
        figures[:, _PLACE] = -1.0
    return readings, figures.astype(np.float32)


def _scores(
    strokes: Strokes,
    evidence: Evidence,
    rows: Sequence[Beats],
    states: Sequence[Reading],
    cut: tuple[int, int],
    trees: BoostedTrees,
    *,
    is_first: bool,
) -> Array:
    """f64[states]: log probability of each in a stretch; all alike where too little sounds to tell."""
    within = strokes.between(*cut)
    begins = [int(np.searchsorted(beats, cut[0])) for beats in rows]
    cropped = [beats[begin : int(np.searchsorted(beats, cut[1]))] for beats, begin in zip(rows, begins, strict=True)]
    if len(within.times) < _FEWEST:
        return np.zeros(len(states))
    readings, figures = readings_of(within, evidence, cropped, is_first=is_first)
    if not readings:
        return np.zeros(len(states))
    odds = trees.odds(figures)
    top = max(float(odds.max()), 0.0)
    logs = odds - top - np.log(np.exp(odds - top).sum() + np.exp(-top))
    found = {
        Reading(r.beats, r.count, (r.first + begins[r.beats]) % r.count): float(log)
        for r, log in zip(readings, logs, strict=True)
    }
    return np.asarray([found.get(state, _NEVER) for state in states])


def _begins_after_hole(strokes: Strokes, cut: int) -> bool:
    at = int(np.searchsorted(strokes.times, cut))
    return 0 < at < len(strokes.times) and bool(strokes.times[at] - strokes.times[at - 1] >= _HOLE)


def _joined(scores: Array, anew: Sequence[bool]) -> tuple[list[int], Array]:
    """The best path through f64[stretches, states], and the probability of its state in each stretch.

    `anew` says of each whether a hole is before it.
    """
    total, count = scores.shape
    best, came = scores[0].copy(), np.zeros((total, count), np.int64)
    for at in range(1, total):
        leader = int(best.argmax())
        moved = best[leader] + (_CHANGE_AFTER_HOLE if anew[at] else _CHANGE) - np.log(max(1, count - 1))
        came[at] = np.where(moved > best, leader, np.arange(count))
        best = np.maximum(best, moved) + scores[at]
    path = [int(best.argmax())]
    for at in range(total - 1, 0, -1):
        path.append(int(came[at, path[-1]]))
    path.reverse()
    return path, np.asarray([np.exp(scores[at, state]) for at, state in enumerate(path)])


def _spelled(rows: Sequence[Beats], path: Sequence[Reading], cuts: Sequence[tuple[int, int]], chance: Array) -> Judged:
    """The beats of each stretch's reading, one after the other; where the reading changes, none falls between two."""
    beats: list[int] = []
    places: list[int] = []
    counts: list[int] = []
    sure: list[float] = []
    for reading, (begin, end), share in zip(path, cuts, chance, strict=True):
        row = rows[reading.beats]
        for index in range(int(np.searchsorted(row, begin)), int(np.searchsorted(row, end))):
            beat = int(row[index])
            if beats and beat - beats[-1] < (row[1] - row[0]) / 2:
                continue
            beats.append(beat)
            places.append((index - reading.first) % reading.count)
            counts.append(reading.count)
            sure.append(float(share))
    return Judged(np.asarray(beats, np.int64), np.asarray(places), np.asarray(counts), np.asarray(sure))
