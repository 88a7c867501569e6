"""Which string a note is likely on, by what sounds with it and has sounded before it: a small network.

It looks back only, so a live session and a finished one ask it the same. Everything is relative (pitches to the note,
frets to the hand that would play it), so one network serves every tuning. `bench/fit_arranging.py` fits it on composed
music and human tabs and writes string_prior.npz.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cache
from importlib.resources import files
from typing import Self

import numpy as np
from numpy.typing import NDArray

from music.audio import SAMPLE_RATE_HZ
from music.tuning import Instrument

Floats = NDArray[np.float64]
Float32s = NDArray[np.float32]
Indices = NDArray[np.intp]

LEAST = 0.0025
"""Probabilities below are taken for this: the network has not seen everything."""
_AROUND = 24
_PITCHES = 128
_FADES_S = np.array([0.3, 2.0, 10.0])
_PARTS = 2 + len(_FADES_S)
_HANDS = np.arange(-5, 2)  # index finger from five frets below the note to one above
_FRETS, _ENDS, _NEIGHBOURS = 26, 8, (-2, -1, 1, 2)
CONTEXT_FIGURES = _PARTS * (2 * _AROUND + 2)
PLACE_FIGURES = _PARTS * 2 * len(_HANDS) + _FRETS + 3 * _ENDS + len(_NEIGHBOURS) + 4


@dataclass(frozen=True, eq=False, slots=True)
class StringPrior:
    """Two hidden layers, rectified; the first one's input is split into what is the note's and what is the place's.

    Attributes:
        context: f32[CONTEXT_FIGURES, h].
        place: f32[PLACE_FIGURES, h].
        bias: f32[h].
        inner: f32[h, k].
        inner_bias: f32[k].
        outer: f32[k].
    """

    context: Float32s
    place: Float32s
    bias: Float32s
    inner: Float32s
    inner_bias: Float32s
    outer: Float32s

    def scores(self, context: Float32s, row: Indices, place: Float32s) -> Float32s:
        """f32[places], log odds within each note, from f32[notes, …] and for each place its note and f32[places, …]."""
        hidden = np.maximum(0, (context @ self.context)[row] + place @ self.place + self.bias)
        scores: Float32s = np.maximum(0, hidden @ self.inner + self.inner_bias) @ self.outer
        return scores

    def to_arrays(self) -> dict[str, Float32s]:
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[np.floating]]) -> Self:
        return cls(**{field.name: np.asarray(arrays[field.name], np.float32) for field in fields(cls)})


@cache
def learned_prior() -> StringPrior:
    """The network that comes with this package."""
    with files("music").joinpath("string_prior.npz").open("rb") as file:
        return StringPrior.from_arrays(dict(np.load(file)))


@dataclass(frozen=True, eq=False, slots=True)
class Moment:
    """Notes that begin together.

    Attributes:
        pitches: of the notes.
        held: pitches that ring on from before.
        past: f64[fades, 128], what `Memory` recalls.
    """

    pitches: tuple[int, ...]
    held: tuple[int, ...]
    past: Floats


class Memory:
    """What has sounded in one session: three histograms of pitches that fade at different speeds."""

    def __init__(self) -> None:
        self._past = np.zeros((len(_FADES_S), _PITCHES))
        self._now = 0

    def remember(self, pitches: Sequence[int], onset: int) -> None:
        """Notes that began together at sample `onset`, not before those remembered."""
        self._past = self.recall(onset) + _counts(pitches)
        self._now = max(self._now, onset)

    def recall(self, onset: int) -> Floats:
        """What is left at sample `onset` of what was remembered."""
        passed_s = max(0, onset - self._now) / SAMPLE_RATE_HZ
        past: Floats = self._past * np.exp(-passed_s / _FADES_S)[:, None]
        return past


class StringChances:
    """Asks the network about moments on one instrument."""

    def __init__(self, instrument: Instrument, prior: StringPrior) -> None:
        self._prior = prior
        self._open = np.array(instrument.tuning) + instrument.capo
        self._last = instrument.fret_count - instrument.capo
        self._reach = _reach(self._open, self._last)

    def costs(self, moments: Sequence[Moment]) -> list[Floats]:
        """−log probability of every string, at most −log `LEAST`: f64[notes, strings] for every moment."""
        if not any(moment.pitches for moment in moments):
            return [np.zeros((0, len(self._open))) for _ in moments]
        context, owner, string, place = self.figures(moments)
        scores = np.full((len(context), len(self._open)), -np.inf)
        scores[owner, string] = self._prior.scores(context, owner, place)
        best = scores.max(axis=1, keepdims=True)
        odds = np.exp(scores - np.where(np.isfinite(best), best, 0.0))
        share = odds / np.maximum(odds.sum(axis=1, keepdims=True), 1e-12)
        ends = np.cumsum([len(moment.pitches) for moment in moments])[:-1]
        return np.split(-np.log(np.maximum(share, LEAST)), ends)

    def figures(self, moments: Sequence[Moment]) -> tuple[Float32s, Indices, Indices, Float32s]:
        """What the network is asked about the notes of moments that have any.

        Returns:
            f32[notes, CONTEXT_FIGURES]; for every place a note has: the note's index, the string − 1, and
            f32[places, PLACE_FIGURES].
        """
        pitch = np.array([pitch for moment in moments for pitch in moment.pitches], np.intp)
        of = np.repeat(np.arange(len(moments)), [len(moment.pitches) for moment in moments])
        note = np.arange(len(pitch))
        known = np.empty((len(moments), _PARTS, _AROUND + _PITCHES + _AROUND))
        known[:, :, :_AROUND] = known[:, :, -_AROUND:] = 0
        for row, moment in zip(known[:, :, _AROUND:-_AROUND], moments, strict=True):
            row[0], row[1], row[2:] = _counts(moment.pitches), _counts(moment.held), moment.past
        covered = known[:, :, _AROUND:-_AROUND].reshape(-1, _PITCHES) @ self._reach
        covered = covered.reshape(len(moments), _PARTS, -1)[of]
        covered[:, 0] -= self._reach[pitch]  # a note is no company to itself
        mass = known.sum(axis=2)[of]
        mass[:, 0] -= 1
        around = known[of[:, None, None], np.arange(_PARTS)[:, None], pitch[:, None, None] + np.arange(2 * _AROUND + 1)]
        around[note, 0, _AROUND] -= 1
        context = np.concatenate([np.log1p(2 * around).reshape(len(pitch), -1), np.log1p(mass)], 1)
        fret = pitch[:, None] - self._open
        places = (fret >= 0) & (fret <= self._last)
        covered /= np.maximum(mass, 1e-6)[:, :, None]
        owner, string = np.nonzero(places)
        return context.astype(np.float32), owner, string, self._place_figures(pitch, places, covered)

    def _place_figures(self, pitch: Indices, places: NDArray[np.bool_], covered: Floats) -> Float32s:
        owner, string = np.nonzero(places)
        fret = pitch[owner] - self._open[string]
        hands = covered.shape[2] // 2
        hand = np.clip(fret[:, None] + _HANDS, 1, hands) - 1
        by_hand = covered.reshape(len(pitch), 2 * _PARTS, hands)
        reached = by_hand[owner[:, None, None], np.arange(2 * _PARTS)[:, None], hand[:, None]]
        strings, count = len(self._open), places.sum(axis=1)[owner]
        ends = [string, strings - 1 - string, count - places.cumsum(axis=1)[owner, string]]
        beyond = np.concatenate([np.repeat(self._open[0] + 5, 2), self._open, np.repeat(self._open[-1] - 5, 2)])
        neighbours = beyond[string[:, None] + 2 + np.array(_NEIGHBOURS)] - self._open[string][:, None]
        figures = np.zeros((len(owner), PLACE_FIGURES), np.float32)
        at = 2 * _PARTS * len(_HANDS)
        figures[:, :at] = reached.reshape(len(owner), at)
        rows = np.arange(len(owner))
        figures[rows, at + np.minimum(fret, _FRETS - 1)] = 1
        at += _FRETS
        for end in ends:
            figures[rows, at + np.minimum(end, _ENDS - 1)] = 1
            at += _ENDS
        figures[:, at : at + len(_NEIGHBOURS)] = neighbours / 5
        figures[:, -4] = (pitch[owner] - 60) / 12
        figures[:, -3] = (self._open.max() - 64) / 12
        figures[:, -2] = (self._open.min() - 40) / 12
        figures[:, -1] = count / 6
        return figures


def _counts(pitches: Sequence[int]) -> Floats:
    return np.bincount(np.array(pitches, np.intp), minlength=_PITCHES).astype(float)


def _reach(open_pitches: Indices, last: int) -> Floats:
    """f64[128, 2 · hands]: whether a hand at fret 1, 2, … has a pitch under its fingers; then, or on an open string."""
    fretted = np.zeros((last + 2, _PITCHES))
    for hand in range(1, last + 3):
        for pitch in open_pitches:
            fretted[hand - 1, pitch + hand : pitch + min(hand + 3, last) + 1] = 1
    with_open = fretted.copy()
    with_open[:, open_pitches[open_pitches < _PITCHES]] = 1
    return np.concatenate([fretted, with_open]).T.copy()
