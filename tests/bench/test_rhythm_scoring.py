"""What the rhythm bench calls a right bar."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bench._rhythm_pieces import Composed, song_pieces
from bench._rhythm_scoring import bars_right, downbeats_of, metre_of, places_right, true_bars
from music.beats import Bar
from music.rhythm_document import final_music

PIECE = next(song_pieces(2_090_000, 1, 20.0))


def moved(piece: Composed, beats: int) -> list[Bar]:
    """Its bars, each so many beats late."""
    row = [beat for bar in true_bars(piece) for beat in bar.beats][beats:]
    count = piece.performance.beats_per_bar
    begins = range(0, len(row) - count, count)
    return [Bar(n + 1, tuple(row[at : at + count]), row[at + count]) for n, at in enumerate(begins)]


def test_the_true_bars_are_right_and_the_last_one_is_not_asked_for() -> None:
    said = bars_right(downbeats_of(PIECE), true_bars(PIECE))
    assert len(said) == len(downbeats_of(PIECE)) - 1
    assert all(right for _, right in said)
    assert places_right(PIECE, PIECE.notes, true_bars(PIECE))[0] > 0.99


@pytest.mark.parametrize("beats", [1, 2, 3])
def test_bars_that_begin_on_another_beat_are_wrong(beats: int) -> None:
    assert not any(right for _, right in bars_right(downbeats_of(PIECE), moved(PIECE, beats)))


def test_bars_twice_as_long_are_wrong() -> None:
    bars = true_bars(PIECE)
    pairs = zip(bars[::2], bars[1::2], strict=False)
    long = [replace(a, beats=(*a.beats, *b.beats), end=b.end) for a, b in pairs]
    assert not any(right for _, right in bars_right(downbeats_of(PIECE), long))


def test_where_nothing_is_true_every_bar_is_wrong() -> None:
    assert [right for _, right in bars_right(np.zeros(0), true_bars(PIECE))] == [False] * len(true_bars(PIECE))


def test_the_metre_is_the_one_that_most_bars_have() -> None:
    assert metre_of(final_music((), 1)) == 0
    assert metre_of(final_music(PIECE.notes, PIECE.performance.duration)) in (2, 3, 4, 5, 7)
