from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from music.neck import ANYWHERE, MAX_FINGERS, Placements, Reach, finger_count, hands, is_playable, placements, within
from music.tuning import Instrument, Position
from tests.music.test_tuning import instruments

GUITAR = Instrument()


def places(*pairs: tuple[int, int]) -> list[Position]:
    return [Position(string, fret) for string, fret in pairs]


def ways(found: Placements) -> list[tuple[Position, ...]]:
    return [
        tuple(Position(int(string), int(fret)) for string, fret in zip(strings, frets, strict=True))
        for strings, frets in zip(found.strings, found.frets, strict=True)
    ]


@pytest.mark.parametrize(
    ("positions", "fingers", "possible"),
    [
        (places((1, 0), (2, 1), (3, 0), (4, 2), (5, 3)), 3, True),
        (places((1, 1), (2, 1), (3, 2), (4, 3), (5, 3), (6, 1)), 4, True),
        (places((1, 5), (2, 6), (3, 7), (4, 8), (5, 9)), 5, False),
        (places((1, 1), (2, 0), (3, 1)), 2, True),
        (places((1, 1), (2, 5)), 2, True),
        (places((1, 1), (2, 6)), 2, False),
        (places((1, 7), (2, 12)), 2, True),
        (places((1, 7), (2, 13)), 2, False),
        (places((1, 3), (1, 5)), 2, False),
        (places((1, 0), (6, 0)), 0, True),
    ],
)
def test_what_a_hand_can_hold(positions: list[Position], fingers: int, possible: bool) -> None:
    assert finger_count(positions) == fingers
    assert is_playable(positions) is possible


@given(instrument=instruments, pitches=st.lists(st.integers(28, 90), min_size=1, max_size=4))
@settings(max_examples=80, deadline=None)
def test_placements_are_all_there_is(instrument: Instrument, pitches: list[int]) -> None:
    everything = itertools.product(*(instrument.positions_of(pitch) for pitch in pitches))
    found = placements(pitches, instrument)
    assert sorted(ways(found)) == sorted(way for way in everything if is_playable(way))
    assert list(found.fingers()) == [finger_count(way) for way in ways(found)]
    rows, hand = hands(found, instrument)
    assert set(rows) == set(range(len(found)))
    for row, fret in zip(rows, hand, strict=True):
        fretted = [place.fret for place in ways(found)[row] if place.fret]
        assert fret >= 1
        assert not fretted or fret <= min(fretted)
        assert not fretted or fret >= min(min(fretted), max(1, max(fretted) - 3))


@given(pitches=st.lists(st.integers(40, 86), min_size=1, max_size=4), low=st.integers(1, 9), span=st.integers(1, 5))
@settings(max_examples=60, deadline=None)
def test_a_wish_is_understood(pitches: list[int], low: int, span: int) -> None:
    found = placements(pitches, GUITAR)
    liked = set(ways(within(found, Reach(span, low, low + 6))))
    for way in ways(found):
        frets = [place.fret for place in way if place.fret]
        is_near = all(low <= fret <= low + 6 for fret in frets)
        assert (way in liked) is (is_near and max(frets, default=0) - min(frets, default=0) <= span)


def test_no_notes_need_no_hand() -> None:
    assert len(placements([], GUITAR)) == 1
    assert len(placements([20], GUITAR)) == 0
    assert Reach() == ANYWHERE
    assert MAX_FINGERS == 4
