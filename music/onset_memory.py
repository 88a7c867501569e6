"""What surrounds an onset for longer than its own peak: the stir of the last two seconds, and what else begins.

A peak that would be a note of a guitar alone may be a drum's or a bass's in a band. How strong onsets have been lately
and how much of a bass there is tell which, and above all what the early opinions say of the peaks around it: a chord's
notes vouch for each other, a guitar keeps to its register, and where little was likely for two seconds, perhaps nobody
plays one. Nothing here looks further ahead than the decision does.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from music.activations import PITCH_COUNT, beside_silence

Array = NDArray[np.float32]

FRAMES_PAST = 172
"""Frames before an onset that are remembered, two seconds."""
TOGETHER_BEFORE, TOGETHER_AFTER = 4, 5
"""Frames around an onset in which what else begins belongs to it. The later ones are those with an early opinion when
the onset is decided."""
STIR_COUNT = 6

_BASS = 19
"""Columns below a guitar's lowest string in standard tuning."""
_HIGH = 64
"""Columns from here on are above what most guitars have; what stirs there is noise."""
_LIKELY = 0.4
_APART = (-19, -12, -7, 7, 12, 19)
_MARGIN = 24
_STEPS = np.float32(1024)


def exact(values: Array) -> Array:
    """Rounded to 1/1024, so that sums of two seconds are exact in whatever order they are made. Same shape."""
    return np.asarray(np.round(values * _STEPS) / _STEPS, np.float32)


def stir(onset: Array, frame: Array) -> Array:
    """How much goes on in each frame: f32[t, `STIR_COUNT`] from the onset and frame activations, f32[t, 88] each."""
    columns = [
        onset[:, _BASS:].max(axis=1),
        onset[:, :_BASS].max(axis=1),
        onset.mean(axis=1),
        onset[:, _HIGH:].mean(axis=1),
        (frame > 0.3).sum(axis=1),
        frame[:, :_BASS].max(axis=1),
    ]
    return exact(np.stack(columns, axis=1).astype(np.float32))


def surroundings(
    early: Array, stirs: Array, rows: NDArray[np.intp], columns: NDArray[np.intp]
) -> tuple[list[str], Array]:
    """Figures about onsets that are to be decided.

    Args:
        early: f32[t, 88], `exact` early opinions, 0 where there is no peak.
        stirs: f32[t, `STIR_COUNT`], see `stir`.
        rows: i[n], the onsets' rows, in order; each has `FRAMES_PAST` rows before it and `TOGETHER_AFTER` behind it.
        columns: i[n], their columns.

    Returns:
        The figures' names and f32[n, names].
    """
    # A row is asked about by every onset in it; its two seconds are looked at once.
    new = np.diff(rows, prepend=-1) > 0
    asked, which = rows[new], np.cumsum(new) - 1
    figures = {**_lately(stirs, asked, which), **_others(early, asked, which, rows, columns)}
    return list(figures), np.stack(list(figures.values()), axis=1).astype(np.float32)


def _lately(stirs: Array, asked: NDArray[np.intp], which: NDArray[np.intp]) -> dict[str, Array]:
    """The mix of the two seconds before the rows `asked`, and now."""
    past = sliding_window_view(stirs, FRAMES_PAST, axis=0)[asked - FRAMES_PAST]
    strongest = np.partition(past[:, 0], (FRAMES_PAST * 3 // 4, FRAMES_PAST * 19 // 20), axis=1)
    most, mean = past[:, :2].max(axis=2), past.mean(axis=2)
    figures = {
        "past onsets, strongest": most[:, 0],
        "past onsets, 95 %": strongest[:, FRAMES_PAST * 19 // 20],
        "past onsets, 75 %": strongest[:, FRAMES_PAST * 3 // 4],
        "past bass onsets, strongest": most[:, 1],
        "past bass onsets": mean[:, 1],
        "past onsets, mean": mean[:, 2],
        "past high onsets": mean[:, 3],
        "past sounding pitches": mean[:, 4],
        "past sounding bass": mean[:, 5],
        "onsets now": stirs[asked, 2],
        "high onsets now": stirs[asked, 3],
    }
    return {name: figure[which] for name, figure in figures.items()}


def _others(
    early: Array,
    asked: NDArray[np.intp],
    which: NDArray[np.intp],
    rows: NDArray[np.intp],
    columns: NDArray[np.intp],
) -> dict[str, Array]:
    """What the early opinions say of this onset, of those that begin with it and of those before."""
    begin, end = int(asked[0]) - FRAMES_PAST, int(asked[-1]) + TOGETHER_AFTER + 1
    total = np.zeros((end - begin + 1, PITCH_COUNT), np.float32)
    np.cumsum(early[begin:end], axis=0, out=total[1:])
    peaks = np.concatenate([[0], np.cumsum(np.count_nonzero(early[begin:end], axis=1))])
    first, last = asked - TOGETHER_BEFORE - begin, asked + TOGETHER_AFTER + 1 - begin
    together = (total[last] - total[first])[which]
    past = total[first] - total[asked - FRAMES_PAST - begin]
    past_peaks = peaks[first] - peaks[asked - FRAMES_PAST - begin]
    places, each = np.arange(PITCH_COUNT, dtype=np.float32), np.arange(len(rows))
    past_sum = past.sum(axis=1)
    register = (past * places).sum(axis=1) / np.maximum(past_sum, 1e-3)

    near, before = (beside_silence(maps, _MARGIN, _MARGIN) for maps in (together, past[which]))
    own = columns + _MARGIN
    others = together.copy()
    others[each, columns] = 0
    others_sum = others.sum(axis=1)
    chord = (others * places).sum(axis=1) / np.maximum(others_sum, 1e-3)
    likely, lower = others > _LIKELY, places < columns[:, None]
    figures = {
        "early": early[rows, columns],
        "others together": others_sum,
        "strongest other": others.max(axis=1),
        "likely others": likely.sum(axis=1),
        "likely others below": (likely & lower).sum(axis=1),
        "from the others": np.where(others_sum > 0.3, columns - chord, 0),
        "past likely": past_sum[which],
        "past likely of a peak": (past_sum / np.maximum(past_peaks, 1))[which],
        "past below": (past[which] * (places < columns[:, None] - 2)).sum(axis=1),
        "past own": before[each, own],
        "past semitones": before[each, own - 1] + before[each, own + 1],
        "past fifths": before[each, own - 7] + before[each, own + 7],
        "from the register": np.where(past_sum[which] > 0.5, columns - register[which], 0),
    }
    return figures | {f"other {apart:+} st": near[each, own + apart] for apart in _APART}
