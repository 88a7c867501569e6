"""Songs that the rhythm bench composes: their bars are where they say."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from bench._rhythm_pieces import song_pieces
from bench._song_manner import ORDERS, TABLES, half
from bench._song_parts import PARTS
from bench._songs import songs
from music.audio import SAMPLE_RATE_HZ

SEED = 2_090_000


@pytest.mark.parametrize("spare", [False, True])
def test_a_seed_is_a_song_and_every_part_can_be_played(spare: bool) -> None:
    first, again = (list(songs(SEED, 2 * len(PARTS), 20.0, spare=spare)) for _ in range(2))
    assert first == again
    for song in first:
        performance = song.performance
        assert len(performance.notes) >= 8, performance.style
        assert all(0 <= n.onset < n.offset <= performance.duration for n in performance.notes)
        assert all(n.fret <= performance.instrument.fret_count for n in performance.notes)
        assert 0 <= song.pickup < performance.beats_per_bar


@pytest.mark.parametrize("table", [*TABLES.values(), *ORDERS.values()])
def test_no_rhythm_and_no_order_is_fitted_on_and_reported(table: tuple[tuple[float, ...], ...]) -> None:
    fitted, spare = set(half(table, spare=False)), set(half(table, spare=True))
    assert fitted
    assert spare
    assert not fitted & spare


def test_harmony_changes_at_bars_more_than_between_them() -> None:
    changes: dict[bool, list[float]] = {True: [], False: []}
    for piece in song_pieces(SEED, 3 * len(PARTS), 24.0):
        beats, downs = piece.truth
        sounding = np.zeros((len(beats), 12))
        edges = np.asarray(beats) - 0.05 * SAMPLE_RATE_HZ
        for note in piece.performance.notes:
            sounding[max(0, int(np.searchsorted(edges, note.onset)) - 1), note.pitch % 12] += 1
        for (before, after), down in zip(itertools.pairwise(sounding), downs[1:], strict=True):
            if before.any() and after.any():
                alike = before @ after / np.linalg.norm(before) / np.linalg.norm(after)
                changes[down].append(1 - float(alike))
    assert np.mean(changes[True]) > np.mean(changes[False]) + 0.1


def test_a_pickup_is_the_end_of_a_bar_that_nobody_played() -> None:
    late = [piece for piece in song_pieces(SEED, 60, 20.0) if piece.first_downbeat]
    assert late
    for piece in late:
        _, downs = piece.truth
        assert downs.index(True) == piece.first_downbeat
        assert piece.first_downbeat < piece.performance.beats_per_bar
