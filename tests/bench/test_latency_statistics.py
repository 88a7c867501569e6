"""Latency as the design defines it, on histories small enough to work out by hand."""

from __future__ import annotations

import math

import pytest

from bench._scoring import PlainNote, matches
from bench.latency_statistics import Figures, Heard, figures, percentiles, was_taken_back
from music.audio import sample_at
from music.note import Note, NoteState

TENTATIVE, COMMITTED = NoteState.TENTATIVE, NoteState.COMMITTED
ENDED, RETRACTED = NoteState.ENDED, NoteState.RETRACTED


def heard(at_s: float, note_id: str, state: NoteState, onset_s: float, pitch: int = 64) -> Heard:
    offset = sample_at(onset_s + 0.5) if state is ENDED else None
    return Heard(Note(note_id, state, sample_at(onset_s), pitch, offset=offset), at_s)


def test_latency_counts_from_the_truth_not_from_the_onset_that_was_found() -> None:
    truth = [PlainNote(1.0, 2.0, 64)]
    events = [
        heard(1.1, "a", TENTATIVE, 1.04),
        heard(1.5, "a", COMMITTED, 1.04),
        heard(2.1, "a", ENDED, 1.04),
    ]
    found = figures(truth, events, timed_until_s=10)
    assert found.tentative_ms == pytest.approx([100])
    assert found.committed_ms == pytest.approx([500])
    assert (found.matched, found.f1, found.taken_back, found.unannounced) == (1, 1.0, 0, 0)


def test_a_wrong_first_pitch_does_not_stop_the_clock() -> None:
    events = [
        heard(1.1, "a", TENTATIVE, 1.0, pitch=76),
        heard(1.2, "a", TENTATIVE, 1.0, pitch=64),
        heard(1.4, "a", COMMITTED, 1.0, pitch=64),
    ]
    found = figures([PlainNote(1.0, 2.0, 64)], events, timed_until_s=10)
    assert found.tentative_ms == pytest.approx([200])
    assert (found.tentative, found.taken_back, found.taken_back_share) == (1, 1, 1.0)


def test_a_note_committed_at_once_has_both_latencies_and_counts_as_unannounced() -> None:
    found = figures([PlainNote(1.0, 2.0, 64)], [heard(1.3, "a", ENDED, 1.0)], timed_until_s=10)
    assert found.tentative_ms == found.committed_ms == pytest.approx([300])
    assert (found.tentative, found.unannounced) == (0, 1)


def test_what_was_missed_invented_or_never_committed_is_counted() -> None:
    truth = [PlainNote(1.0, 2.0, 64), PlainNote(3.0, 4.0, 60)]
    events = [
        heard(1.1, "a", TENTATIVE, 1.0),
        heard(1.2, "a", COMMITTED, 1.0),
        heard(1.3, "ghost", COMMITTED, 1.0, pitch=40),
        heard(3.1, "b", TENTATIVE, 3.0, pitch=60),
        heard(3.2, "b", RETRACTED, 3.0, pitch=60),
    ]
    found = figures(truth, events, timed_until_s=10)
    assert (found.truth, found.committed, found.matched) == (2, 2, 1)
    assert found.f1 == pytest.approx(0.5)
    assert (found.tentative, found.taken_back) == (2, 1)
    assert len(found.tentative_ms) == len(found.committed_ms) == 1


def test_the_lead_out_counts_for_the_score_only() -> None:
    truth = [PlainNote(1.0, 2.0, 64), PlainNote(5.0, 6.0, 64)]
    events = [heard(1.1, "a", COMMITTED, 1.0), heard(5.1, "b", COMMITTED, 5.0)]
    found = figures(truth, events, timed_until_s=4.0)
    assert found.tentative_ms == pytest.approx([100])
    assert (found.matched, found.untimed) == (2, 1)


@pytest.mark.parametrize(
    ("moved_s", "taken_back"), [(0.0, False), (0.049, False), (-0.049, False), (0.051, True), (-0.051, True)]
)
def test_a_note_is_taken_back_when_it_moves_by_more_than_50_ms(moved_s: float, taken_back: bool) -> None:
    history = [heard(1.1, "a", TENTATIVE, 1.0), heard(1.2, "a", COMMITTED, 1.0 + moved_s)]
    assert was_taken_back(history) is taken_back


def test_a_note_that_never_was_tentative_cannot_be_taken_back() -> None:
    assert not was_taken_back([heard(1.1, "a", COMMITTED, 1.0), heard(1.6, "a", ENDED, 1.0)])


def test_a_true_note_is_matched_once() -> None:
    truth = [PlainNote(1.0, 2.0, 64)]
    assert len(matches(truth, [PlainNote(1.0, 2.0, 64), PlainNote(1.01, 2.0, 64)])) == 1
    assert matches(truth, [PlainNote(1.06, 2.0, 64), PlainNote(1.0, 2.0, 65)]) == []
    assert matches(truth, []) == matches([], truth) == []


def test_percentiles_lie_between_neighbours() -> None:
    assert percentiles([float(n) for n in range(101)]) == {"p50": 50.0, "p95": 95.0, "p99": 99.0}
    assert percentiles([10.0, 20.0])["p50"] == 15.0
    assert percentiles([7.0]) == {"p50": 7.0, "p95": 7.0, "p99": 7.0}
    assert all(math.isnan(value) for value in percentiles([]).values())


def test_figures_of_several_sessions_add_up() -> None:
    one = figures([PlainNote(1.0, 2.0, 64)], [heard(1.1, "a", COMMITTED, 1.0)], timed_until_s=10)
    other = figures([PlainNote(1.0, 2.0, 64)], [heard(1.3, "a", TENTATIVE, 1.0)], timed_until_s=10)
    both = one + other
    assert (both.truth, both.matched, both.tentative, both.taken_back) == (2, 1, 1, 0)
    assert both.tentative_ms == pytest.approx([100])
    assert Figures().f1 == Figures().taken_back_share == 0.0
