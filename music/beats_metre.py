"""Which beats begin a bar: a hidden Markov model over beats whose states are places in bars of each metre.

What it looks at is what sets a downbeat apart for a listener: the stroke itself (`beats_onsets.MARKS`), harmony that
changes, a bass note, and figures that come round again after a bar.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from music.beats_onsets import Marker, Onset
from music.beats_weights import MetreWeights

Array = NDArray[np.float64]
FIGURES = (
    "strength",
    "fuller",
    "lower",
    "new",
    "bass_moves",
    "waited",
    "first",
    "struck",
    "harmony",
    "harmony_more",
    "lowest",
)
_PLACES = 6
_CLOSE = 0.2


@dataclass(frozen=True, slots=True)
class Heard:
    """What sounds in each beat of a row of beats.

    Attributes:
        figures: f64[beats, len(FIGURES)], of each beat as the possible first one of a bar.
        shapes: f64[beats, 18], what a beat has in it: pitch classes, then places in the beat; each part of
            length 1 or 0.
    """

    figures: Array
    shapes: Array


def hear(beats: Sequence[int], onsets: Sequence[Onset], marks: Sequence[Array] | None = None) -> Heard:
    """Describe beats.

    Args:
        beats: sample indices, rising, two at least.
        onsets: in time; those outside the beats are passed over.
        marks: of the onsets, where they are known already.
    """
    if marks is None:
        marker = Marker()
        marks = [marker.mark(onset) for onset in onsets]
    edges = np.asarray([*beats, 2 * beats[-1] - beats[-2]], np.float64)
    lengths = np.diff(edges)
    count = len(beats)
    chroma, places = np.zeros((count, 12)), np.zeros((count, _PLACES))
    figures = np.zeros((count, len(FIGURES)))
    lowest = np.full(count, 127.0)
    for onset, mark in zip(onsets, marks, strict=True):
        at = int(np.searchsorted(edges, onset.time, side="right")) - 1
        if not -1 <= at < count:
            continue
        phase = (onset.time - edges[at]) / lengths[at] if at >= 0 else 1.0 + (onset.time - edges[0]) / lengths[0]
        beat = at + (1 if phase > 1 - _CLOSE / 2 else 0)
        if beat >= count or beat < 0:
            continue
        if phase < _CLOSE or phase > 1 - _CLOSE / 2:
            if figures[beat, 7] == 0:
                figures[beat, :7] = mark
            figures[beat, 7] = 1.0
        place = round(phase * _PLACES) % _PLACES if beat == at else 0
        places[beat, place] += 1
        lowest[beat] = min(lowest[beat], onset.lowest)
        for pitch in onset.pitches:
            chroma[beat, pitch % 12] += onset.strength / len(onset.pitches)
    figures[:, 8] = _change(chroma, 1)
    figures[:, 9] = _change(chroma, 2)
    figures[:, 10] = _lowness(lowest)
    shapes = np.concatenate([_unit(chroma), _unit(np.minimum(places, 1))], axis=1)
    return Heard(figures, shapes)


def _change(chroma: Array, reach: int) -> Array:
    """How much the pitch classes of the next `reach` beats differ from those of the last ones, 0..1."""
    total = np.concatenate([np.zeros((1, 12)), np.cumsum(chroma, axis=0)])
    at = np.arange(len(chroma))
    after = _unit(total[np.minimum(at + reach, len(chroma))] - total[at])
    before = _unit(total[at] - total[np.maximum(at - reach, 0)])
    known = (np.abs(after).sum(axis=1) > 0) & (np.abs(before).sum(axis=1) > 0)
    return np.where(known, 1.0 - (after * before).sum(axis=1), 0.0)


def _lowness(lowest: Array) -> Array:
    """How far a beat's lowest note lies below those of the eight beats around it, in octaves, within ±1.5."""
    out = np.zeros(len(lowest))
    for index, low in enumerate(lowest):
        near = lowest[max(0, index - 4) : index + 5]
        sounding = near[near < 127]
        if low < 127 and len(sounding) > 1:
            out[index] = np.clip((sounding.mean() - low) / 12, -1.5, 1.5)
    return out


def _unit(rows: Array) -> Array:
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(norms > 0, norms, 1.0))


@dataclass(frozen=True, slots=True)
class Metre:
    """Places of beats in bars.

    Attributes:
        positions: i64[beats], 0 for a downbeat.
        counts: i64[beats], beats of the bar each belongs to.
        score: log likelihood above that of beats without a metre.
        margin: how much less the best other reading of the whole scores.
    """

    positions: NDArray[np.int64]
    counts: NDArray[np.int64]
    score: float
    margin: float

    @property
    def clarity(self) -> Array:
        """f64[beats]: what the margin says for each; of bars that are not of four it says little."""
        return np.where(self.counts == 4, 10 * min(self.margin / 10, 1.5), 0.0)


def evidence(heard: Heard, weights: MetreWeights) -> tuple[Array, Array]:
    """For every beat, log f(seen | downbeat) / f(seen), and the same for the other beats."""
    given = heard.figures @ np.asarray(weights.figures[:-1]) + weights.figures[-1]
    base = weights.downbeat_share
    ratio = np.clip((given - np.log(base / (1 - base))) * weights.trust, -6, 6)
    down = np.asarray(-np.log(base + (1 - base) * np.exp(-ratio)))
    return down, np.asarray(-np.log(base * np.exp(ratio) + 1 - base))


def recurrence(heard: Heard, counts: Sequence[int], weights: MetreWeights) -> Array:
    """f64[beats, counts]: how much more a beat resembles the one a bar of `count` before than those of other bars."""
    similar = np.zeros((len(heard.shapes), len(counts)))
    for column, count in enumerate(counts):
        if len(heard.shapes) > count:
            similar[count:, column] = (heard.shapes[count:] * heard.shapes[:-count]).sum(axis=1) / 2
    return np.asarray(weights.recurrence * (similar - similar.mean(axis=1, keepdims=True)))


def find_metre(heard: Heard, weights: MetreWeights, only: int | None = None, first: int | None = None) -> Metre:
    """The likeliest metre of all beats.

    Args:
        heard: the beats.
        weights: how music behaves.
        only: beats of a bar, where somebody has said so.
        first: index of a beat that begins a bar, where somebody has said so.
    """
    counts = [only] if only else [count for count, _ in weights.metres]
    shares = np.log([1.0] if only else [share for _, share in weights.metres])
    down, up = evidence(heard, weights)
    # The third beat of four is often nearly a downbeat; two such bars of two are not to be had for free.
    middle = np.logaddexp(np.log(weights.middle) + down, np.log(1 - weights.middle) + up)
    again = recurrence(heard, counts, weights)
    total = len(down)
    trellis: list[list[Array]] = []
    for column, count in enumerate(counts):
        scores = []
        for phase in range(count):
            place = (np.arange(total) - phase) % count
            gain = np.where(place == 0, down, np.where(place * 2 == count, middle, up) if count > 3 else up)
            gain = gain + again[:, column]
            if first is not None and (first - phase) % count:
                gain = np.full(total, -1e6)
            scores.append(gain)
        trellis.append(scores)
    return _decode(trellis, counts, shares, weights)


def _decode(
    trellis: list[list[Array]],
    counts: list[int],
    shares: Array,
    weights: MetreWeights,
) -> Metre:
    """The best row of (metre, phase), which may change at a price; a change of phase is a bar of another length."""
    states = [(column, phase) for column, count in enumerate(counts) for phase in range(count)]
    gains = np.stack([trellis[column][phase] for column, phase in states], axis=1)
    start = np.array(
        [
            shares[column] + (0.0 if phase == 0 else np.log(weights.pickup / max(1, counts[column] - 1)))
            for column, phase in states
        ]
    )
    total = len(gains)
    score = start + gains[0]
    came = np.zeros((total, len(states)), np.int64)
    can_start = np.stack([(np.arange(total) - phase) % counts[column] == 0 for column, phase in states], axis=1)
    price = np.array([shares[column] for column, _ in states]) + np.log(weights.change)
    for beat in range(1, total):
        leader = int(score.argmax())
        moved = score[leader] + price
        jumps = can_start[beat] & (moved > score)
        came[beat] = np.where(jumps, leader, np.arange(len(states)))
        score = np.where(jumps, moved, score) + gains[beat]
    final = score.copy()
    state = int(score.argmax())
    path = np.zeros(total, np.int64)
    for beat in range(total - 1, -1, -1):
        path[beat] = state
        state = int(came[beat, state])
    phases = np.array([phase for _, phase in states])[path]
    lengths = np.array([counts[column] for column, _ in states])[path]
    others = np.delete(final, int(final.argmax()))
    margin = float(final.max() - others.max()) if len(others) else 10.0
    return Metre((np.arange(total) - phases) % lengths, lengths, float(final.max()), margin)
