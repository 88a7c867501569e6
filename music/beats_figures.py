"""What a hypothesis about beats and bars makes of the strokes: figures that a judge of all of them together is given.

A hypothesis is a row of beats, how many of them are a bar, and which one begins the first bar. A figure says how beats
differ from what lies between them, how downbeats differ from other beats (louder, fuller, lower, harmony that is new, a
longer wait), how alike bars are to those before, how the tempo lies. Means over the piece: its length changes little.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from music.audio import SAMPLE_RATE_HZ
from music.beats_onsets import MARKS, Onset
from music.beats_weights import LATTICE, LatticeWeights

Array = NDArray[np.float64]
SLOTS = 12

OF_BEATS = (
    "fit_per_s", "fit_behind", "log_tempo", "unsteady", "struck", "per_beat",
    "on_beat", "at_half", "at_quarter", "at_third",
    *(f"half_{name}" for name in MARKS[:6]),
    "half_after", "half_held", "half_harmony", "hanging", "leading", "first_on_beat", "beats", "notes_each",
    "shortest_wait", "usual_wait",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Strokes:
    """Onsets as arrays over n.

    Attributes:
        times: i64[n], sample indices, rising.
        marks: f64[n, 7], `beats_onsets.MARKS`.
        chroma: f64[n, 12], strength by pitch class.
        lowest: f64[n], MIDI pitch.
        after: f64[n], log of the wait for the next onset, above the mean.
        held: f64[n], log of how long the stroke's longest note sounds, above the mean.
    """

    times: NDArray[np.int64]
    marks: Array
    chroma: Array
    lowest: Array
    after: Array
    held: Array

    def between(self, begin: int, end: int) -> Strokes:
        """Those from one sample index to before another."""
        kept = slice(int(np.searchsorted(self.times, begin)), int(np.searchsorted(self.times, end)))
        return Strokes(
            self.times[kept],
            self.marks[kept],
            self.chroma[kept],
            self.lowest[kept],
            self.after[kept],
            self.held[kept],
        )


def strokes_of(onsets: Sequence[Onset], marks: Sequence[Array], held: Sequence[int]) -> Strokes:
    """Gather what hypotheses are judged by; `held` is in samples."""
    times = np.asarray([onset.time for onset in onsets], np.int64)
    chroma = np.zeros((len(onsets), 12))
    for row, onset in enumerate(onsets):
        for pitch in onset.pitches:
            chroma[row, pitch % 12] += onset.strength / len(onset.pitches)
    waits = np.diff(times, append=times[-1] + (int(np.median(np.diff(times))) if len(times) > 1 else 1))
    after, lasting = (np.log(np.maximum(np.asarray(part, np.float64), 200.0)) for part in (waits, held))
    lowest = np.asarray([onset.lowest for onset in onsets], np.float64)
    return Strokes(times, np.stack(marks), chroma, lowest, after - after.mean(), lasting - lasting.mean())


@dataclass(frozen=True, slots=True)
class Overlay:
    """Strokes laid over a row of beats.

    Attributes:
        at: i64[n], the beat that each stroke belongs to; −1 or len(beats) outside.
        slot: i64[n], twelfths of a beat.
        phase: f64[n], 0..1 from the beat before it.
        before: i64[n], index of that beat.
        length: f64[n], its length in samples.
    """

    at: NDArray[np.int64]
    slot: NDArray[np.int64]
    phase: Array
    before: NDArray[np.int64]
    length: Array


def laid_over(beats: NDArray[np.int64], times: NDArray[np.int64]) -> Overlay:
    edges = np.asarray(beats, np.float64)
    lengths = np.diff(edges, append=2 * edges[-1] - edges[-2])
    before = np.searchsorted(edges, times, side="right") - 1
    inside = np.clip(before, 0, len(edges) - 1)
    phase = (times - edges[inside]) / lengths[inside]
    slot = np.round(phase * SLOTS).astype(np.int64)
    at = inside + slot // SLOTS
    return Overlay(np.where(slot < 0, -1, at), slot % SLOTS, phase, inside, lengths[inside])


def figures_of_beats(strokes: Strokes, beats: NDArray[np.int64], over: Overlay) -> Array:
    """f64[len(OF_BEATS)]; `fit_behind` is left 0 for `music.beats_joint` to fill."""
    lengths = np.diff(beats)
    period = float(np.median(lengths))
    within = (over.at >= 0) & (over.at < len(beats))
    slot = over.slot
    on, half = within & (slot == 0), within & ((slot >= 5) & (slot <= 7))
    quarter, third = within & ((slot == 3) | (slot == 9)), within & ((slot == 4) | (slot == 8))
    total = max(1, int(within.sum()))
    struck = len(np.unique(over.at[on])) / len(beats)
    contrast = _mean(strokes.marks[on, :6]) - _mean(strokes.marks[half, :6])
    after, held = (_mean(part[on, None])[0] - _mean(part[half, None])[0] for part in (strokes.after, strokes.held))
    span_s = (beats[-1] - beats[0] + period) / SAMPLE_RATE_HZ
    first = abs(float(strokes.times[0] - beats[int(np.abs(beats - strokes.times[0]).argmin())])) / period
    is_struck = np.zeros(len(beats) + 1, bool)
    is_struck[over.at[on]] = True
    late = within & ((slot == 9) | (slot == 8))
    waits = np.diff(strokes.times) if len(strokes.times) > 1 else np.asarray([period])
    return np.asarray(
        [
            _fit(over, len(beats), LATTICE) / span_s,
            0.0,
            np.log(60 * SAMPLE_RATE_HZ / period),
            float(np.abs(np.diff(np.log(lengths))).mean()) if len(lengths) > 1 else 0.0,
            struck,
            total / len(beats),
            on.sum() / total,
            half.sum() / total,
            quarter.sum() / total,
            third.sum() / total,
            *contrast,
            after,
            held,
            _half_harmony(strokes, over, within, len(beats)),
            float((~is_struck[over.at[half] + 1]).sum()) / total,
            float(is_struck[over.at[late] + 1].sum()) / total,
            first,
            min(len(beats), 100),
            float((strokes.chroma > 0).sum(axis=1).mean()),
            np.log(period / np.quantile(waits, 0.2)),
            np.log(period / np.median(waits)),
        ]
    )


def _half_harmony(strokes: Strokes, over: Overlay, within: NDArray[np.bool_], count: int) -> float:
    """How much more harmony changes at beats than halfway between them."""
    halves = np.zeros((2 * count, 12))
    place = 2 * over.at + (over.slot >= SLOTS // 2)
    np.add.at(halves, place[within], strokes.chroma[within])
    change = harmony_change(halves, 2)
    return float(change[0::2].mean() - change[1::2].mean())


def _fit(over: Overlay, count: int, weights: LatticeWeights) -> float:
    """Log likelihood of the strokes as a point process over the beats, as in `music.beats_lattice`."""
    kept = (over.phase >= -0.5) & (over.phase < 1.5)
    sigma = weights.spread_s * SAMPLE_RATE_HZ
    frame = SAMPLE_RATE_HZ / 100
    stray = weights.stray_per_s / 100
    rows = []
    for share, points in weights.kinds:
        density = np.full(int(kept.sum()), stray)
        for phase, probability in points:
            off = np.abs(over.phase[kept] - phase)
            off = np.minimum(off, np.abs(1 - off)) * over.length[kept]
            peak = np.exp(-0.5 * (off / sigma) ** 2) * frame / (sigma * np.sqrt(2 * np.pi))
            density = density + probability / (1 - probability) * peak
        sums = np.bincount(over.before[kept], np.log(density), count)
        rows.append(sums + np.log(share) + sum(np.log(1 - p) for _, p in points))
    kinds = np.stack(rows)
    top = kinds.max(axis=0)
    return float((top + np.log(np.exp(kinds - top).sum(axis=0))).sum())


def harmony_change(chroma: Array, reach: int) -> Array:
    """How much the pitch classes of the next `reach` beats differ from those of the last ones, 0..1."""
    total = np.concatenate([np.zeros((1, 12)), np.cumsum(chroma, axis=0)])
    at = np.arange(len(chroma))
    after = unit(total[np.minimum(at + reach, len(chroma))] - total[at])
    before = unit(total[at] - total[np.maximum(at - reach, 0)])
    known = (after.sum(axis=1) > 0) & (before.sum(axis=1) > 0)
    return np.where(known, 1.0 - (after * before).sum(axis=1), 0.0)


def unit(rows: Array) -> Array:
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(norms > 0, norms, 1.0))


def _mean(rows: Array) -> Array:
    return np.asarray(rows.mean(axis=0) if len(rows) else np.zeros(rows.shape[1]))
