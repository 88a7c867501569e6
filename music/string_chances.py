"""What the network of `music.string_prior` is asked about notes on one instrument, and what it answers.

Most of what it is told of a place does not change while an instrument is played: what the first layer makes of that is
worked out once for every place on the neck.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from music.string_prior import PARTS, PITCHES, Float32s, Floats, Indices, Moment, StringPrior
from music.tuning import Instrument

LEAST = 0.0025
"""Probabilities below are taken for this: the network has not seen everything."""
_AROUND = 24
_HANDS = np.arange(-5, 2)  # index finger from five frets below the note to one above
_FRETS, _ENDS, _NEIGHBOURS = 26, 8, (-2, -1, 1, 2)
_REACHED = PARTS * 2 * len(_HANDS)
CONTEXT_FIGURES = PARTS * (2 * _AROUND + 2)
PLACE_FIGURES = _REACHED + _FRETS + 3 * _ENDS + len(_NEIGHBOURS) + 4
_WIDTH = PITCHES + 2 * _AROUND
_NEAR = (np.arange(PARTS)[:, None] * _WIDTH + np.arange(2 * _AROUND + 1)).ravel()
"""Where in a moment's row of known pitches, laid out part after part, those around pitch 0 are."""
_ONE_THREAD = 2**18
"""Multiplications up to which OpenBLAS does not wake other threads, which would spin beside a small product."""


@dataclass(frozen=True, eq=False, slots=True)
class _Asked:
    """What the network is asked about some notes.

    Attributes:
        context: f32[notes, CONTEXT_FIGURES].
        owner, string: of every place, its note and its string − 1.
        reached: f32[places, _REACHED], what a hand there would have under its fingers.
        place: row of every place among all that there are on the neck.
    """

    context: Float32s
    owner: Indices
    string: Indices
    reached: Float32s
    place: Indices


class StringChances:
    """Asks the network about moments on one instrument."""

    def __init__(self, instrument: Instrument, prior: StringPrior) -> None:
        self._prior = prior
        self._open = np.array(instrument.tuning) + instrument.capo
        self._last = instrument.fret_count - instrument.capo
        frets = np.arange(PITCHES)[:, None] - self._open
        self._is_place = (frets >= 0) & (frets <= self._last)
        pitch, string = np.nonzero(self._is_place)
        self._fret = frets[pitch, string]
        self._row = np.zeros(frets.shape, np.intp)  # of every place in `_fret` and `_fixed`, by pitch and string
        self._row[pitch, string] = np.arange(len(pitch))
        self._fixed = self._fixed_figures(pitch, string)
        self._reach = _reach(self._open, self._last)
        hands = self._reach.shape[1] // 2
        parts = np.arange(PARTS)[:, None, None] * 2 * hands + np.arange(2)[:, None] * hands
        # Where a note's `_reached` figures are among what is covered, but for its fret.
        self._under = (parts + np.arange(len(_HANDS))).ravel()

    @cached_property
    def _from_fixed(self) -> Float32s:
        """f32[places, h], what the first layer makes of what is the same whatever is played."""
        return self._fixed @ self._prior.place[_REACHED:] + self._prior.bias

    def costs(self, moments: Sequence[Moment]) -> list[Floats]:
        """−log probability of every string, at most −log `LEAST`: f64[notes, strings] for every moment."""
        if not any(moment.pitches for moment in moments):
            return [np.zeros((0, len(self._open))) for _ in moments]
        asked = self._ask(moments)
        scores = np.full((len(asked.context), len(self._open)), -np.inf)
        scores[asked.owner, asked.string] = self._scores(asked)
        best = scores.max(axis=1, keepdims=True)
        best[np.isneginf(best)] = 0.0
        odds = np.exp(scores - best)
        share = odds / np.maximum(odds.sum(axis=1, keepdims=True), 1e-12)
        costs: Floats = -np.log(np.maximum(share, LEAST))
        ends = [0]
        for moment in moments:
            ends.append(ends[-1] + len(moment.pitches))
        return [costs[begin:end] for begin, end in pairwise(ends)]

    def figures(self, moments: Sequence[Moment]) -> tuple[Float32s, Indices, Indices, Float32s]:
        """All that the network is asked about the notes of moments that have any.

        Returns:
            f32[notes, CONTEXT_FIGURES]; for every place a note has: the note's index, the string − 1, and
            f32[places, PLACE_FIGURES].
        """
        asked = self._ask(moments)
        place = np.concatenate([asked.reached, self._fixed[asked.place]], 1)
        return asked.context, asked.owner, asked.string, place

    def _scores(self, asked: _Asked) -> Float32s:
        """As `StringPrior.scores` of all figures."""
        prior = self._prior
        hidden = _product(asked.context, prior.context)[asked.owner]
        hidden += _product(asked.reached, prior.place[:_REACHED])
        hidden += self._from_fixed[asked.place]
        inner = _product(np.maximum(hidden, 0, out=hidden), prior.inner)
        inner += prior.inner_bias
        return _product(np.maximum(inner, 0, out=inner), prior.outer[:, None])[:, 0]

    def _ask(self, moments: Sequence[Moment]) -> _Asked:
        pitch = np.array([pitch for moment in moments for pitch in moment.pitches], np.intp)
        of = np.array([index for index, moment in enumerate(moments) for _ in moment.pitches], np.intp)
        known = np.zeros((len(moments), PARTS, _WIDTH), np.float32)
        for row, moment in zip(known[:, :, _AROUND:-_AROUND], moments, strict=True):
            row[2:] = moment.past
            for part, pitches in enumerate((moment.pitches, moment.held)):
                for sounding in pitches:
                    row[part, sounding] += 1
        mass = known.sum(axis=2)[of]
        mass[:, 0] -= 1  # a note is no company to itself
        around = known.reshape(-1).take((of * (PARTS * _WIDTH) + pitch)[:, None] + _NEAR)
        around[:, _AROUND] -= 1
        context = np.concatenate([np.log1p(2 * around), np.log1p(mass)], 1)
        owner, string = np.nonzero(self._is_place[pitch])
        place = self._row[pitch[owner], string]
        covered = _product(known[:, :, _AROUND:-_AROUND].reshape(-1, PITCHES), self._reach)
        covered = covered.reshape(len(moments), PARTS, -1)[of]
        covered[:, 0] -= self._reach[pitch]
        covered /= np.maximum(mass, 1e-6)[:, :, None]
        at = owner * covered[0].size + self._fret[place]
        return _Asked(context, owner, string, covered.reshape(-1).take(at[:, None] + self._under), place)

    def _fixed_figures(self, pitch: Indices, string: Indices) -> Float32s:
        """What a place is like whatever is played: f32[places, PLACE_FIGURES − _REACHED]."""
        strings, count = len(self._open), self._is_place.sum(axis=1)[pitch]
        ends = [string, strings - 1 - string, count - self._is_place.cumsum(axis=1)[pitch, string]]
        beyond = np.concatenate([np.repeat(self._open[0] + 5, 2), self._open, np.repeat(self._open[-1] - 5, 2)])
        neighbours = beyond[string[:, None] + 2 + np.array(_NEIGHBOURS)] - self._open[string][:, None]
        figures = np.zeros((len(pitch), PLACE_FIGURES - _REACHED), np.float32)
        rows = np.arange(len(pitch))
        figures[rows, np.minimum(self._fret, _FRETS - 1)] = 1
        at = _FRETS
        for end in ends:
            figures[rows, at + np.minimum(end, _ENDS - 1)] = 1
            at += _ENDS
        figures[:, at : at + len(_NEIGHBOURS)] = neighbours / 5
        figures[:, -4] = (pitch - 60) / 12
        figures[:, -3] = (self._open.max() - 64) / 12
        figures[:, -2] = (self._open.min() - 40) / 12
        figures[:, -1] = count / 6
        return figures


def _product(many: Float32s, weights: Float32s) -> Float32s:
    """The product of both, some rows at a time, on one thread."""
    rows = max(1, _ONE_THREAD // weights.size)
    if len(many) <= rows:
        return many @ weights
    product = np.empty((len(many), weights.shape[1]), np.float32)
    for begin in range(0, len(many), rows):
        np.matmul(many[begin : begin + rows], weights, out=product[begin : begin + rows])
    return product


def _reach(open_pitches: Indices, last: int) -> Float32s:
    """f32[128, 2 · columns]: whether a hand has a pitch under its fingers; then, or on an open string.

    Column c is a hand at fret c + _HANDS[0], or the nearest there is; so the hands around fret f begin at column f.
    """
    fretted = np.zeros((last + 2, PITCHES), np.float32)
    for hand in range(1, last + 3):
        for pitch in open_pitches:
            fretted[hand - 1, pitch + hand : pitch + min(hand + 3, last) + 1] = 1
    with_open = fretted.copy()
    with_open[:, open_pitches[open_pitches < PITCHES]] = 1
    hands = np.clip(np.arange(last + len(_HANDS)) + _HANDS[0], 1, last + 2) - 1
    return np.concatenate([fretted[hands], with_open[hands]]).T.copy()
