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
def periods(tempi_bpm: tuple[float, float] = TEMPI_BPM) -> NDArray[np.int64]:
    """Beat lengths that are looked at, in frames, rising: i64[n]."""
    slowest, fastest = (60 * _FRAMES_PER_S / bpm for bpm in tempi_bpm)
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
def kernels(weights: LatticeWeights, tempi_bpm: tuple[float, float] = TEMPI_BPM) -> Kernels:
    """The tables that weights make for beats between two tempi."""
    lengths = periods(tempi_bpm).astype(np.float64)
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

    Frames count from `origin`, one longest period before the first onset. Scores are kept for as long as a beat can
    reach back; of what lies before, only how each beat was best reached, one byte for each period and frame.

    Args:
        first: sample index of the first onset.
        weights: how music behaves.
        tempi_bpm: slowest and fastest beat that is looked at; a third of the range costs a tenth.
    """

    def __init__(self, first: int, weights: LatticeWeights, tempi_bpm: tuple[float, float] = TEMPI_BPM) -> None:
        self._tables = kernels(weights, tempi_bpm)
        self._weights = weights
        self._lengths = periods(tempi_bpm)
        self._columns = np.arange(len(self._lengths))
        self._block = int(self._lengths[0])
        self._longest = int(self._lengths[-1])
        self.origin = first - self._longest * HOP
        size, count = 4 * self._longest, len(self._lengths)
        self._base = 0  # the frame of the first row of what follows
        self._rhythm = np.zeros((len(weights.kinds), size, count))
        self._accent = np.zeros((size, count))
        self._onward = np.full((size, count), FLOOR)  # the best that leads to a beat here with this period after it
        self._came: list[NDArray[np.int8]] = []  # the period before it, by block; −1 where the beat is the first one
        self._forgotten = 0  # blocks that are not in `_came` any more
        self.ready = 0  # frames whose scores are complete

    def frame_of(self, time: int) -> int:
        return round((time - self.origin) / HOP)

    def time_of(self, frame: int) -> int:
        return int(self.origin + frame * HOP)

    def add(self, time: int, accent: float) -> None:
        """An onset; in time, after `advance` to it.

        Args:
            time: sample index.
            accent: log likelihood ratio of its marks, of onsets on a beat to all others.
        """
        at = self.frame_of(time) - self._base
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
        while self.ready + self._block <= last:
            self._make_room()
            self._advance_block(self.ready, self.ready + self._block)
            self.ready += self._block

    def forget(self, before: int) -> None:
        """Paths need not be followed back beyond this sample index any more."""
        blocks = self.frame_of(before) // self._block - self._forgotten
        if blocks > 0:
            del self._came[:blocks]
            self._forgotten += blocks

    def path(self) -> list[int]:
        """Frames of the beats of the best sequence, as far back as is remembered; the last one is yet to come."""
        begin = max(0, self.ready - self._longest)
        frames = np.broadcast_to(np.arange(begin, self.ready)[:, None], (self.ready - begin, len(self._columns)))
        columns = np.broadcast_to(self._columns, frames.shape)
        # Of an open beat only the part that has passed is expected to have sounded.
        part = (self.ready - frames) / self._lengths[None, :]
        scores = self._onward[frames - self._base, columns] + self._steps(frames - self._base, columns, part)
        scores = np.where(frames + self._lengths[None, :] >= self.ready, scores, 2 * FLOOR)
        row, column = np.unravel_index(int(scores.argmax()), scores.shape)
        return self._trace(begin + int(row), int(column))

    def _advance_block(self, begin: int, end: int) -> None:
        frames = np.arange(begin, end)[:, None]
        starts = frames - self._lengths[None, :]
        known = starts >= 0
        rows, columns = np.where(known, starts - self._base, 0), np.broadcast_to(self._columns, starts.shape)
        best = np.where(known, self._onward[rows, columns] + self._steps(rows, columns, 1.0), FLOOR)
        moved = best[:, :, None] + self._tables.change[None]
        chosen = moved.argmax(axis=1)
        onward = np.take_along_axis(moved, chosen[:, None, :], axis=1)[:, 0]
        # Up to the first onset a beat may be the first one.
        may_start = (frames <= self._longest + 2) & (frames > self._longest - self._lengths[None, :])
        begins = self._weights.begins_on_beat
        near = np.exp(-0.5 * ((frames - self._longest) / 2) ** 2) / (2 * np.sqrt(2 * np.pi))
        fresh = self._tables.prior[None] + np.log(begins * near + (1 - begins) / self._lengths[None])
        starts_here = may_start & (fresh > onward)
        self._onward[begin - self._base : end - self._base] = np.where(starts_here, fresh, onward)
        self._came.append(np.where(starts_here, -1, chosen).astype(np.int8))

    def _steps(self, rows: NDArray[np.int64], columns: NDArray[np.int64], part: Array | float) -> Array:
        """Scores of beats that begin at rows and have the periods of columns, `part` of each having passed."""
        kinds = self._rhythm[:, rows, columns] - self._tables.expected[:, columns] * part
        top = kinds.max(axis=0)
        return np.asarray(top + np.log(np.exp(kinds - top).sum(axis=0)) + self._accent[rows, columns])

    def _trace(self, frame: int, column: int) -> list[int]:
        """Beats up to one at `frame` that goes on with the period of `column`, and the next."""
        beats = [frame + int(self._lengths[column]), frame]
        while (block := frame // self._block - self._forgotten) >= 0:
            column = int(self._came[block][frame % self._block, column])
            frame -= int(self._lengths[column])
            if column < 0 or frame < 0:
                break
            beats.append(frame)
        return beats[::-1]

    def _make_room(self) -> None:
        """Move the window on when the next block and what may be added to it would not fit."""
        size = len(self._accent)
        cut = self.ready - self._longest - self._base
        if self.ready + 2 * self._block - self._base < size or cut <= 0:
            return
        for table, fill in ((self._rhythm, 0.0), (self._accent[None], 0.0), (self._onward[None], FLOOR)):
            table[:, : size - cut] = table[:, cut:].copy()
            table[:, size - cut :] = fill
        self._base += cut
