from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from music.activations import CONTOUR_BINS, Activations
from music.contour import crest_deviation
from music.note_tracking import NoteTracker, TrackState
from music.tracking_rules import TrackingRules
from music.tree_judge import DECISION_FRAMES
from tests.support.activation_maps import Drawn, draw_maps, noise_maps, pieces_of

Change = tuple[int, int, int, int, TrackState, float | None]


def follow(tracker: NoteTracker, pieces: list[Activations]) -> Iterator[tuple[int, int, list[Change]]]:
    """Every step as (frame, frontier, changes), each change as (frame, number, pitch, onset, state, end); read at once,
    for tracks change later.
    """
    for step in chain.from_iterable([*(tracker.advance(piece) for piece in pieces), tracker.finish()]):
        changed = [(step.frame, t.number, t.pitch, t.onset, t.state, t.end) for t in step.changed]
        yield step.frame, step.frontier, changed


def ended(maps: Activations) -> list[tuple[int, float | None, int]]:
    changes = [change for *_, changed in follow(NoteTracker(40, 86), [maps]) for change in changed]
    return [(onset, end, pitch) for _, _, pitch, onset, state, end in changes if state is TrackState.ENDED]


@given(seed=st.integers(0, 50), sizes=st.lists(st.sampled_from([1, 2, 7, 30, 141]), min_size=1, max_size=3))
@settings(max_examples=25, deadline=None)
def test_decisions_do_not_depend_on_the_pieces(seed: int, sizes: list[int]) -> None:
    whole = noise_maps(120, seed)
    expected = list(follow(NoteTracker(40, 86), [whole]))
    assert sum(len(changed) for *_, changed in expected) > 20
    assert list(follow(NoteTracker(40, 86), pieces_of(whole, sizes))) == expected


@given(seed=st.integers(0, 50))
@settings(max_examples=20, deadline=None)
def test_what_lies_before_the_frontier_is_decided(seed: int) -> None:
    rules = TrackingRules()
    undecided: dict[int, int] = {}
    latest = 0
    for frame, frontier, changed in follow(NoteTracker(40, 86, rules), [noise_maps(120, seed)]):
        for _, number, _, onset, state, _ in changed:
            if state is TrackState.BORN:
                assert onset >= latest
                undecided[number] = onset
            else:
                undecided.pop(number, None)
        assert all(onset >= frontier for onset in undecided.values())
        assert latest <= frontier
        assert frontier > frame - DECISION_FRAMES - rules.tolerance
        latest = frontier


def test_one_note_is_born_confirmed_and_ended() -> None:
    maps = draw_maps(100, [(10, 50, 64, 0.9, 0.8)])
    changes = [change for *_, changed in follow(NoteTracker(40, 86), [maps]) for change in changed]
    assert [(frame, state) for frame, *_, state, _ in changes] == [
        (10, TrackState.BORN),
        (15, TrackState.CONFIRMED),
        (60, TrackState.ENDED),
    ]
    assert ended(maps) == [(10, 50, 64)]


@pytest.mark.parametrize(
    ("why", "notes", "expected"),
    [
        ("gone at once", [(10, 12, 64, 0.9, 0.8)], []),
        ("onset below the threshold", [(10, 50, 64, 0.4, 0.8)], []),
        ("never sounds", [(10, 50, 64, 0.9, 0.2)], []),
        ("below the lowest string", [(10, 50, 39, 0.9, 0.8)], []),
        ("above the last fret", [(10, 50, 87, 0.9, 0.8)], []),
        ("a short dip", [(10, 30, 64, 0.9, 0.8), (40, 60, 64, 0.0, 0.8)], [(10, 60, 64)]),
        ("a long dip", [(10, 30, 64, 0.9, 0.8), (42, 60, 64, 0.0, 0.8)], [(10, 30, 64)]),
        ("struck again", [(10, 40, 64, 0.9, 0.8), (40, 80, 64, 0.9, 0.8)], [(10, 40, 64), (40, 80, 64)]),
        ("stirred, not struck", [(10, 40, 64, 0.9, 0.8), (40, 80, 64, 0.6, 0.8)], [(10, 80, 64)]),
        ("a weak octave above", [(10, 50, 52, 0.9, 0.8), (11, 50, 64, 0.9, 0.4)], [(10, 50, 52)]),
        ("a fifth is no overtone", [(10, 50, 52, 0.9, 0.8), (10, 50, 59, 0.9, 0.7)], [(10, 50, 52), (10, 50, 59)]),
        ("at the very start", [(0, 40, 64, 0.9, 0.8)], [(0, 40, 64)]),
        ("until the very end", [(60, 100, 64, 0.9, 0.8)], [(60, 100, 64)]),
        ("too late to be sure of", [(95, 100, 64, 0.9, 0.8)], []),
    ],
)
def test_a_rule(why: str, notes: list[Drawn], expected: list[tuple[int, int, int]]) -> None:
    assert sorted(ended(draw_maps(100, notes))) == sorted(expected), why


def test_a_pitch_is_not_struck_again_at_once() -> None:
    maps = draw_maps(100, [(10, 45, 64, 0.9, 0.8)])
    maps.onset[14, 64 - 21] = 0.95
    assert ended(maps) == [(10, 45, 64)]


def test_nothing_sounds_in_nothing() -> None:
    assert ended(draw_maps(300, [])) == []
    tracker = NoteTracker(40, 86)
    assert [step.changed for step in tracker.finish()] == [[]]


@given(strength=st.floats(0, 1), level=st.floats(0, 1))
@settings(max_examples=30, deadline=None)
def test_confidence_is_as_much_as_a_note_needs(strength: float, level: float) -> None:
    rules = TrackingRules()
    least = {TrackState.BORN: rules.birth_probability, TrackState.CONFIRMED: rules.note_probability}
    tracker = NoteTracker(40, 86, rules)
    for step in tracker.advance(draw_maps(100, [(10, 90, 64, strength, level)])):
        for track in step.changed:
            assert 0 <= track.confidence <= 1
            assert step.frame > track.onset or track.confidence >= least.get(track.state, 0)
            assert track.state is not TrackState.CONFIRMED or track.confidence >= rules.note_probability


def test_a_note_that_looks_unlikely_at_first_is_born_when_it_is_decided() -> None:
    maps = draw_maps(100, [(10, 50, 64, 0.9, 0.8)])
    tracker = NoteTracker(40, 86, TrackingRules(birth_probability=1.0))
    changes = [change for *_, changed in follow(tracker, [maps]) for change in changed]
    assert [(frame, onset, state) for frame, _, _, onset, state, _ in changes] == [
        (15, 10, TrackState.BORN),
        (15, 10, TrackState.CONFIRMED),
        (60, 10, TrackState.ENDED),
    ]


@given(seed=st.integers(0, 30), cut=st.integers(30, 110))
@settings(max_examples=15, deadline=None)
def test_what_was_decided_does_not_know_what_follows(seed: int, cut: int) -> None:
    whole, other = noise_maps(120, seed), noise_maps(120, seed + 1000)
    heard = [
        [step for step in follow(NoteTracker(40, 86), [whole.rows(0, cut), rest]) if step[0] < cut - 1]
        for rest in (whole.rows(cut, 120), other.rows(cut, 120))
    ]
    assert heard[0] == heard[1]


def test_a_copy_tries_out_what_is_not_settled() -> None:
    maps = draw_maps(100, [(10, 60, 64, 0.9, 0.8), (30, 80, 67, 0.9, 0.8)])
    settled, rest = maps.rows(0, 40), maps.rows(40, 100)
    alone, tried = NoteTracker(40, 86), NoteTracker(40, 86)
    for tracker in (alone, tried):
        list(tracker.advance(settled))
    list(tried.fork().advance(rest))
    assert list(follow(tried, [rest])) == list(follow(alone, [rest]))


def confidences(tracker: NoteTracker, pieces: list[Activations]) -> list[tuple[int, int, TrackState, float]]:
    steps = chain.from_iterable([*(tracker.advance(piece) for piece in pieces), tracker.finish()])
    return [(t.onset, t.pitch, t.state, t.confidence) for step in steps for t in step.changed]


@pytest.mark.parametrize("sizes", [[1], [9], [141, 2]])
def test_what_is_remembered_for_two_seconds_does_not_depend_on_the_pieces(sizes: list[int]) -> None:
    whole = noise_maps(400, 7)
    expected = confidences(NoteTracker(40, 86), [whole])
    assert sum(state is TrackState.CONFIRMED for _, _, state, _ in expected) > 20
    assert confidences(NoteTracker(40, 86), pieces_of(whole, sizes)) == expected


def test_what_a_copy_remembers_is_its_own() -> None:
    whole, other = noise_maps(200, 8), noise_maps(200, 9)
    alone, tried = NoteTracker(40, 86), NoteTracker(40, 86)
    for tracker in (alone, tried):
        list(tracker.advance(whole.rows(0, 90)))
    list(tried.fork().advance(other.rows(90, 200)))
    assert confidences(tried, [whole.rows(90, 200)]) == confidences(alone, [whole.rows(90, 200)])


def test_an_instrument_beyond_the_network_hears_what_there_is() -> None:
    maps = noise_maps(120, 3)
    heard = [change for *_, changed in follow(NoteTracker(12, 127), [maps]) for change in changed]
    pitches = {pitch for _, _, pitch, *_ in heard}
    assert min(pitches) >= 21
    assert max(pitches) <= 108
    assert not any(changed for *_, changed in follow(NoteTracker(12, 14), [maps]))


def test_the_crest_is_found_in_thirds_of_a_semitone() -> None:
    contour = np.zeros((2, CONTOUR_BINS), np.float32)
    contour[0, 3 * 43 + 1] = 0.9
    contour[1, 3 * 43 + 3] = 0.9
    deviation = crest_deviation(contour)
    assert deviation.shape == (2, 88)
    assert deviation[:, 43].tolist() == pytest.approx([0, 2 / 3])
    assert np.isnan(deviation[0, 10])
