from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from music.activations import CONTOUR_BINS, Activations
from music.note_tracking import NoteTracker, TrackingRules, TrackState, crest_deviation
from tests.support.activation_maps import Drawn, draw_maps, noise_maps, pieces_of

Change = tuple[int, int, int, int, TrackState, int | None]


def follow(tracker: NoteTracker, pieces: list[Activations]) -> Iterator[tuple[int, int, list[Change]]]:
    """Every step as (frame, frontier, changes), each change as (frame, number, pitch, onset, state, end); read at once,
    for tracks change later.
    """
    for step in chain.from_iterable([*(tracker.advance(piece) for piece in pieces), tracker.finish()]):
        changed = [(step.frame, t.number, t.pitch, t.onset, t.state, t.end) for t in step.changed]
        yield step.frame, step.frontier, changed


def ended(maps: Activations) -> list[tuple[int, int | None, int]]:
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
        assert frontier > frame - rules.min_frames - rules.tolerance - 1
        latest = frontier


def test_one_note_is_born_confirmed_and_ended() -> None:
    maps = draw_maps(100, [(10, 50, 64, 0.9, 0.8)])
    changes = [change for *_, changed in follow(NoteTracker(40, 86), [maps]) for change in changed]
    assert [(frame, state) for frame, *_, state, _ in changes] == [
        (10, TrackState.BORN),
        (21, TrackState.CONFIRMED),
        (60, TrackState.ENDED),
    ]
    assert ended(maps) == [(10, 50, 64)]


@pytest.mark.parametrize(
    ("why", "notes", "expected"),
    [
        ("shorter than the least length", [(10, 20, 64, 0.9, 0.8)], []),
        ("onset below the threshold", [(10, 50, 64, 0.4, 0.8)], []),
        ("never sounds", [(10, 50, 64, 0.9, 0.2)], []),
        ("below the lowest string", [(10, 50, 39, 0.9, 0.8)], []),
        ("above the last fret", [(10, 50, 87, 0.9, 0.8)], []),
        ("a short dip", [(10, 30, 64, 0.9, 0.8), (40, 60, 64, 0.0, 0.8)], [(10, 60, 64)]),
        ("a long dip", [(10, 30, 64, 0.9, 0.8), (42, 60, 64, 0.0, 0.8)], [(10, 30, 64)]),
        ("struck again", [(10, 40, 64, 0.9, 0.8), (40, 80, 64, 0.8, 0.8)], [(10, 40, 64), (40, 80, 64)]),
        ("stirred, not struck", [(10, 40, 64, 0.9, 0.8), (40, 80, 64, 0.6, 0.8)], [(10, 80, 64)]),
        ("a weak octave above", [(10, 50, 52, 0.9, 0.8), (11, 50, 64, 0.9, 0.4)], [(10, 50, 52)]),
        ("a played octave", [(10, 50, 52, 0.9, 0.8), (11, 50, 64, 0.9, 0.7)], [(10, 50, 52), (11, 50, 64)]),
        ("a weak fifth is no overtone", [(10, 50, 52, 0.9, 0.8), (11, 50, 59, 0.9, 0.4)], [(10, 50, 52), (11, 50, 59)]),
        ("at the very start", [(0, 40, 64, 0.9, 0.8)], [(0, 40, 64)]),
        ("until the very end", [(60, 100, 64, 0.9, 0.8)], [(60, 100, 64)]),
        ("too late to be sure of", [(95, 100, 64, 0.9, 0.8)], []),
    ],
)
def test_a_rule(why: str, notes: list[Drawn], expected: list[tuple[int, int, int]]) -> None:
    assert sorted(ended(draw_maps(100, notes))) == sorted(expected), why


def test_a_re_strike_that_does_not_last_leaves_the_note_alone() -> None:
    maps = draw_maps(100, [(10, 45, 64, 0.9, 0.8), (40, 45, 64, 0.9, 0.8)])
    assert ended(maps) == [(10, 45, 64)]


def test_nothing_sounds_in_nothing() -> None:
    assert ended(draw_maps(300, [])) == []
    tracker = NoteTracker(40, 86)
    assert [step.changed for step in tracker.finish()] == [[]]


@given(strength=st.floats(0.5, 1), more=st.floats(0, 0.5), level=st.floats(0.3, 0.9))
@settings(max_examples=20, deadline=None)
def test_more_evidence_is_more_confidence(strength: float, more: float, level: float) -> None:
    def confidence(strength: float, level: float) -> float:
        tracker = NoteTracker(40, 86)
        for step in tracker.advance(draw_maps(100, [(10, 90, 64, strength, level)])):
            assert len(step.changed) < 3
        return tracker.tracks[0].confidence

    assert 0 <= confidence(strength, level) <= confidence(min(1, strength + more), level) <= 1
    assert confidence(strength, level) <= confidence(strength, min(1, level + more))


def test_a_copy_tries_out_what_is_not_settled() -> None:
    maps = draw_maps(100, [(10, 60, 64, 0.9, 0.8), (30, 80, 67, 0.9, 0.8)])
    settled, rest = maps.rows(0, 40), maps.rows(40, 100)
    alone, tried = NoteTracker(40, 86), NoteTracker(40, 86)
    for tracker in (alone, tried):
        list(tracker.advance(settled))
    list(tried.fork().advance(rest))
    assert list(follow(tried, [rest])) == list(follow(alone, [rest]))


def test_an_instrument_beyond_the_network_hears_what_there_is() -> None:
    maps = draw_maps(60, [(10, 50, 21, 0.9, 0.8), (10, 50, 108, 0.9, 0.8)])
    heard = [change for *_, changed in follow(NoteTracker(12, 127), [maps]) for change in changed]
    assert {pitch for _, _, pitch, *_ in heard} == {21, 108}
    assert not any(changed for *_, changed in follow(NoteTracker(12, 14), [maps]))


def test_the_crest_is_found_in_thirds_of_a_semitone() -> None:
    contour = np.zeros((2, CONTOUR_BINS), np.float32)
    contour[0, 3 * 43 + 1] = 0.9
    contour[1, 3 * 43 + 3] = 0.9
    deviation = crest_deviation(contour)
    assert deviation.shape == (2, 88)
    assert deviation[:, 43].tolist() == pytest.approx([0, 2 / 3])
    assert np.isnan(deviation[0, 10])
