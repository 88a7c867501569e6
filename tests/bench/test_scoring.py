"""The scores that the benchmarks print, on cases small enough to work out by hand."""

from __future__ import annotations

import pytest

from bench._scoring import PlainNote, score

TRUTH = [PlainNote(0.0, 1.0, 64, 1, 0), PlainNote(1.0, 2.0, 59, 2, 0), PlainNote(2.0, 3.0, 60, 2, 1)]


def test_the_truth_itself_is_perfect() -> None:
    scores = score(TRUTH, TRUTH)
    assert (scores.precision, scores.recall, scores.f1, scores.f1_offset, scores.tab_f1) == (1, 1, 1, 1, 1)


def test_place_end_and_onset_are_judged_apart() -> None:
    found = [
        PlainNote(0.04, 1.0, 64, 2, 5),  # right note, wrong string
        PlainNote(1.0, 1.3, 59, 2, 0),  # right place, ends early
        PlainNote(2.06, 3.0, 60, 2, 1),  # too late for everything
    ]
    scores = score(TRUTH, found)
    assert scores.f1 == pytest.approx(2 / 3)
    assert scores.f1_offset == pytest.approx(1 / 3)
    assert scores.tab_f1 == pytest.approx(1 / 3)


def test_a_true_note_is_matched_once() -> None:
    twice = [PlainNote(0.0, 1.0, 64, 1, 0), PlainNote(0.01, 1.0, 64, 1, 0)]
    scores = score(TRUTH[:1], twice)
    assert (scores.precision, scores.recall) == (0.5, 1.0)
    assert scores.tab_f1 == pytest.approx(2 / 3)


def test_nothing_found_scores_nothing() -> None:
    scores = score(TRUTH, [])
    assert (scores.precision, scores.recall, scores.f1, scores.f1_offset, scores.tab_f1) == (0, 0, 0, 0, 0)
