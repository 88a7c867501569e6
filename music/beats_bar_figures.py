"""What sets bars apart in a reading: figures of downbeats against other beats, and of how bars resemble each other.

Beside how a downbeat is struck: whether its lowest note is the root of what sounds in the bar, whether the bar is one
harmony, and whether likeness to the bar before begins and ends with it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from music.audio import SAMPLE_RATE_HZ
from music.beats_figures import SLOTS, Overlay, Strokes, harmony_change, unit
from music.beats_onsets import MARKS
from music.beats_weights import METRE

Array = NDArray[np.float64]
COUNTS = (2, 3, 4, 5, 7)
"""Beats of a bar that are considered."""
_LAGS = 9
BEAT = (
    *MARKS[:6], "struck", "harmony_1", "harmony_2", "harmony_4", "lowest", "after", "held",
    "harmony_bar", "root", "pure", "turn_tones", "turn_shape",
)  # fmt: skip
_OF_COUNT = BEAT.index("harmony_bar")
"""From here on what a beat looks like depends on how long bars are."""
LEADING = (
    "strength", "fuller", "bass_moves", "harmony_1", "harmony_2", "lowest", "held",
    "harmony_bar", "root", "pure", "turn_tones", "turn_shape",
)  # fmt: skip
LEAD = tuple(BEAT.index(name) for name in LEADING)
ALL = ("bass_moves", "struck", "harmony_1", "harmony_2", "harmony_bar", "root", "pure", "turn_tones", "turn_shape")
OF_ALL = tuple(BEAT.index(name) for name in ALL)
TWO = ("strength", "lower", "bass_moves", "harmony_1", "harmony_2", "harmony_bar", "root", "after", "turn_tones")
OF_TWO = tuple(BEAT.index(name) for name in TWO)
ALIKE = ("again", "again_lead", "twice", "four", "half", "beat")
OF_BARS = (
    "count", "bar_s", "bars", "place_of_first", "ends_on_one",
    *(f"one_{name}" for name in BEAT),
    *(f"lead_{name}" for name in LEADING),
    *(f"middle_{name}" for name in BEAT),
    *(f"all_{name}" for name in ALL),
    *(f"share_{name}" for name in ALL),
    *(f"two_{name}" for name in TWO),
    "odds", "odds_lead", "odds_behind", "odds_middle",
    *(f"{name}_{part}" for name in ("tones", "shape") for part in ALIKE),
)  # fmt: skip
_ROOT = 1.3
_TRIADS = np.asarray(
    [
        np.roll([_ROOT, *(float(tone in (third, 7)) for tone in range(1, 12))], root)
        for third in (3, 4)
        for root in range(12)
    ]
)
"""Pitch classes of major and minor triads, f64[24, 12]; the root counts more, so that it is told from the sixth."""


@dataclass(frozen=True, slots=True)
class BeatTable:
    """What each beat looks like.

    Attributes:
        beat: f64[beats, len(BEAT)].
        odds: f64[beats], log odds of beginning a bar, by `beats_weights.METRE`.
        chroma: f64[beats, 12], strength by pitch class.
        bass: i64[beats], pitch class of the lowest note struck on it; −1 where nothing is.
        tones, shape: f64[beats, n], its pitch classes and places struck, of length 1 or 0.
        tones_again, shape_again: f64[lags], how alike beats are to those 1, 2, … beats before.
    """

    beat: Array
    odds: Array
    chroma: Array
    bass: NDArray[np.int64]
    tones: Array
    shape: Array
    tones_again: Array
    shape_again: Array


def table_of(strokes: Strokes, beats: NDArray[np.int64], over: Overlay) -> BeatTable:
    count = len(beats)
    within = (over.at >= 0) & (over.at < count)
    at = over.at[within]
    chroma, places = np.zeros((count, 12)), np.zeros((count, SLOTS))
    np.add.at(chroma, at, strokes.chroma[within])
    places[at, over.slot[within]] = 1.0
    lowest = np.full(count, 127.0)
    np.minimum.at(lowest, at, strokes.lowest[within])
    found = np.zeros((count, len(BEAT)))
    on = within & ((over.slot <= 1) | (over.slot == 11))
    hit = np.flatnonzero(on)[::-1]  # of several the first stays
    beat = over.at[hit] + (over.slot[hit] == 11)
    kept = beat < count
    hit, beat = hit[kept], beat[kept]
    found[beat, :6] = strokes.marks[hit, :6]
    found[beat, 6] = 1.0
    for column, reach in ((7, 1), (8, 2), (9, 4)):
        found[:, column] = harmony_change(chroma, reach)
    found[:, 10] = _lowness(lowest)
    found[beat, 11] = strokes.after[hit]
    found[beat, 12] = strokes.held[hit]
    bass = np.full(count, -1)
    bass[beat] = strokes.lowest[hit].astype(np.int64) % 12
    given = np.asarray(METRE.figures)
    odds = found[:, :6] @ given[:6] + given[7] * found[:, 6] + found[:, 7:9] @ given[8:10] + given[10] * found[:, 10]
    tones, shape = unit(chroma), unit(places)
    return BeatTable(found, odds + given[11], chroma, bass, tones, shape, _alike(tones), _alike(shape))


def figures_of_bars(table: BeatTable, beats: NDArray[np.int64], count: int) -> Array:
    """f64[count, len(OF_BARS)] of bars of `count` beats, for each beat that may begin one; `odds_behind` is left 0."""
    total = len(beats)
    rows = table.beat.copy()
    rows[:, _OF_COUNT:] = _of_count(table, count)
    both = np.column_stack([rows, table.odds])
    phases = np.arange(count)
    place = (np.arange(total)[None] - phases[:, None]) % count
    one = place == 0
    sizes = np.maximum(one.sum(axis=1, keepdims=True), 1)
    ones = one @ both / sizes
    others = (both.sum(axis=0, keepdims=True) - ones * sizes) / np.maximum(total - sizes, 1)
    middles = np.roll(ones, -2, axis=0) if count == 4 else ones
    masked = np.where(np.eye(count, dtype=bool)[:, :, None], -np.inf, ones[None])
    lead = ones - masked.max(axis=1)
    bar_s = count * float(np.median(np.diff(beats))) / SAMPLE_RATE_HZ
    alike: list[float] = []
    for part in (table.tones_again, table.shape_again):
        own = _lag(part, count)
        rest = [part[lag - 1] for lag in range(1, _LAGS) if lag % count]
        half = _lag(part, count // 2) if count % 2 == 0 else own
        alike += [own, own - max(rest), _lag(part, 2 * count), _lag(part, 4 * count), own - half, own - part[0]]
    odds = ones[:, -1:]
    return np.concatenate(
        [
            np.broadcast_to([count, np.log(bar_s), min(total / count, 40)], (count, 3)),
            place[:, :1],
            place[:, -1:] == 0,
            (ones - others)[:, :-1],
            lead[:, LEAD],
            (ones - middles)[:, :-1],
            ones[:, OF_ALL],
            (ones * sizes)[:, OF_ALL] / np.maximum(both.sum(axis=0), 1e-3)[list(OF_ALL)],
            _alternate(both[:, OF_TWO], place, count),
            odds,
            lead[:, -1:],
            np.zeros((count, 1)),
            odds - middles[:, -1:],
            np.broadcast_to(alike, (count, len(alike))),
        ],
        axis=1,
    )


def _of_count(table: BeatTable, count: int) -> Array:
    """f64[beats, 5]: what a beat looks like as the first of `count`; 0 where too little comes after."""
    total = np.concatenate([np.zeros((1, 12)), np.cumsum(table.chroma, axis=0)])
    at = np.arange(len(table.chroma))
    within = unit(total[np.minimum(at + count, len(at))] - total[at])
    fits = within @ _TRIADS.T
    root = fits.argmax(axis=1) % 12
    known = within.any(axis=1)
    return np.column_stack(
        [
            harmony_change(table.chroma, count),
            np.where(known, (table.bass == root) & (table.bass >= 0), 0.0),
            np.where(known, fits.max(axis=1), 0.0),
            *(_turn(part, count) for part in (table.tones, table.shape)),
        ]
    )


def _alternate(rows: Array, place: NDArray[np.int64], count: int) -> Array:
    """f64[count, n]: how unlike every other downbeat is; much, and a bar is twice as long."""
    total = len(rows)
    bar = (np.arange(total)[None] - np.arange(count)[:, None]) // count
    one = place == 0
    means = []
    for odd in (0, 1):
        chosen = one & (bar % 2 == odd)
        means.append(chosen @ rows / np.maximum(chosen.sum(axis=1, keepdims=True), 1))
    return np.asarray(np.abs(means[0] - means[1]))


def _turn(part: Array, count: int) -> Array:
    """How much likeness to a bar before begins or ends at each beat."""
    alike = np.zeros(len(part))
    alike[count:] = (part[count:] * part[:-count]).sum(axis=1)
    found = np.abs(np.diff(alike, prepend=alike[:1]))
    found[: count + 1] = 0.0
    return found


def _lag(part: Array, lag: int) -> float:
    return float(part[lag - 1]) if lag - 1 < len(part) else 0.0


def _alike(rows: Array) -> Array:
    """f64[28]: mean likeness of each row to the one so many before."""
    found = np.zeros(4 * max(COUNTS))
    for lag in range(1, len(found) + 1):
        if len(rows) > lag:
            found[lag - 1] = (rows[lag:] * rows[:-lag]).sum(axis=1).mean()
    return found


def _lowness(lowest: Array) -> Array:
    """How far a beat's lowest note lies below those of the eight beats around it, in octaves, within ±1.5."""
    padded = np.pad(np.where(lowest < 127, lowest, np.nan), 4, constant_values=np.nan)
    near = np.lib.stride_tricks.sliding_window_view(padded, 9)
    known = ~np.isnan(near)
    mean = np.nansum(near, axis=1) / np.maximum(known.sum(axis=1), 1)
    return np.where((lowest < 127) & (known.sum(axis=1) > 1), np.clip((mean - lowest) / 12, -1.5, 1.5), 0.0)
