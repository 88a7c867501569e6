"""Which reading holds while the music plays: the beat network asked about the last seconds, once a step.

As `music.beats_joint` without its figures of strokes, which cost too much for a stream: a few rows of beats, and trees
that were fitted (`bench/fit_bars.py`) on what the network says of music that ends in the middle.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from music.audio import SAMPLE_RATE_HZ
from music.beats_bar_figures import COUNTS
from music.beats_decoding import decoded
from music.beats_evidence import (
    BARS_BY_NETWORK,
    BEHIND,
    BY_NETWORK,
    Evidence,
    bar_figures_by_network,
    likeliest,
    row_heard,
)
from music.beats_hypotheses import Beats, rows_of
from music.beats_joint import Allowed, Reading
from music.boosted_trees import BoostedTrees, load_trees

Array = NDArray[np.float64]
LISTENED = 24 * SAMPLE_RATE_HZ
"""What is listened to."""
FIGURES = ("count", "log_tempo", "beats", "as_lattice", "of_lattice", *BY_NETWORK, *BARS_BY_NETWORK)
_BEHIND = tuple((FIGURES.index(behind), FIGURES.index(own)) for behind, own in BEHIND)
_ROWS = 5
_FEWEST = 3
_NEAR = 0.07 * SAMPLE_RATE_HZ
_STAYS = 1.0
"""Log odds that a reading gains which goes on as the committed bars do; how sure it is does not grow with it."""


@dataclass(frozen=True, slots=True)
class Heard:
    """The reading of the last seconds.

    Attributes:
        beats: i64[n], sample indices, rising, on into silence; the last one is yet to come.
        count: beats of a bar.
        first: index of a beat that begins one, before `count`.
        odds: log odds of this reading against all others and none.
    """

    beats: Beats
    count: int
    first: int
    odds: float


def live_rows(evidence: Evidence, suggested: Beats, times: NDArray[np.int64]) -> list[Beats]:
    """Rows of beats to choose from, as `considered` for whole pieces.

    Args:
        evidence: of the last seconds.
        suggested: beats by the lattice.
        times: of the strokes in them, rising, one at least.
    """
    return likeliest(evidence, rows_of([*decoded(evidence), suggested], times), _ROWS)


def live_readings(
    evidence: Evidence, rows: Sequence[Beats], suggested: Beats
) -> tuple[list[Reading], NDArray[np.float32]]:
    """All readings of rows of beats and their figures, f32[readings, len(FIGURES)].

    Rows of fewer than three beats are passed over; `suggested` are beats by the lattice.
    """
    readings: list[Reading] = []
    parts: list[Array] = []
    for row, beats in enumerate(rows):
        if len(beats) < _FEWEST:
            continue
        log_tempo = float(np.log(60 * SAMPLE_RATE_HZ / np.median(np.diff(beats))))
        of_row = row_heard(evidence, beats)
        alike = _share_near(beats, suggested), _share_near(suggested, beats)
        for count in COUNTS:
            if len(beats) <= count:
                continue
            same = np.concatenate([[count, log_tempo, min(len(beats), 60)], alike, of_row.own])
            of_bars = bar_figures_by_network(of_row, count)
            parts.append(np.concatenate([np.broadcast_to(same, (count, len(same))), of_bars], axis=1))
            readings += [Reading(row, count, first) for first in range(count)]
    if not parts:
        return [], np.zeros((0, len(FIGURES)), np.float32)
    figures = np.concatenate(parts)
    for behind, of in _BEHIND:
        figures[:, behind] = figures[:, of] - figures[:, of].max()
    return readings, figures.astype(np.float32)


def choose(
    until: int,
    evidence: Evidence,
    rows: Sequence[Beats],
    suggested: Beats,
    allowed: Allowed | None = None,
    before: tuple[int, int] | None = None,
    trees: BoostedTrees | None = None,
) -> Heard | None:
    """The likeliest reading; None where there is none to choose.

    Args:
        until: the moment, a sample index.
        evidence: of the last seconds.
        rows: of beats.
        suggested: beats by the lattice.
        allowed: what a person leaves room for; None for everything.
        before: where the committed bars end, and how many beats the last of them has; None where none is committed.
        trees: instead of the fitted ones.
    """
    readings, figures = live_readings(evidence, rows, suggested)
    if allowed is not None:
        kept = [n for n, r in enumerate(readings) if allowed(rows[r.beats], r.count, r.first)]
        readings, figures = [readings[n] for n in kept], figures[kept]
    if not readings:
        return None
    odds = (trees or load_trees("beats_live")).odds(figures)
    stays = [before is not None and _goes_on(rows[r.beats], r, *before) for r in readings]
    best = int((odds + _STAYS * np.asarray(stays)).argmax())
    others = np.append(np.delete(odds, best), 0.0)  # none of them is a reading too
    top = float(others.max())
    against = top + float(np.log(np.exp(others - top).sum()))
    chosen = readings[best]
    row = rows[chosen.beats]
    length = float(np.median(np.diff(row[-5:])))
    more = np.arange(1, max(1, int(np.ceil((until - row[-1]) / length))) + 1) * length
    return Heard(
        np.append(row, np.round(row[-1] + more).astype(np.int64)),
        chosen.count,
        chosen.first,
        float(odds[best]) - against,
    )


def _share_near(beats: Beats, others: Beats) -> float:
    """Share of the beats that one of the others is near to, from the others' first to their last."""
    within = beats[(beats >= others[0] - _NEAR) & (beats <= others[-1] + _NEAR)]
    if not len(within):
        return 0.0
    after = np.clip(np.searchsorted(others, within), 1, len(others) - 1)
    off = np.minimum(np.abs(others[after] - within), np.abs(others[after - 1] - within))
    return float((off < _NEAR).mean())


def _goes_on(beats: Beats, reading: Reading, end: int, count: int) -> bool:
    at = int(np.abs(beats - end).argmin())
    return abs(int(beats[at]) - end) < _NEAR and (at - reading.first) % reading.count == 0 and reading.count == count
