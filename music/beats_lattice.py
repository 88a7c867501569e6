"""Beats as the best path through time × tempo: a semi-Markov chain whose every step is one beat.

After the bar-pointer models of Whiteley, Cemgil and Godsill (ISMIR 2006) and Krebs, Böck and Widmer (ISMIR 2015), with
onsets of notes in place of a network's activation: within a beat onsets are a point process that is dense where the
subdivisions lie. Which subdivision a beat has (none, halves, thirds, quarters, or no sounding note) is summed out.
Stepping by beats instead of frames makes three minutes cost a tenth of a second.

The lattice only grows: what it holds for a frame never changes once all onsets before that frame have been added and
`advance` has passed it, so it serves the live tracker and the final one alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from music.audio import SAMPLE_RATE_HZ
from music.beats_weights import LatticeWeights

HOP = 220
"""Samples a frame: 10 ms."""
TEMPI_BPM = (40.0, 240.0)
_RATIO = 1.025
_FRAMES_PER_S = SAMPLE_RATE_HZ / HOP
FLOOR = -1e9

Array = NDArray[np.float64]


@cache
def periods() -> NDArray[np.int64]:
    """Beat lengths that are looked at, in frames, rising: i64[n]."""
    slowest, fastest = (60 * _FRAMES_PER_S / bpm for bpm in TEMPI_BPM)
    steps = int(np.ceil(np.log(slowest / fastest) / np.log(_RATIO)))
    return np.unique(np.round(np.geomspace(fastest, slowest, steps + 1)).astype(np.int64))


@dataclass(frozen=True, slots=True)
class Kernels:
    """What an onset adds to the score of a beat of each period that began d frames before it.

    Attributes:
        rhythm: f64[classes, longest, n], log density of an onset for each kind of subdivision; 0 past the period.
        on_beat: f64[longest, n], 1 where an onset is on the beat, falling to 0 beside it.
        inside: f64[longest, n], 1 within the beat.
        expected: f64[classes, n], onsets a beat is expected to have, less the log share of its kind.
        change: f64[n, n], log probability of going from one period (first axis) to another.
        prior: f64[n], log probability of a period.
    """

    rhythm: Array
    on_beat: Array
    inside: Array
    expected: Array
    change: Array
    prior: Array


@cache
def kernels(weights: LatticeWeights) -> Kernels:
    """The tables that weights make."""
    lengths = periods().astype(np.float64)
    longest = int(lengths[-1])
    frames = np.arange(longest)[:, None]
    inside = frames < lengths[None, :]
    sigma = weights.spread_s * _FRAMES_PER_S

    def peak(phase: float) -> Array:
        off = frames - phase * lengths[None, :]
        wrapped = np.minimum(np.abs(off), np.abs(lengths[None, :] - np.abs(off)))
        return np.asarray(np.exp(-0.5 * (wrapped / sigma) ** 2) / (sigma * np.sqrt(2 * np.pi)))

    stray = weights.stray_per_s / _FRAMES_PER_S
    densities, expected = [], []
    for share, points in weights.kinds:
        density = np.full((longest, len(lengths)), stray)
        for phase, probability in points:
            density = density + probability / (1 - probability) * peak(phase)
        densities.append(np.where(inside, np.log(density), 0.0))
        expected.append(stray * lengths - sum(np.log(1 - p) for _, p in points) - np.log(share))
    on_beat = peak(0.0) * sigma * np.sqrt(2 * np.pi)
    ratio = np.abs(np.log(lengths[:, None] / lengths[None, :]))
    change = np.logaddexp(-ratio / weights.drift, np.log(weights.jump))
    change = change - np.log(np.exp(change).sum(axis=1, keepdims=True))
    tempo = np.log(60 * _FRAMES_PER_S / lengths)
    prior = -0.5 * ((tempo - np.log(weights.tempo_bpm)) / weights.tempo_spread) ** 2
    change = change + weights.tempo_each * prior[None]
    return Kernels(
        np.stack(densities),
        np.asarray(on_beat * inside, np.float64),
        inside.astype(np.float64),
        np.stack(expected),
        change,
        prior,
    )


class Lattice:
    """Scores of all beat sequences over the onsets added so far.

    Frames count from `origin`, one longest period before the first onset.

    Args:
        first: sample index of the first onset.
        weights: how music behaves.
    """

    def __init__(self, first: int, weights: LatticeWeights) -> None:
        self._tables = kernels(weights)
        self._weights = weights
        self._lengths = periods()
        self._block = int(self._lengths[0])
        self._longest = int(self._lengths[-1])
        self.origin = first - self._longest * HOP
        size, count = 4 * self._longest, len(self._lengths)
        classes = len(weights.kinds)
        self._rhythm = np.zeros((classes, size, count))
        self._accent = np.zeros((size, count))
        self._best = np.full((size, count), FLOOR)  # a beat at this frame, the step before it of this period
        self._onward = np.full((size, count), FLOOR)  # the best of `_best` and a change to this period
        self._from = np.zeros((size, count), np.int16)
        self._is_start = np.zeros((size, count), bool)
        self.ready = 0  # frames whose `_best` is known

    def frame_of(self, time: int) -> int:
        return round((time - self.origin) / HOP)

    def time_of(self, frame: int) -> int:
        return int(self.origin + frame * HOP)

    def add(self, time: int, accent: float) -> None:
        """An onset; in time, and none before a frame that `advance` has passed.

        Args:
            time: sample index.
            accent: log likelihood ratio of its marks, of onsets on a beat to all others.
        """
        at = self.frame_of(time)
        self._grow(at + self._longest + 1)
        begin = max(0, at - self._longest + 1)
        length = at - begin + 1
        self._rhythm[:, begin : at + 1] += self._tables.rhythm[:, :length][:, ::-1]
        share, weighed = self._weights.on_beat_share, accent * self._weights.accent
        on = -np.log(share + (1 - share) * np.exp(-weighed))
        off = -np.log(share * np.exp(weighed) + 1 - share)
        heard = off * self._tables.inside[:length] + (on - off) * self._tables.on_beat[:length]
        self._accent[begin : at + 1] += heard[::-1]

    def advance(self, until: int) -> None:
        """Complete all frames before `until` (a sample index before which every onset has been added)."""
        last = self.frame_of(until)
        self._grow(last + self._block)
        while self.ready + self._block <= last:
            self._advance_block(self.ready, self.ready + self._block)
            self.ready += self._block

    def _advance_block(self, begin: int, end: int) -> None:
        frames = np.arange(begin, end)[:, None]
        starts = frames - self._lengths[None, :]
        known = starts >= 0
        rows, columns = np.where(known, starts, 0), np.broadcast_to(np.arange(len(self._lengths)), starts.shape)
        scores = self._onward[rows, columns] + self.steps(rows, columns)
        best = np.where(known, scores, FLOOR)
        self._best[begin:end] = best
        moved = best[:, :, None] + self._tables.change[None]
        chosen = moved.argmax(axis=1)
        onward = np.take_along_axis(moved, chosen[:, None, :], axis=1)[:, 0]
        # Up to the first onset a beat may be the first one.
        is_first = (frames <= self._longest + 2) & (frames > self._longest - self._lengths[None, :])
        begins = self._weights.begins_on_beat
        near = np.exp(-0.5 * ((frames - self._longest) / 2) ** 2) / (2 * np.sqrt(2 * np.pi))
        fresh = self._tables.prior[None] + np.log(begins * near + (1 - begins) / self._lengths[None])
        self._is_start[begin:end] = is_first & (fresh > onward)
        self._onward[begin:end] = np.where(self._is_start[begin:end], fresh, onward)
        self._from[begin:end] = chosen

    def steps(self, frames: NDArray[np.int64], columns: NDArray[np.int64]) -> Array:
        """Scores of beats that begin at frames and have the periods of columns."""
        kinds = self._rhythm[:, frames, columns] - self._tables.expected[:, columns]
        top = kinds.max(axis=0)
        total = top + np.log(np.exp(kinds - top).sum(axis=0))
        return np.asarray(total + self._accent[frames, columns])

    def path(self, frozen: int = -1) -> list[int]:
        """Frames of the beats of the best sequence, the last one open: it has begun and not ended at `ready`.

        Args:
            frozen: leave out paths that do not have a beat at this frame; −1 for none.
        """
        frame, column = self._last_step(frozen)
        return self._trace(frame, column)

    def _last_step(self, frozen: int) -> tuple[int, int]:
        begin = max(0, self.ready - self._longest, frozen)
        frames = np.arange(begin, self.ready)[:, None]
        columns = np.broadcast_to(np.arange(len(self._lengths)), (len(frames), len(self._lengths)))
        spread = np.broadcast_to(frames, columns.shape)
        open_now = spread + self._lengths[None, :] >= self.ready
        # Of an open beat only the part that has passed is expected to have sounded.
        part = (self.ready - spread) / self._lengths[None, :]
        kinds = self._rhythm[:, spread, columns] - self._tables.expected[:, columns] * part
        top = kinds.max(axis=0)
        total = top + np.log(np.exp(kinds - top).sum(axis=0)) + self._accent[spread, columns]
        scores = np.where(open_now, self._onward[spread, columns] + total, FLOOR * 2)
        row, column = np.unravel_index(int(scores.argmax()), scores.shape)
        return int(begin + row), int(column)

    def _trace(self, frame: int, column: int) -> list[int]:
        """Beats up to one at `frame` that goes on with the period of `column`."""
        beats = [frame, frame + int(self._lengths[column])]
        while not self._is_start[frame, column]:
            column = int(self._from[frame, column])
            frame -= int(self._lengths[column])
            if frame < 0:
                break
            beats.insert(0, frame)
        return beats

    def _grow(self, frames: int) -> None:
        size = len(self._accent)
        if frames < size:
            return
        more = max(size, frames - size + 1)
        self._rhythm = np.pad(self._rhythm, ((0, 0), (0, more), (0, 0)))
        self._accent = np.pad(self._accent, ((0, more), (0, 0)))
        self._best = np.pad(self._best, ((0, more), (0, 0)), constant_values=FLOOR)
        self._onward = np.pad(self._onward, ((0, more), (0, 0)), constant_values=FLOOR)
        self._from = np.pad(self._from, ((0, more), (0, 0)))
        self._is_start = np.pad(self._is_start, ((0, more), (0, 0)))
