"""Music that ends in the middle, as a live tracker hears it: what the trees of `music.beats_live_choice` learn from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench._bar_examples import NEAR, RIGHT, Example, Truth, fit_shares, share_right, truth_of
from bench._boosting import BoostingSettings
from bench._rhythm_pieces import Composed
from bench.fit_rhythm import logistic
from music.audio import SAMPLE_RATE_HZ
from music.beats_confidence import figures
from music.beats_evidence import Evidence, listen
from music.beats_hypotheses import Beats
from music.beats_lattice import Lattice
from music.beats_live_choice import FIGURES, LISTENED, choose, live_readings, live_rows
from music.beats_onsets import Marker, onsets_of
from music.beats_tracking import mark_weight
from music.beats_weights import LATTICE
from music.boosted_trees import BoostedTrees

SETTINGS = BoostingSettings(trees=120, depth=4, rate=0.12, least=0.5, penalty=3.0, share=0.5)
_MOMENTS = 3
_FIRST_S = 5.0
_JUDGED = 8 * SAMPLE_RATE_HZ


@dataclass(frozen=True, slots=True)
class Window:
    """What is known at a moment.

    Attributes:
        evidence: of the last seconds.
        rows: of beats, to choose from.
        suggested: beats by the lattice.
        times: of the strokes.
        truth: None where there is none.
    """

    evidence: Evidence
    rows: list[Beats]
    suggested: Beats
    times: NDArray[np.int64]
    truth: Truth | None


def windows(pieces: Iterable[Composed]) -> Iterator[Window]:
    """Some moments of each piece."""
    for number, piece in enumerate(pieces):
        random = np.random.default_rng([number, 51])
        ends = np.sort(random.uniform(_FIRST_S, piece.performance.duration / SAMPLE_RATE_HZ, _MOMENTS))
        yield from _windows(piece, (ends * SAMPLE_RATE_HZ).astype(np.int64).tolist())


def _windows(piece: Composed, ends: Sequence[int]) -> Iterator[Window]:
    onsets, marker = onsets_of(piece.notes), Marker()
    marks = [marker.mark(onset) for onset in onsets]
    times = np.asarray([onset.time for onset in onsets], np.int64)
    lattice, given = Lattice(onsets[0].time, LATTICE), 0
    beats, downs = truth_of(piece)
    for end in ends:
        while given < len(onsets) and onsets[given].time < end:
            lattice.advance(onsets[given].time)
            lattice.add(onsets[given].time, mark_weight(marks[given]))
            given += 1
        lattice.advance(end)
        first = int(np.searchsorted(times, end - LISTENED))
        if given - first < 4:
            continue
        evidence = listen(onsets[first:given], marks[first:given], end)
        path = np.asarray([lattice.time_of(frame) for frame in lattice.path()], np.int64)
        own = times[first:given]
        kept = (beats >= own[0] - NEAR) & (beats <= own[-1] + NEAR)
        if downs[kept].sum() > 1:
            yield Window(evidence, live_rows(evidence, path, own), path, own, (beats[kept], downs[kept]))


def examples(pieces: Iterable[Composed]) -> Iterator[Example]:
    for window in windows(pieces):
        readings, found = live_readings(window.evidence, window.rows, window.suggested)
        if readings and window.truth is not None:
            rows = [window.rows[reading.beats] for reading in readings]
            right = [
                share_right(window.truth, row, reading, by_number=False)
                for row, reading in zip(rows, readings, strict=True)
            ]
            yield Example(found, np.asarray(right))


def fit(found: Sequence[Example]) -> BoostedTrees:
    """Trees for `music.beats_live_choice`."""
    return fit_shares(FIGURES, found, SETTINGS)


def fit_confidence(trees: BoostedTrees, found: Iterable[Window]) -> NDArray[np.float64]:
    """Weights of `beats_confidence.figures` with a reading's log odds, by whether the last beats are right."""
    rows: list[NDArray[np.float64]] = []
    right: list[float] = []
    for window in found:
        heard = choose(int(window.times[-1]), window.evidence, window.rows, window.suggested, trees=trees)
        if heard is None or window.truth is None:
            continue
        beats, downs = window.truth
        row = heard.beats[:-1]
        judged = figures(row.tolist(), window.times.tolist(), np.full(len(row), heard.odds))
        nearest = np.abs(beats[None] - row[:, None]).argmin(axis=1)
        is_down = (np.arange(len(row)) - heard.first) % heard.count == 0
        hits = (np.abs(beats[nearest] - row) < NEAR) & (downs[nearest] == is_down)
        late = row >= row[-1] - _JUDGED
        rows.append(judged[late])
        right += [float(hits[max(0, at - 8) : at + 9].mean() > RIGHT) for at in np.flatnonzero(late)]
    return logistic(np.concatenate(rows), np.array(right), np.ones(len(right)))
