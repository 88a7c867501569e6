"""Hypotheses about a piece's beats: the best in each of several bands of tempo, and those it may be taken for.

A single best path has to settle half, double or off by half a beat before anything is known of bars. Here all of them
are kept for `music.beats_joint`, which hears beats and bars together. A band is narrower than an octave, so what lies
in it cannot be its own double; tempi drift freely within.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from music.audio import SAMPLE_RATE_HZ
from music.beats_lattice import HOP, Lattice
from music.beats_onsets import Onset
from music.beats_weights import LATTICE, LatticeWeights

BANDS_BPM = ((38.0, 58.0), (50.0, 76.0), (65.0, 98.0), (82.0, 124.0), (104.0, 158.0), (134.0, 202.0), (170.0, 250.0))
"""Each tempo lies in two of them or near the middle of one: a piece may speed up or slow down by a sixth."""
_SNAP = 0.03 * SAMPLE_RATE_HZ
_SNAP_SHARE = 0.6
_SAME = 0.05 * SAMPLE_RATE_HZ
_FASTEST_BPM, _SLOWEST_BPM = 260.0, 36.0
_AFTER = 3 * SAMPLE_RATE_HZ

Beats = NDArray[np.int64]


def hypotheses(
    onsets: Sequence[Onset], accents: Sequence[float], end: int, proposed: Sequence[Beats] = ()
) -> list[Beats]:
    """Rows of beats, each from about the first onset to about the last one: sample indices i64[beats], two at least.

    Args:
        onsets: in time, one at least.
        accents: for each, log likelihood ratio of its marks, of onsets on a beat to all others.
        end: of the recording, a sample index.
        proposed: rows of beats from elsewhere, in which the strokes may find themselves too.
    """
    even = replace(LATTICE, tempo_each=0.0, tempo_spread=5.0)  # no band is likelier than another: that is judged later
    times = np.asarray([onset.time for onset in onsets], np.int64)
    last = min(end, int(times[-1]) + _AFTER)
    bands = (_best_in(band, even, times, accents, last) for band in BANDS_BPM)
    return rows_of([*proposed, *bands], times)


def rows_of(found: Iterable[Beats], times: Beats) -> list[Beats]:
    """Each of some rows and what it may be taken for: half a beat off, twice as fast, twice as slow; none twice.

    Args:
        found: rows of beats; those of fewer than two are passed over.
        times: of the strokes, rising; rows go from about the first one to about the last one.
    """
    rows: list[Beats] = []
    for own in found:
        if len(own) < 2:
            continue
        for row in (own, _between(own), _doubled(own), own[::2], own[1::2]):
            kept = _trimmed(snapped(row, times), times)
            if len(kept) >= 2 and _is_sane(kept) and not any(_is_same(kept, other) for other in rows):
                rows.append(kept)
    return rows


def snapped(beats: Sequence[int] | Beats, times: Beats) -> Beats:
    """Beats moved most of the way to a stroke that is within 30 ms of them; rising."""
    row = np.asarray(beats, np.int64)
    after = np.minimum(np.searchsorted(times, row), len(times) - 1)
    before = np.maximum(after - 1, 0)
    nearest = np.where(np.abs(times[after] - row) < np.abs(times[before] - row), times[after], times[before])
    shift = np.where(np.abs(nearest - row) <= _SNAP, (nearest - row) * _SNAP_SHARE, 0.0)
    moved = np.round(row + shift).astype(np.int64)
    # Two beats drawn to one stroke keep their order.
    step = np.arange(len(moved))
    return np.asarray(np.maximum.accumulate(moved - step) + step, np.int64)


def _best_in(
    band: tuple[float, float], weights: LatticeWeights, times: Beats, accents: Sequence[float], last: int
) -> Beats:
    lattice = Lattice(int(times[0]), weights, band)
    for time, accent in zip(times.tolist(), accents, strict=True):
        lattice.advance(time)
        lattice.add(time, accent)
    lattice.advance(last)
    return np.asarray([lattice.time_of(frame) for frame in lattice.path()], np.int64)


def _between(beats: Beats) -> Beats:
    """Half a beat off."""
    middle = (beats[:-1] + beats[1:]) // 2
    return np.concatenate([[2 * beats[0] - middle[0]], middle])


def _doubled(beats: Beats) -> Beats:
    return np.sort(np.concatenate([beats, (beats[:-1] + beats[1:]) // 2]))


def _trimmed(beats: Beats, times: Beats) -> Beats:
    """From the beat at or before the first onset to the one at or before the last."""
    near = 4 * HOP
    first = max(0, int((beats <= times[0] + near).sum()) - 1)
    return beats[first : int((beats <= times[-1] + near).sum())]


def _is_sane(beats: Beats) -> bool:
    tempo = 60 * SAMPLE_RATE_HZ / float(np.median(np.diff(beats)))
    return _SLOWEST_BPM <= tempo <= _FASTEST_BPM


def _is_same(beats: Beats, others: Beats) -> bool:
    if abs(len(beats) - len(others)) > 0.05 * len(others) + 1:
        return False
    at = np.clip(np.searchsorted(others, beats), 1, len(others) - 1)
    off = np.minimum(np.abs(others[at] - beats), np.abs(others[at - 1] - beats))
    return bool((off < _SAME).mean() > 0.97)
