"""How sure a figure is said to be."""

from __future__ import annotations

import numpy as np
import pytest

from bench._bootstrap import (
    LEAST_PIECES,
    Counts,
    counts_by_stretch,
    f1_of,
    interval,
    interval_of_difference,
    parts_of,
)
from bench._scoring import PlainNote, matches


def parts(*rows: tuple[int, int, int]) -> Counts:
    return np.array(rows, np.int64)


def test_a_note_counts_where_the_truth_has_it_and_an_invented_one_where_it_was_heard() -> None:
    truth = [PlainNote(0.5, 1.0, 60), PlainNote(1.99, 3.0, 62), PlainNote(9.0, 9.5, 64)]
    found = [PlainNote(0.5, 1.0, 60), PlainNote(2.02, 3.0, 62), PlainNote(5.0, 6.0, 70)]
    counts = counts_by_stretch(truth, found, matches(truth, found), 9.4)
    assert counts.tolist() == [[2, 0, 0], [0, 0, 0], [0, 0, 1], [0, 0, 0], [0, 1, 0]]
    assert f1_of(counts) == pytest.approx(4 / 6)


def test_the_interval_holds_the_figure_and_narrows_with_more_to_draw_from() -> None:
    rows = [(8, 2, 1), (5, 5, 2), (9, 1, 0), (3, 4, 4)]
    few, many = parts(*rows), parts(*rows * 16)
    spans = [interval(counts) for counts in (few, many)]
    for (low, high), counts in zip(spans, (few, many), strict=True):
        assert low < f1_of(counts) < high
    assert spans[1][1] - spans[1][0] < 0.4 * (spans[0][1] - spans[0][0])


def test_a_steady_lead_is_surer_than_either_side() -> None:
    """Hard and easy parts move both sides alike; the difference is judged on the same draws."""
    worse = parts(*((right, 10 - right, 2) for right in range(1, 10)))
    better = worse + parts(*[(1, -1, 0)] * 9)
    low, high = interval_of_difference(better, worse)
    assert 0 < low < f1_of(better) - f1_of(worse) < high
    assert high - low < 0.5 * (interval(better)[1] - interval(better)[0])
    assert interval_of_difference(worse, worse) == (0, 0)


def test_pieces_are_drawn_where_there_are_enough_of_them() -> None:
    piece = parts((1, 0, 0), (2, 1, 1))
    assert len(parts_of([piece] * LEAST_PIECES)) == LEAST_PIECES
    assert len(parts_of([piece] * 2)) == 4
    assert f1_of(parts_of([piece] * LEAST_PIECES)) == f1_of(parts_of([piece]))


def test_other_parts_cannot_be_paired() -> None:
    with pytest.raises(ValueError, match="paired"):
        interval_of_difference(parts((1, 0, 0)), parts((1, 0, 0), (1, 0, 0)))


def test_nothing_found_in_nothing_is_no_score() -> None:
    assert f1_of(parts((0, 0, 0))) == 0
    assert interval(parts((0, 0, 0))) == (0, 0)
