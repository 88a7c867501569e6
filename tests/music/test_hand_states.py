"""Many chords at once have the states that each has alone; what sessions share changes none of them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from music.arranging import LiveArranger, known_hand
from music.hand_model import learned_weights
from music.hand_states import MAX_STATES, Chord, Neck
from music.neck import Reach, is_playable
from music.note import Note
from music.preferences import DEFAULT_PREFERENCES
from music.tuning import Instrument, Position
from tests.music.test_arranging import GUITAR, phrases
from tests.music.test_tuning import instruments


@st.composite
def chords(draw: st.DrawFn) -> tuple[Neck, list[Chord]]:
    instrument = draw(instruments)
    reach = draw(st.builds(Reach, st.integers(1, 6), st.integers(1, 5), st.integers(5, 24)))
    neck = Neck(instrument, learned_weights(), reach)
    pitches = st.integers(instrument.lowest_pitch, instrument.highest_pitch)
    drawn = draw(
        st.lists(st.tuples(st.lists(pitches, min_size=1, max_size=4), st.lists(pitches, max_size=3)), max_size=9)
    )
    found = [(tuple(sorted(begun)), tuple(held)) for begun, held in drawn]
    return neck, [chord for chord in found if all(map(neck.has, sum(chord, ()))) and neck.can_hold(chord[0])]


@given(chords())
@settings(max_examples=60, deadline=None)
def test_together_as_one_by_one(drawn: tuple[Neck, list[Chord]]) -> None:
    neck, wanted = drawn
    together = neck.states_of(wanted)
    assert len(together) == len(wanted)
    for chord, states in zip(wanted, together, strict=True):
        alone = Neck(neck.instrument, neck.weights, neck._reach).states(chord)
        assert 0 < len(states) <= MAX_STATES
        assert neck.states(chord) is states, "what was worked out is remembered"
        for name in ("strings", "hand", "middle", "place"):
            np.testing.assert_array_equal(getattr(states, name), getattr(alone, name))
        np.testing.assert_allclose(states.cost, alone.cost, atol=1e-9)
        np.testing.assert_allclose(states.figures @ neck.weights.holding, states.cost, atol=1e-4)
        sounding = [*chord[0], *chord[1]]
        for row in states.strings:
            places = [(pitch, int(string)) for pitch, string in zip(sounding, row, strict=True) if string]
            held = [Position(s, pitch - neck.instrument.pitch_at(Position(s, 0))) for pitch, s in places]
            assert is_playable(held)


@given(st.lists(st.lists(st.integers(36, 90), max_size=7).map(tuple), max_size=12))
@settings(max_examples=60, deadline=None)
def test_what_can_be_held_is_found_out_together_too(asked: list[tuple[int, ...]]) -> None:
    told = Neck(GUITAR, learned_weights()).look_at(asked)
    assert told == {pitches: Neck(GUITAR, learned_weights()).can_hold(pitches) for pitches in asked}


def played(notes: list[Note]) -> list[Note]:
    arranger = LiveArranger(GUITAR, 2_205)
    settled: list[Note] = []
    for member in sorted(notes, key=lambda member: member.onset):
        settled += arranger.advance(member.onset, {})
        arranger.add(member)
    return settled + arranger.finish({})


@given(st.lists(phrases(lowest=40, highest=84, most=12), min_size=2, max_size=4))
@settings(max_examples=15, deadline=None)
def test_sessions_that_share_a_hand_hear_nothing_of_each_other(sessions: list[list[Note]]) -> None:
    alone = []
    for notes in sessions:
        known_hand.cache_clear()
        alone.append(played(notes))
    known_hand.cache_clear()
    with ThreadPoolExecutor(len(sessions)) as threads:
        assert list(threads.map(played, sessions)) == alone


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("music.hand_states._MOST_REMEMBERED", 5)
    neck = Neck(GUITAR, learned_weights())
    for pitch in range(45, 75):
        assert neck.can_hold((pitch, pitch + 7))
        assert len(neck.states(((pitch,), ()))) > 0
        assert max(len(neck._seen), len(neck._can_hold)) <= 5
    assert len(neck.states_of([((pitch,), ()) for pitch in range(40, 60)])) == 20


def test_an_instrument_and_a_player_have_one_hand() -> None:
    assert known_hand(GUITAR, DEFAULT_PREFERENCES) is known_hand(Instrument(), DEFAULT_PREFERENCES)
    firm = replace(DEFAULT_PREFERENCES, difficulty="beginner")
    assert known_hand(GUITAR, firm) is not known_hand(GUITAR, DEFAULT_PREFERENCES)
